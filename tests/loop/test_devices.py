"""A study is trained on devices of one kind, unless it takes any; also when it is gone on with."""

import pytest

from slalom.errors import InputError, Interrupted
from slalom.lanes.in_process import InProcessLanes
from tests.loop.worlds import FakeWorker, MemoryStore, Nature, exported, one_lane, study, train

WIDE, PLAIN = "cpu x86-64 avx2 amd", "cpu x86-64 default amd"


def two_lanes(*devices):
    left = list(devices)
    return InProcessLanes(lambda: FakeWorker(Nature(), device=left.pop(0)), len(devices))


def trained_in_part(spec):
    """The store of a study that stopped when it had trained a little, on WIDE."""
    store, lanes = MemoryStore(spec), one_lane(device=WIDE)
    replies, collect = [], lanes.collect

    def breaking(timeout):
        if len(replies) == 12:
            raise KeyboardInterrupt
        replies.append(collect(timeout))
        return replies[-1]

    lanes.collect = breaking
    with pytest.raises(Interrupted):
        train(spec, store, lanes)
    assert store.ended()
    return store


def test_lanes_of_two_kinds_are_refused():
    several = (
        r"^resources: nodes must be 'any', or name nodes of one kind, .*: lane 1 is cpu x86-64 default amd, .* trained "
        r"on cpu x86-64 avx2 amd; .* got 'auto'$"
    )
    store = MemoryStore(study())
    with pytest.raises(InputError, match=several):
        train(study(), store, two_lanes(WIDE, PLAIN))
    assert not store.ended(), "nothing was trained"


def test_nodes_of_a_name_are_of_one_kind_too():
    with pytest.raises(InputError, match="got 'big'"):
        train(study().with_resources(nodes="big"), lanes=two_lanes(WIDE, PLAIN))


def test_any_takes_both():
    spec = study().with_resources(nodes="any")
    found = {one.result.device for one in train(spec, lanes=two_lanes(WIDE, PLAIN)).ended().values()}
    assert found == {WIDE, PLAIN}


def test_going_on_with_a_study_on_another_kind_is_refused():
    spec = study()
    store = trained_in_part(spec)
    before = store.ended()
    with pytest.raises(InputError, match=r"lane 0 is cpu x86-64 default amd, .* trained on cpu x86-64 avx2 amd"):
        train(spec, store, one_lane(device=PLAIN))
    assert store.ended() == before
    train(spec, store, one_lane(device=WIDE))
    assert exported(spec, store) == exported(spec, train(spec))
