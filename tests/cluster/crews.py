"""Lanes with workers that do as they are told."""

from __future__ import annotations

import time
from contextlib import contextmanager

from slalom.lanes.on_ray import RayLanes
from slalom_worker.environment import LANE_ENVIRONMENT
from tests.cluster.studies import SPEC
from tests.cluster.workers import Obedient

SECONDS = 60.0


@contextmanager
def crew(address, count=None, share=1.0, factory=Obedient):
    """Lanes on a cluster; `share` is a lane's part of a GPU, where the cluster has any."""
    lanes = RayLanes(address, SPEC.with_resources(lanes=count, gpus_per_lane=share), factory, LANE_ENVIRONMENT)
    try:
        yield lanes
    finally:
        lanes.close()


def heard(lanes, count):
    """So many things that come back, in their order."""
    found, deadline = [], time.monotonic() + SECONDS
    while len(found) < count:
        assert time.monotonic() < deadline, f"only {found} came back"
        found += lanes.collect(0.5)
    return found
