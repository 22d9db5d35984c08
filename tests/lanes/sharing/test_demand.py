"""What the autoscaler is told."""

from __future__ import annotations

from slalom.lanes.sharing.demand import demanded


def test_a_bundle_for_each_lane():
    need = {"GPU": 1, "accelerator_type:A100": 0.001}
    assert demanded([(need, 2), ({"CPU": 2}, 1)], []) == [{"CPU": 2}, need, need]


def test_lanes_that_share_a_gpu_are_a_bundle_of_a_whole_one():
    """Two of 0.4 go on a GPU, so five need three, and not the two that 5 x 0.4 add up to."""
    need = {"GPU": 0.4}
    assert demanded([(need, 5)], []) == [{"GPU": 1.0}] * 3
    assert demanded([({"GPU": 0.6}, 2)], []) == [{"GPU": 1.0}] * 2
    assert demanded([({"GPU": 0.1}, 10)], []) == [{"GPU": 1.0}]
    assert demanded([({"GPU": 0.4, "CPU": 1.0}, 5)], []) == [{"CPU": 1.0, "GPU": 1.0}] * 3


def test_memory_is_left_out():
    """Types of nodes often do not tell theirs, and would never be started."""
    need, others = {"CPU": 1, "memory": 1e9}, {"memory": 5e9, "CPU": 3.0}
    assert demanded([(need, 2)], [others]) == [{"CPU": 1}, {"CPU": 1}, {"CPU": 3.0}]


def test_what_others_took_comes_on_top():
    """Of what lanes want, while any are wanted."""
    others = [{"GPU": 3.0, "CPU": 8.0}, {"GPU": 0.0, "CPU": 2.0}]
    assert demanded([({"GPU": 1}, 1)], others) == [{"GPU": 1}, {"GPU": 3.0}]
    assert demanded([({"GPU": 1}, 0)], others) == []
    assert demanded([], others) == []


def test_the_order_of_studies_does_not_matter():
    assert demanded([({"GPU": 1}, 1), ({"CPU": 1}, 1)], []) == demanded([({"CPU": 1}, 1), ({"GPU": 1}, 1)], [])
