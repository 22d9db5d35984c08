"""Whatever dies while a study runs, it ends with the same results: none lost, none double."""

from __future__ import annotations

import os
import signal

import pytest

import slalom
from slalom import wiring
from slalom.errors import Infrastructure, LaneLost
from slalom.lanes.on_ray import lanes as module
from tests.cluster.clusters import add_node, lane_processes
from tests.cluster.crews import crew, heard, opened
from tests.cluster.studies import SPEC, rows
from tests.cluster.workers import told
from tests.support.mlflow_tables import database


class Watch:
    """Does things while a study runs, each as soon as so many trials have ended."""

    def __init__(self, actions):
        self.actions = dict(actions)

    def start(self, address):
        return lambda spec: wiring.ray_lanes(spec, address)

    def __call__(self, progress):
        for trials in [trials for trials in self.actions if trials <= progress.trials]:
            self.actions.pop(trials)()


def kill_a_lane():
    os.kill(min(lane_processes()), signal.SIGKILL)


def test_a_lanes_process_then_a_node(cluster, expected, tmp_path):
    """The process has a successor on its node; when the node is gone there is no room for two, and one goes on."""
    (node,) = cluster.worker_nodes
    database(tmp_path)
    watch = Watch({1: kill_a_lane, 13: lambda: cluster.remove_node(node)})
    try:
        result = slalom.run(SPEC, tmp_path, lanes=watch.start(cluster.address), watch=watch)
    finally:
        if node not in cluster.worker_nodes:
            add_node(cluster, 2)
    assert rows(result.export()) == expected
    assert watch.actions == {}
    assert max(row["attempt"] for row in result.export()) > 0


def test_a_lane_takes_a_place_that_comes(cluster):
    """What it was sent is void when its node leaves; the others go on, and it is back when a node comes."""
    extra = add_node(cluster, 1)
    try:
        with crew(cluster.address, 4) as lanes:
            lost = next(lane for lane in range(4) if lanes.names[lane].endswith(f"{extra.node_id[:8]})"))
            lanes.send(lost, told("sleep", 20_000))
            cluster.remove_node(extra)
            ((lane, news),) = heard(lanes, 1)
            assert (lane, type(news), news.left) == (lost, LaneLost, True)
            others = {0, 1, 2, 3} - {lost}
            for lane in others:
                lanes.send(lane, told("answer", 6))
            assert {lane: reply.slots for lane, reply in heard(lanes, 3)} == dict.fromkeys(others, 6)
            extra = add_node(cluster, 1)
            opened(lanes, 1)
            assert lanes.names[lost].endswith(f"{extra.node_id[:8]})")
            lanes.send(lost, told("answer", 7))
            assert [(lane, reply.slots) for lane, reply in heard(lanes, 1)] == [(lost, 7)]
    finally:
        if extra in cluster.worker_nodes:
            cluster.remove_node(extra)


def test_a_lane_that_dies_again_and_again_ends_the_study(cluster, monkeypatch):
    """An answer in between starts the count anew."""
    monkeypatch.setattr(module, "DEATHS", 1)
    with crew(cluster.address, 1) as lanes:
        for command in ("leave", "answer", "leave"):
            lanes.send(0, told(command))
            ((_, news),) = heard(lanes, 1)
            assert isinstance(news, LaneLost) == (command == "leave")
            assert not getattr(news, "left", False)
            if command == "leave":
                opened(lanes, 1)
        lanes.send(0, told("leave"))
        with pytest.raises(Infrastructure, match=r"lane 0 on .* died 2 times without an answer"):
            heard(lanes, 1)


def test_a_cluster_that_is_gone_ends_the_study(cluster, monkeypatch):
    """Ray itself would end the process."""
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.2)
    with crew(cluster.address, 1) as lanes:
        lanes.send(0, told("sleep", 1500))
        assert heard(lanes, 1)[0][1].slots == 1500
        monkeypatch.setattr(module, "knock", hung_up)
        lanes.send(0, told("sleep", 60_000))
        with pytest.raises(Infrastructure, match="the cluster is gone: nobody at "):
            heard(lanes, 1)


def hung_up(address):
    raise Infrastructure(f"nobody at {address}")
