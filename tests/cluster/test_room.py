"""Nodes of several kinds, and how many lanes each has room for."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from slalom.errors import InputError
from slalom.lanes.on_ray.sharing.room import LEAST_MEMORY, Need, fitting
from slalom.study.model import Resources
from slalom.wire.trial import Memory
from tests.cluster.clusters import add_node, wait_for
from tests.cluster.crews import PLENTY, crew, heard, opened
from tests.cluster.workers import told

GIB = 1 << 30


def nodes(*offers):
    """As Ray tells them; the last one is gone."""
    gone = {"Alive": False, "Resources": {"CPU": 1000.0, "GPU": 1000.0}}
    return [*({"Alive": True, "Resources": {"memory": 64.0 * GIB, **offer}} for offer in offers), gone]


def need(*offers, growing=False, **resources):
    return Need(Resources(**resources), nodes(*offers), growing=growing)


A100 = {"CPU": 16.0, "GPU": 4.0, "accelerator_type:A100": 1.0}
V100 = {"CPU": 16.0, "GPU": 8.0, "accelerator_type:V100": 1.0, "fast_disk": 1.0}
PLAIN = {"CPU": 16.0}


def test_a_lane_takes_a_core_and_where_there_are_gpus_a_share_of_them():
    assert need(PLAIN).bundle == {"CPU": 1.0, "memory": LEAST_MEMORY}
    assert need(PLAIN, A100, gpus_per_lane=0.5).bundle == {"GPU": 0.5, "CPU": 1.0, "memory": LEAST_MEMORY}
    assert need(PLAIN, device="gpu").bundle == {"GPU": 1.0, "CPU": 1.0, "memory": LEAST_MEMORY}
    assert need(PLAIN, A100, device="cpu").bundle == {"CPU": 1.0, "memory": LEAST_MEMORY}


def test_a_node_has_no_more_lanes_on_its_gpus_than_cores():
    few = {"CPU": 4.0, "GPU": 8.0, "memory": 64.0 * GIB}
    assert fitting(need(few).bundle, few) == 4
    assert fitting(need(few, gpus_per_lane=0.25).bundle, few) == 4
    assert fitting(need(few, cpus_per_lane=2.0).bundle, few) == 2


def test_a_lane_takes_the_cores_that_a_trial_asks_for_also_beside_a_gpu():
    assert need(PLAIN, device="cpu", cpus_per_lane=4.0).bundle == {"CPU": 4.0, "memory": LEAST_MEMORY}
    found = need(PLAIN, A100, device="gpu", gpus_per_lane=0.5, cpus_per_lane=4.0)
    assert found.bundle == {"GPU": 0.5, "CPU": 4.0, "memory": LEAST_MEMORY}
    assert str(found) == "0.5 GPU, 4 CPU and 0.3 GB"


def test_a_lane_without_a_gpu_sees_none():
    assert need(PLAIN, A100, device="cpu").environment == {"CUDA_VISIBLE_DEVICES": ""}
    assert need(PLAIN, A100).environment == {}


@pytest.mark.parametrize(
    ("asked", "resource", "lanes"),
    [("A100", "accelerator_type:A100", [0, 4, 0]), ("fast_disk", "fast_disk", [0, 0, 8])],
)
def test_a_lane_is_where_the_study_wants_it(asked, resource, lanes):
    cluster = (PLAIN, A100, V100)
    found = need(*cluster, nodes=asked)
    assert found.bundle == {"GPU": 1.0, "CPU": 1.0, "memory": LEAST_MEMORY, resource: 0.001}
    assert str(found) == f"1 GPU, 1 CPU and 0.3 GB on {resource}"
    assert [fitting(found.bundle, node["Resources"]) for node in nodes(*cluster)[:3]] == lanes


def test_gpus_of_several_types_must_be_chosen_from():
    with pytest.raises(InputError, match=r"resources: nodes must be 'any' or one of A100, V100 .*, got 'auto'"):
        need(A100, V100)
    assert need(A100, V100, nodes="any").bundle == {"GPU": 1.0, "CPU": 1.0, "memory": LEAST_MEMORY}
    assert need(A100, A100).bundle == {"GPU": 1.0, "CPU": 1.0, "memory": LEAST_MEMORY}


def test_nodes_that_there_are_not():
    with pytest.raises(InputError, match=r"nodes 'A10' is what no node .* offers; did you mean 'A100'"):
        need(A100, V100, nodes="A10")
    assert need(A100, nodes="tpu", growing=True).bundle == {
        "GPU": 1.0,
        "CPU": 1.0,
        "memory": LEAST_MEMORY,
        "tpu": 0.001,
    }


@pytest.mark.parametrize(
    ("share", "offer", "lanes"), [(1.0, 3.0, 3), (2.0, 3.0, 1), (0.4, 3.0, 6), (0.25, 1.0, 4), (1 / 3, 2.0, 6)]
)
def test_a_share_of_a_gpu_lies_within_one(share, offer, lanes):
    assert fitting({"GPU": share}, {"GPU": offer}) == lanes


def test_memory_is_what_most_was_seen_and_a_fourth_more():
    found = need(PLAIN)
    for host in (4 * GIB, 2 * GIB):
        found.seen(Memory(host))
    assert found.bundle["memory"] == 5 * GIB
    assert fitting(found.bundle, {"CPU": 16.0, "memory": 64.0 * GIB}) == 12


def test_a_gpu_holds_as_many_lanes_as_its_memory_does():
    """The smallest GPU that was seen tells, and the largest lane; one that holds a single lane is held whole."""
    found = need(A100, gpus_per_lane=None)
    assert found.bundle["GPU"] == 1.0
    shares = []
    for memory in (Memory(1, 8 * GIB, 80 * GIB), Memory(1, 4 * GIB, 40 * GIB), Memory(1, 33 * GIB, 80 * GIB)):
        found.seen(memory)
        shares.append(found.bundle["GPU"])
    assert shares == [1 / 8, 1 / 4, 1.0]


@contextmanager
def beside(cluster, *added):
    """The cluster with further nodes."""
    more = [add_node(cluster, **options) for options in added]
    try:
        yield more
    finally:
        for node in more:
            cluster.remove_node(node)


def places(lanes):
    return [name.split(" on ")[1] for name in lanes.names]


def test_lanes_on_nodes_of_one_kind(cluster):
    """The second one has a core for one lane alone, and two GPUs."""
    kinds = ({"gpus": 2, "resources": {"accelerator_type:A100": 1}}, {"gpus": 2, "cpus": 1, "resources": {"big": 1}})
    with beside(cluster, *kinds) as (a100, big):
        for asked, node, count in (("A100", a100, 2), ("big", big, 1)):
            with crew(cluster.address, count=count, nodes=asked) as lanes:
                assert [place[-9:] for place in places(lanes)] == count * [f"{node.node_id[:8]})"]
        with crew(cluster.address, count=6, nodes="any") as lanes:
            assert len(set(places(lanes))) == 4


def test_a_node_keeps_as_many_lanes_as_it_has_memory_for(cluster):
    """Four fit while nothing is known of them, two when they were seen to be large."""
    with (
        beside(cluster, {"gpus": 4, "memory": 5 * LEAST_MEMORY, "resources": {"small": 1}}),
        crew(cluster.address, count=4, nodes="small") as lanes,
    ):
        assert len(lanes.names) == 4
        lanes.send(0, told("weigh", int(1.5 * LEAST_MEMORY) >> 20))
        assert [lane for lane, _ in heard(lanes, 1)] == [0]
        surplus = list(lanes.size(PLENTY))
        assert sorted(surplus) == [2, 3]
        for lane in surplus:
            lanes.release(lane)
        lanes.send(1, told("answer", 1))
        assert [lane for lane, _ in heard(lanes, 1)] == [1]
        assert list(lanes.size(PLENTY)) == []


def test_a_gpu_is_shared_by_as_many_lanes_as_its_memory_holds(cluster):
    """The one that had all of it is given back, and comes back with less."""
    with (
        beside(cluster, {"gpus": 1, "resources": {"shared": 1}}),
        crew(cluster.address, share=None, nodes="shared") as lanes,
    ):
        assert len(lanes.names) == 1
        lanes.send(0, told("hold", 16))
        (news,) = (news for _, news in lanes.collect(20.0))
        assert news.slots == 16
        surplus = []
        assert wait_for(lambda: surplus.extend(lanes.size(PLENTY)) or surplus)
        assert surplus == [0]
        lanes.release(0)
        opened(lanes, 4)
        assert len(lanes.names) == 4
