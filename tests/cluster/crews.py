"""Lanes with workers that do as they are told."""

from __future__ import annotations

import time
from contextlib import contextmanager

from slalom.lanes.base import Demand, LaneOpened
from slalom.lanes.on_ray import RayLanes
from slalom_worker.environment import LANE_ENVIRONMENT
from tests.cluster.studies import SPEC
from tests.cluster.workers import Obedient

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
    there, deadline = set(), time.monotonic() + SECONDS
    while len(there) < (count or len(lanes.names) or 1):
        assert time.monotonic() < deadline, f"only {there} opened"
        lanes.size(PLENTY)
        there |= {lane for lane, news in lanes.collect(0.5) if isinstance(news, LaneOpened)}
    return lanes


def heard(lanes, count):
    """So many things that come back, in their order; that a lane opened is not told."""
    found, deadline = [], time.monotonic() + SECONDS
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {found} came back"
        lanes.size(PLENTY)
        found += [(lane, news) for lane, news in lanes.collect(0.5) if not isinstance(news, LaneOpened)]
    return found
