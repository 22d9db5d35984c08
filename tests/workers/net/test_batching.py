"""Epochs are cut into batches as torch's DataLoader cuts them."""

from itertools import product

import pytest
import torch
from torch.utils.data import DataLoader

from slalom.errors import InputError
from slalom_worker.net.batching import Batching
from tests.workers.cases import DATA, clouds_objective, clouds_work
from tests.workers.checks import check_equivalence, check_invariance
from tests.workers.reference import Reference
from tests.workers.trials import settings, trial

CHOSEN = [
    settings("sgd", learning_rate=0.2, learning_rate_schedule={"schedule": "cosine", "end": 0.1}),
    settings("adam", learning_rate=0.01, hidden_dropout=0.3, order="once"),
    settings("momentum", emphasis={"scheme": "class_balanced", "strength": 1.0, "by": "weighting"}, order="once"),
    settings("nesterov", emphasis={"scheme": "class_balanced", "strength": 1.0, "by": "sampling"}),
]


@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_are_those_of_a_data_loader(drop_last):
    for count, size in product((1, 7, 20, 203), (1, 3, 7, 20, None)):
        if drop_last and (size or count) > count:
            continue
        found = Batching.of(clouds_work(batch_size=size, drop_last=drop_last), count)
        wanted = list(DataLoader(torch.arange(count), batch_size=size or count, drop_last=drop_last))
        cut = torch.arange(count)[: found.examples].split(found.size)
        assert all(torch.equal(part, want) for part, want in zip(cut, wanted, strict=True))
        assert [found.size_of(step) for step in range(found.steps)] == list(map(len, wanted))
        assert found.examples == sum(map(len, wanted))


def test_a_last_batch_that_is_the_only_one_cannot_be_dropped():
    with pytest.raises(InputError, match="batch_size must be at most the 203 training examples, got 204"):
        clouds_objective(clouds_work(batch_size=204, drop_last=True))
    assert clouds_objective(clouds_work(batch_size=203, drop_last=True)).batching == (203, 203)


@pytest.mark.parametrize("width", [1, 3, 16])
def test_a_pack_without_the_last_batch_trains_as_torch_does(width):
    """203 examples in batches of 20: three are left out of each epoch, other ones unless the order is replayed."""
    work = clouds_work(drop_last=True)
    specs = [trial(n, work, chosen, epochs=24) for n, chosen in enumerate(CHOSEN)]
    wanted = {spec.id.number: Reference(spec, DATA).train() for spec in specs}
    check_equivalence(clouds_objective(work), specs, wanted, width)


def test_a_trial_without_the_last_batch_does_not_depend_on_its_pack():
    work = clouds_work(batch_size=33, precision="float32", drop_last=True)
    specs = [trial(n, work, CHOSEN[n % len(CHOSEN)], epochs=3) for n in range(16)]
    check_invariance(clouds_objective(work), specs, (1, 2, 7))
