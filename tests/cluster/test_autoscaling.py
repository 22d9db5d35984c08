"""The cluster grows by what its studies would fill, and shrinks when they do not; with Ray's own autoscaler."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import ray

import slalom
from slalom.lanes.apart import ApartLanes
from slalom.lanes.on_ray import RayLanes
from slalom.lanes.on_ray.connection import connected
from slalom.study.nets import Nets
from slalom_worker.lane.environment import LANE_ENVIRONMENT
from slalom_worker.lane.factory import lane_worker
from tests.cluster.clusters import autoscaling_cluster, descendants, wait_for
from tests.cluster.members import members
from tests.cluster.studies import SPEC, rows
from tests.support.mlflow_tables import database


def test_nodes_come_when_demand_is_stated_and_go_when_it_is_released(tmp_path):
    """Demand adds up; that of a driver that was killed is released by the broker, which keeps no node busy."""
    before = descendants(os.getpid())
    with autoscaling_cluster(gpus=2, most=3) as cluster, members(cluster.address, tmp_path) as start:
        first, second = start.join("first", lanes=3, demand=3), start.join("second", lanes=1, demand=1)
        with connected(cluster.address, None, "watch"):
            assert wait_for(lambda: (gpus(), first.share, second.share) == (4, 3, 1), 60)
            third = start.join("third", lanes=2, demand=2)
            assert wait_for(lambda: (gpus(), third.share) == (6, 2), 60)
            first.kill()
            third.end()
            assert wait_for(lambda: gpus() == 2, 60)
            assert second.share == 1
            second.end()
            assert wait_for(lambda: gpus() == 0, 60)
    assert wait_for(lambda: descendants(os.getpid()).keys() <= before.keys())


def test_a_study_brings_its_node_and_lets_it_go(expected, tmp_path):
    """Nothing is there when it begins; it asks for as many lanes as it fills packs, which is one; then for none."""
    before = descendants(os.getpid())
    seen = []

    def watch(progress):
        seen.append((progress.lanes, gpus()))

    with autoscaling_cluster(gpus=1, most=3) as cluster:
        database(tmp_path)
        study = SPEC.with_resources(device="gpu")
        with connected(cluster.address, None, "watch"):
            result = slalom.run(study, tmp_path, lanes=partial(on_cores, address=cluster.address), watch=watch)
            assert rows(result.export()) == expected
            assert seen[0] == (0, 0)
            assert set(seen) <= {(0, 0), (0, 1), (1, 1)}
            assert wait_for(lambda: gpus() == 0, 60)
    assert wait_for(lambda: descendants(os.getpid()).keys() <= before.keys())


def on_cores(spec, address):
    """Lanes that take GPUs of Ray's, and train on cores, since the nodes' GPUs are none."""
    return ApartLanes(partial(held, replace(spec, nets=Nets()), address), "Ray")


def held(spec, address):
    return RayLanes(address, spec, partial(lane_worker, Path(), None, device="cpu"), LANE_ENVIRONMENT)


def gpus():
    return sum(node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"])
