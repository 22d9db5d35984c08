"""Whatever dies while a study runs, it ends with the same results: none lost, none double."""

from __future__ import annotations

import os
import signal

import pytest

import slalom
from slalom import api
from slalom.errors import Infrastructure, LaneLost
from slalom.lanes.on_ray import lanes as module
from tests.cluster.clusters import add_node, lane_processes
from tests.cluster.crews import crew, heard
from tests.cluster.studies import SPEC, rows
from tests.cluster.workers import told


class Watch:
    """Does things while a study runs, each as soon as so many trials have ended; keeps the lanes' nodes."""

    def __init__(self, actions):
        self.actions = dict(actions)
        self.lanes = None
        self.nodes = []

    def start(self, address):
        def begin(spec):
            self.lanes = api.ray_lanes(spec, address)
            return self.lanes

        return begin

    def __call__(self, progress):
        self.nodes.append([name.split(" on ")[1] for name in self.lanes.names])
        for trials in [trials for trials in self.actions if trials <= progress.trials]:
            self.actions.pop(trials)()


def kill_a_lane():
    os.kill(max(lane_processes()), signal.SIGKILL)


def test_a_lanes_process_then_a_node(cluster, expected, tmp_path, monkeypatch):
    """The process has a successor on its node; when the node is gone there is no room, and the lanes move together."""
    monkeypatch.setattr(module, "PLACE_SECONDS", 2.0)
    (node,) = cluster.worker_nodes
    watch = Watch({1: kill_a_lane, 13: lambda: cluster.remove_node(node)})
    try:
        result = slalom.run(SPEC, tmp_path, lanes=watch.start(cluster.address), watch=watch)
    finally:
        if node not in cluster.worker_nodes:
            add_node(cluster, 2)
    assert rows(result.export()) == expected
    assert watch.actions == {}
    assert max(row["attempt"] for row in result.export()) > 0
    assert len(set(watch.nodes[0])) == 2
    assert len(set(watch.nodes[-1])) == 1


def test_lanes_that_live_together(cluster, monkeypatch):
    """What one of them was sent before it moved in is not lost; they die together; they take a place that comes."""
    monkeypatch.setattr(module, "PLACE_SECONDS", 1.0)
    extra = add_node(cluster, 1)
    try:
        with crew(cluster.address, 4) as lanes:
            lost = next(lane for lane in range(4) if lanes.names[lane].endswith(f"{extra.node_id[:8]})"))
            cluster.remove_node(extra)
            for number in (1, 2):
                lanes.send(lost, told("answer", number))
            assert isinstance(heard(lanes, 1)[0][1], LaneLost)
            for number in (3, 4):
                lanes.send(lost, told("answer", number))
            assert [reply.slots for _, reply in heard(lanes, 2)] == [3, 4]

            host = next(lane for lane in range(4) if lane != lost and lanes.names[lane][7:] == lanes.names[lost][7:])
            for lane in {0, 1, 2, 3} - {lost}:
                lanes.send(lane, told("leave"))
            lanes.send(lost, told("answer", 5))
            found = dict(heard(lanes, 4))
            assert all(isinstance(found[lane], LaneLost) for lane in (host, lost))

            monkeypatch.setattr(module, "PLACE_SECONDS", 60.0)
            extra = add_node(cluster, 1)
            for lane in range(4):
                lanes.send(lane, told("answer", 6))
            assert [reply.slots for _, reply in heard(lanes, 4)] == [6] * 4
            assert len({name.split(" on ")[1] for name in lanes.names}) == 3
    finally:
        if extra in cluster.worker_nodes:
            cluster.remove_node(extra)


def test_a_lane_that_dies_again_and_again_ends_the_study(cluster, monkeypatch):
    """An answer in between starts the count anew."""
    monkeypatch.setattr(module, "DEATHS", 1)
    with crew(cluster.address, 1) as lanes:
        for command in ("leave", "answer", "leave"):
            lanes.send(0, told(command))
            assert isinstance(heard(lanes, 1)[0][1], LaneLost) == (command == "leave")
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
