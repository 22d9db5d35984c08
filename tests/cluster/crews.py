"""Lanes with workers that do as they are told."""

from __future__ import annotations

from contextlib import contextmanager

from slalom import wiring
from slalom.lanes.base import Demand, LaneNotice, LaneOpened
from slalom.lanes.on_ray import RayLanes
from slalom_worker.lane.environment import LANE_ENVIRONMENT
from tests.cluster.studies import SPEC
from tests.cluster.workers import Obedient
from tests.support.patience import Patience

SECONDS = 60.0

PLENTY = Demand(trials=1000, slots=16)


@contextmanager
def crew(address, lanes=None, share=1.0, factory=Obedient, count=None, **resources):
    """Lanes on a cluster; `share` is a lane's part of a GPU, where the cluster has any; `count` of them are open."""
    spec = SPEC.with_resources(lanes=lanes, gpus_per_lane=share, **resources)
    started = RayLanes(address, spec, factory, LANE_ENVIRONMENT)
    try:
        yield opened(started, count or lanes)
    finally:
        started.close()


def opened(lanes, count=None):
    """The lanes, when `count` have told that they are there, or all that were started."""
    there, patience = set(), Patience(SECONDS)
    while len(there) < (count or len(lanes.names) or 1):
        assert not patience.over, f"only {there} of {lanes.names} opened"
        lanes.size(PLENTY)
        there |= {lane for lane, news in lanes.collect(0.5) if isinstance(news, LaneOpened)}
    return lanes


class Slowly:
    """Starts a study's lanes, and lets its loop begin when `count` of them are there, so that all of them train."""

    def __init__(self, address, count):
        self.address, self.count = address, count
        self.lanes, self.nodes = None, []

    def start(self, spec):
        """The lanes; `nodes` is where each of them was when all were there."""
        self.lanes = wiring.ray_lanes(spec, self.address)
        held, patience = [], Patience(SECONDS)
        while sum(isinstance(news, LaneOpened) for _, news in held) < self.count:
            assert not patience.over, f"only {held} of {self.lanes.names} opened"
            self.lanes.size(PLENTY)
            held += self.lanes.collect(0.5)
        self.nodes = [name.split(" on ")[1] for name in self.lanes.names]
        return Held(self.lanes, held)


class Held:
    """Lanes that first tell what they have told already."""

    def __init__(self, lanes, held):
        self._lanes, self._held = lanes, held

    def __getattr__(self, name):
        return getattr(self._lanes, name)

    def collect(self, timeout):
        held, self._held = self._held, []
        return held or self._lanes.collect(timeout)


def heard(lanes, count):
    """So many things that come back, in their order; that a lane opened is not told, and no notices are."""
    found, patience = [], Patience(SECONDS)
    while len(found) < count:
        assert not patience.over, f"only {found} came back"
        lanes.size(PLENTY)
        found += [(lane, news) for lane, news in lanes.collect(0.5) if not isinstance(news, LaneOpened | LaneNotice)]
    return found
