"""Lanes with workers that do as they are told."""

from __future__ import annotations

import time
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
    """Starts a study's lanes, and lets its loop dawdle till `count` are there, so that all of them train."""

    def __init__(self, address, count):
        self.address, self.count = address, count
        self.lanes, self.names = None, []

    def start(self, spec):
        self.lanes = wiring.ray_lanes(spec, self.address)
        return self.lanes

    def watch(self, progress):
        if progress.lanes < self.count:
            time.sleep(2.0)
        else:
            self.names = [*self.lanes.names]

    @property
    def nodes(self):
        """Where each lane was when all were there; at the end, idle ones are given back."""
        return [name.split(" on ")[1] for name in self.names]


def heard(lanes, count):
    """So many things that come back, in their order; that a lane opened is not told, and no notices are."""
    found, patience = [], Patience(SECONDS)
    while len(found) < count:
        assert not patience.over, f"only {found} came back"
        lanes.size(PLENTY)
        found += [(lane, news) for lane, news in lanes.collect(0.5) if not isinstance(news, LaneOpened | LaneNotice)]
    return found
