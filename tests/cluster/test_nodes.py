"""Lanes on a cluster of two nodes: as many as fit, on every node, each with its share; and the same numbers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager

import pytest
import ray

import slalom
from slalom import api
from slalom.errors import Infrastructure, InputError
from slalom.lanes.on_ray import lanes as lanes_on_ray
from slalom.lanes.on_ray import room
from slalom.trial import Reply
from slalom_worker.environment import LANE_ENVIRONMENT
from tests.cluster.clusters import lane_processes, raylet, wait_for
from tests.cluster.crews import crew, heard
from tests.cluster.studies import SPEC, rows
from tests.cluster.workers import told


def asked(lanes):
    """By lane: its process, its GPU's number and what MKL is told."""
    for lane in range(len(lanes.names)):
        lanes.send(lane, told("ask"))
    found = {lane: reply.results[0].device.split() for lane, reply in heard(lanes, len(lanes.names))}
    return [found[lane] for lane in range(len(found))]


@pytest.mark.parametrize(("share", "each"), [(1.0, 1), (0.5, 2)])
def test_auto_fills_every_node_with_lanes(cluster, share, each):
    head, other = raylet(cluster.head_node), raylet(*cluster.worker_nodes)
    with crew(cluster.address, share=share) as lanes:
        found = asked(lanes)
        nodes = [lane_processes()[int(pid)] for pid, _, _ in found]
        assert Counter(zip(nodes, (gpu for _, gpu, _ in found), strict=True)) == {
            (head, "0"): each,
            (other, "0"): each,
            (other, "1"): each,
        }
        assert len({pid for pid, _, _ in found}) == len(found)
        assert {mkl for _, _, mkl in found} == set(LANE_ENVIRONMENT.values())
        assert ray.cluster_resources()["GPU"] == 3
        assert wait_for(lambda: ray.available_resources().get("GPU", 0) == 0)
        assert ray.available_resources()["CPU"] == 2
        places = {(node, name.split(" on ")[1]) for node, name in zip(nodes, lanes.names, strict=True)}
        assert len(places) == len({place for _, place in places}) == 2
    assert wait_for(lambda: not lane_processes())


def test_the_same_numbers_as_in_this_process(cluster, expected, tmp_path):
    crews = []

    def lanes(spec):
        crews.append(api.ray_lanes(spec, cluster.address))
        return crews[-1]

    names = []
    result = slalom.run(SPEC, tmp_path, lanes=lanes, watch=lambda _: names.append(list(crews[0].names)))
    assert rows(result.export()) == expected
    assert {trial["attempt"] for trial in result.export()} == {0}
    assert len({name.split(" on ")[1] for name in names[0]}) == len(names[0]) == 2


def test_through_rays_client_from_elsewhere(cluster, client_port):
    """There the lanes know no module of the driver's, and errors take another way."""

    class Simple:
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


def test_more_lanes_than_fit(cluster):
    wanted = r"resources: 7 lanes of 0.4 GPU each must fit in the cluster, which has room for 6 \(CPU 2, GPU 3\)"
    with pytest.raises(InputError, match=wanted), crew(cluster.address, 7, 0.4):
        pass
    with (
        pytest.raises(InputError, match=r"auto lanes of 4 GPU each must fit .* room for 0"),
        crew(cluster.address, None, 4),
    ):
        pass
    assert not ray.is_initialized()


def test_auto_leaves_to_others_what_they_have_taken(cluster, monkeypatch):
    monkeypatch.setattr(room, "FREE_SECONDS", 0.5)
    monkeypatch.setattr(lanes_on_ray, "START_SECONDS", 3.0)
    with taken(cluster, 2):
        with crew(cluster.address) as lanes:
            assert len(lanes.names) == 1
        late = "did not start within 3 s: the cluster's free resources are CPU 2, GPU 0"
        with pytest.raises(Infrastructure, match=f"lane [01] {late}"), crew(cluster.address, 2):
            pass
        nothing = "all of the cluster's room for 1 lanes of 2 GPU each is taken"
        with pytest.raises(Infrastructure, match=nothing), crew(cluster.address, share=2):
            pass


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
        yield
        other.stdin.close()
