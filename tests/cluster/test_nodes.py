"""Lanes on a cluster of two nodes: as many as fit, on every node, each with its share; and the same numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import ray

import slalom
from slalom.errors import Infrastructure
from slalom.lanes.base import Demand, LaneOpened
from slalom.lanes.on_ray import RayLanes
from slalom.lanes.on_ray.first_lane import FirstLane
from slalom.lanes.on_ray.sharing import allotment
from slalom.wire.trial import Reply
from slalom_worker.lane.environment import LANE_ENVIRONMENT
from tests.cluster.clusters import lane_processes, raylet, wait_for
from tests.cluster.crews import PLENTY, Slowly, crew, heard, opened
from tests.cluster.studies import SPEC, rows
from tests.cluster.workers import Late, Obedient, told
from tests.support.mlflow_tables import database


def asked(lanes):
    """By lane: its process, its GPU's number and what pins its kernels."""
    for lane in range(len(lanes.names)):
        lanes.send(lane, told("ask"))
    found = {lane: reply.results[0].device.split() for lane, reply in heard(lanes, len(lanes.names))}
    return [found[lane] for lane in range(len(found))]


@pytest.mark.parametrize(("share", "each"), [(1.0, 1), (0.5, 2)])
def test_auto_fills_every_node_with_lanes(cluster, share, each, monkeypatch):
    for name in LANE_ENVIRONMENT:
        monkeypatch.setenv(name, "something else")
    head, other = raylet(cluster.head_node), raylet(*cluster.worker_nodes)
    with crew(cluster.address, share=share, count=3 * each) as lanes:
        found = asked(lanes)
        nodes = [lane_processes()[int(pid)] for pid, *_ in found]
        assert Counter(zip(nodes, (gpu for _, gpu, *_ in found), strict=True)) == {
            (head, "0"): each,
            (other, "0"): each,
            (other, "1"): each,
        }
        assert len({pid for pid, *_ in found}) == len(found)
        assert {tuple(pinned) for _, _, *pinned in found} == {tuple(LANE_ENVIRONMENT.values())}
        assert ray.cluster_resources()["GPU"] == 3
        assert wait_for(lambda: ray.available_resources().get("GPU", 0) == 0)
        assert ray.available_resources()["CPU"] == 12 - 3 * each
        places = {(node, name.split(" on ")[1]) for node, name in zip(nodes, lanes.names, strict=True)}
        assert len(places) == len({place for _, place in places}) == 2
    assert wait_for(lambda: not lane_processes())


def test_the_same_numbers_as_in_this_process(cluster, expected, tmp_path):
    database(tmp_path)
    slowly = Slowly(cluster.address, 2)
    result = slalom.run(SPEC, tmp_path, lanes=slowly.start)
    assert rows(result.export()) == expected
    assert {trial["attempt"] for trial in result.export()} == {0}
    assert len(set(slowly.nodes)) == len(slowly.nodes) == 2


def test_through_rays_client_from_elsewhere(cluster, client_port):
    """There the lanes know no module of the driver's, and errors take another way."""

    class Simple:
        device_name = "made up"

        def turn(self, turn):
            number = turn.drops[0].number
            if number == 13:
                os._exit(1)
            return Reply(slots=100 // number)

    with crew(f"ray://127.0.0.1:{client_port}", 2, factory=Simple) as lanes:
        for lane, number in ((0, 5), (0, 0), (0, 4), (1, 13), (1, 4)):
            lanes.send(lane, told("", number))
        found = heard(lanes, 3)
        assert [reply.slots for _, reply in found if isinstance(reply, Reply)] == [20]
        lost = {lane: str(reply) for lane, reply in found if not isinstance(reply, Reply)}
        assert lost[0].endswith(": ZeroDivisionError: integer division or modulo by zero")
        assert "died" in lost[1]
        opened(lanes, 1)
        for lane in (0, 1):
            lanes.send(lane, told("", 20))
        assert {lane: reply.slots for lane, reply in heard(lanes, 2)} == {0: 5, 1: 5}


def test_a_cluster_after_a_local_ray_in_one_process(cluster):
    """The local one wants tokens of its peers, the cluster has none. Neither leaves anything changed."""
    before, on_sigterm = dict(os.environ), signal.getsignal(signal.SIGTERM)
    for address in (None, cluster.address):
        with crew(address, 1) as lanes:
            lanes.send(0, told("answer", 3))
            assert [reply.slots for _, reply in heard(lanes, 1)] == [3]
            assert signal.getsignal(signal.SIGTERM) is on_sigterm
    assert dict(os.environ) == before


def test_lanes_are_as_many_as_fit_of_those_the_study_allows(cluster):
    with crew(cluster.address, 2, 0.4) as lanes:
        assert len(lanes.names) == 2
    with crew(cluster.address, 7, 0.4, count=6) as lanes:
        assert len(lanes.names) == 6
        lanes.size(PLENTY)
        assert len(lanes.names) == 6
    assert not ray.is_initialized()


def test_a_lane_that_fits_nowhere(cluster, monkeypatch):
    monkeypatch.setattr(allotment, "START_SECONDS", 2.0)
    late = (
        r"no lane has opened within 2 s: a lane of 4 GPU, 1 CPU and 0.3 GB must fit in the cluster, "
        r"which has room for 0 "
        r"\(CPU 12, GPU 3, memory [0-9.]+ GB\)"
    )
    with pytest.raises(Infrastructure, match=late), crew(cluster.address, share=4):
        pass


def test_a_lane_that_has_its_place_may_take_longer_to_open(cluster, monkeypatch):
    monkeypatch.setattr(allotment, "START_SECONDS", 2.0)
    with crew(cluster.address, 1, factory=Late) as lanes:
        lanes.send(0, told("answer", 3))
        assert heard(lanes, 1)[0][1].slots == 3


def test_an_answer_that_is_there_is_taken_before_patience_is_over(cluster):
    lanes = RayLanes(cluster.address, SPEC.with_resources(lanes=1), Obedient, LANE_ENVIRONMENT)
    try:
        lanes.size(PLENTY)
        assert wait_for(lambda: ray.wait([lanes._lanes[0].opening], timeout=0)[0])
        lanes._allotment.patience = 0.0
        assert any(isinstance(news, LaneOpened) for _, news in lanes.collect(1.0))
    finally:
        lanes.close()


def test_time_in_which_the_loop_was_stopped_does_not_count():
    """As between Ctrl-Z and fg."""
    now, lane = [0.0], SimpleNamespace(opening="owed")
    patience = SimpleNamespace(waits=False, patience=120.0)
    first = FirstLane(SimpleNamespace(available_resources=dict), patience, client=True, clock=lambda: now[0])
    for _ in range(4):
        now[0] += 3600.0
        first.look([lane])
    now[0] += 1.0
    with pytest.raises(Infrastructure, match="no lane has opened within 120 s"):
        first.look([lane])
    lane.opening = None
    first.look([lane])
    lane.opening = "owed"
    now[0] += 3600.0
    first.look([lane])


def test_a_local_ray_is_waited_for_however_busy_its_machine_is():
    alone = SimpleNamespace(nodes=lambda: [{"NodeID": "1", "Alive": True, "Resources": {"CPU": 1.0, "memory": 1e10}}])
    assert allotment.Allotment(alone, None, SPEC).patience == allotment.GROW_SECONDS


def test_lanes_wait_for_what_others_have_taken(cluster, monkeypatch):
    with taken(cluster, 2) as give_back:
        with crew(cluster.address, count=1) as lanes:
            assert not any(isinstance(news, LaneOpened) for _, news in lanes.collect(1.0))
            give_back()
            opened(lanes, 2)
        assert len(lanes.names) == 3
    monkeypatch.setattr(allotment, "START_SECONDS", 5.0)
    with taken(cluster, 2):
        nothing = r"a lane of 2 GPU, .* room for 1 .*; the cluster's free resources are CPU 12, GPU 1, memory .* GB"
        with pytest.raises(Infrastructure, match=nothing), crew(cluster.address, share=2):
            pass


def test_idle_lanes_are_given_back_when_there_is_too_little_to_train(cluster, monkeypatch):
    """Those that train stay; the others are told of once, and when they are released the cluster has their share."""
    monkeypatch.setattr(allotment, "IDLE_SECONDS", 2.0)
    with crew(cluster.address, count=3) as lanes:
        lanes.send(1, told("sleep", 3000))
        assert list(lanes.size(PLENTY)) == []
        assert list(lanes.size(Demand(1, 16))) == []
        time.sleep(2.1)
        assert sorted(lanes.size(Demand(1, 16))) == [0, 2]
        assert list(lanes.size(Demand(1, 16))) == []
        for lane in (0, 2):
            lanes.release(lane)
        assert wait_for(lambda: ray.available_resources().get("GPU") == 2)
        assert [(lane, reply.slots) for lane, reply in lanes.collect(10.0)] == [(1, 3000)]
        opened(lanes, 2)
        lanes.send(2, told("answer", 5))
        assert [(lane, reply.slots) for lane, reply in heard(lanes, 1)] == [(2, 5)]


@contextmanager
def taken(cluster, gpus):
    """Somebody else's lanes hold so many GPUs."""
    code = (
        "import ray, sys\n"
        f"ray.init({cluster.address!r}, log_to_driver=False)\n"
        "class Other:\n    def up(self): pass\n"
        f"others = [ray.remote(Other).options(num_cpus=0, num_gpus=1).remote() for _ in range({gpus})]\n"
        "ray.get([other.up.remote() for other in others])\n"
        "print('up', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as other:
        assert other.stdout.readline() == "up\n"
        yield other.stdin.close
        other.stdin.close()
