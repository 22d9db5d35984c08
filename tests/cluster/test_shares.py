"""The studies of a cluster share it, whichever of them dies, and whether or not the broker does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import ray

import slalom
from slalom.errors import Infrastructure
from slalom.home import Home
from slalom.lanes.on_ray.actor import LaneActor
from slalom.lanes.on_ray.connection import connected
from slalom.lanes.on_ray.sharing import membership
from slalom.lanes.on_ray.sharing.broker import NAME, NAMESPACE, Broker
from slalom.lanes.on_ray.sharing.ledger import STARTING_SECONDS, Ledger
from slalom.status.reader import StatusReader
from tests.cluster.clusters import descendants, ray_cluster, raylet, title, wait_for
from tests.cluster.crews import Slowly
from tests.cluster.members import members
from tests.cluster.studies import DOCUMENT, SPEC, rows, run_here
from tests.support.mlflow_tables import database


def brokers(cluster):
    """Processes of brokers on the cluster's head; other clusters of the tests have theirs."""
    head, found = raylet(cluster.head_node), descendants(os.getpid())
    return [pid for pid, parent in found.items() if parent == head and title(pid).startswith("ray::Broker")]


def share_out(*expected, seconds=20):
    """Whether each member has its number of lanes soon."""
    return wait_for(lambda: all(member.share == lanes for member, lanes in expected), seconds)


@pytest.fixture(scope="module")
def pool():
    """A cluster of six GPUs on three nodes."""
    with ray_cluster(1, 2, 3) as running:
        yield running


def test_drivers_share_evenly_and_by_priority(pool, tmp_path):
    """Two that start at once get the same broker; what the killed one had comes back."""
    with members(pool.address, tmp_path) as start:
        first, second = start.join("first"), start.join("second")
        assert share_out((first, 3), (second, 3))
        assert len(brokers(pool)) == 1
        urgent = start.join("urgent", lanes=4, priority=10)
        assert share_out((urgent, 4), (first, 1), (second, 1))
        urgent.kill()
        assert share_out((first, 3), (second, 3))
        assert first.end() < 3
        assert wait_for(lambda: second.share == 6, 5)


def test_a_broker_that_dies_comes_back(pool, tmp_path):
    with members(pool.address, tmp_path) as start:
        first = start.join("first")
        assert share_out((first, 6))
        (broker,) = brokers(pool)
        os.kill(broker, signal.SIGKILL)
        second = start.join("second")
        assert share_out((first, 3), (second, 3))
        assert broker not in brokers(pool)
        with connected(pool.address, None, "killer"):
            ray.kill(ray.get_actor(NAME, namespace=NAMESPACE), no_restart=True)
        third = start.join("third")
        assert share_out((first, 2), (second, 2), (third, 2))


def test_a_broker_that_cannot_be_is_told(pool, monkeypatch):
    """A study does not go on with the single lane that it has while it is not known how many."""

    class Broken(Broker):
        def __init__(self):
            raise OSError("no broker today")

    monkeypatch.setattr(membership, "Broker", Broken)
    monkeypatch.setattr(membership, "NAME", "broken")
    monkeypatch.setattr(membership, "PATIENCE_SECONDS", 10.0)
    with connected(pool.address, None, "alone") as connection:
        member = membership.Membership(connection, "alone", 0)

        def told():
            """What a claim is refused with: on a busy machine first that the broker is late, then why."""
            try:
                member.claim(1, {"GPU": 1}, 1)
            except Infrastructure as exc:
                return str(exc)
            return ""

        try:
            assert wait_for(lambda: "no broker today" in told(), 60)
            assert told().startswith("the cluster's broker of lanes does not answer: ")
        finally:
            member.leave()


def test_through_rays_client(cluster, client_port, tmp_path):
    with members(cluster.address, tmp_path) as start:
        near, far = start.join("near"), start.join("far", address=f"ray://127.0.0.1:{client_port}", lanes=1)
        assert share_out((near, 2), (far, 1), seconds=120)  # to join through the client may take four tries
        assert far.end() < 3


def test_what_others_took_is_not_divided(pool):
    """Node by node, once they have had it for a while; what lanes have taken is divided."""
    with connected(pool.address, None, "others"):
        lanes = [ray.remote(LaneActor).options(num_cpus=0, num_gpus=0.5).remote(None, []) for _ in range(4)]
        ray.get([lane.turn.remote(None) for lane in lanes])
        ledger = Ledger()
        other = ray.remote(Guest).options(num_cpus=0, num_gpus=2).remote()
        node = ray.get(other.node.remote())
        assert wait_for(lambda: others_took(ledger) == {node: 2}, STARTING_SECONDS + 5)
        left, _ = ledger.look()
        assert sum(resources.get("GPU", 0) for resources in left.values()) == 4
        ray.kill(other)
        assert wait_for(lambda: others_took(ledger) == {}, 3)


def test_lanes_that_start_and_end_are_nobodys_loss(pool):
    with connected(pool.address, None, "lanes"):
        ledger = Ledger()
        assert wait_for(lambda: others_took(ledger) == {}, 3)
        end = time.monotonic() + 4
        lane = None
        while time.monotonic() < end:
            if lane is not None:
                ray.kill(lane)
            lane = ray.remote(LaneActor).options(num_cpus=0, num_gpus=1).remote(None, [])
            for _ in range(20):
                assert others_took(ledger) == {}
                time.sleep(0.01)


LOW = {
    **DOCUMENT,
    "name": "low",
    "model": {"name": "mlp", "hidden": [64]},
    "training": {"epochs": 160, "batch_size": 16, "optimizer": "momentum"},
    "tune": {"trials": 12, "searches": 1, "pick": "none"},
    "resources": {},
}
"""Long enough to be disturbed."""


def test_a_study_gives_way_to_a_more_urgent_one_and_comes_out_the_same(cluster, expected, tmp_path):
    """It has the whole cluster, then nothing of it, then all again; that costs none of its trials an attempt."""
    (tmp_path / "low.yaml").write_text(json.dumps(LOW))
    for name in ("low", "high"):
        database(tmp_path / name)
    lanes = [0]

    def look(progress=None):
        found = StatusReader(Home(tmp_path / "low")).read(time.time()).studies
        if found and found[0].lanes != lanes[-1]:
            lanes.append(found[0].lanes)
        return lanes

    words = ["run", str(tmp_path / "low.yaml"), "--home", str(tmp_path / "low"), "--ray", cluster.address]
    with subprocess.Popen([sys.executable, "-m", "slalom.cli", *words], stdout=subprocess.DEVNULL) as low:
        assert wait_for(lambda: look()[-1] == 3, 60)
        urgent = SPEC.with_resources(priority=10, lanes=None)

        def all_of_it(spec):
            started = Slowly(cluster.address, 3).start(spec)
            assert wait_for(lambda: look()[-1] == 0, 60)
            return started

        result = slalom.run(urgent, tmp_path / "high", lanes=all_of_it, watch=look)
        assert rows(result.export()) == expected
        assert low.wait(800) == 0
    found = slalom.show(tmp_path / "low.yaml", tmp_path / "low")
    assert rows(found.export()) == run_here(slalom.load(tmp_path / "low.yaml"))
    assert {row["attempt"] for row in found.export()} == {0}


class Guest:
    """An actor of somebody else's."""

    def node(self):
        return ray.get_runtime_context().get_node_id()


def others_took(ledger):
    """GPUs by node."""
    _, others = ledger.look()
    return {node: taken["GPU"] for node, taken in others.items() if taken.get("GPU")}
