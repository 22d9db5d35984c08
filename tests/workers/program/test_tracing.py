"""Programs: the same numbers as their functions, at every number of slots, or none at all."""

from math import inf, nan

import pytest
import torch

from slalom_worker.net.examples import Batch
from slalom_worker.program import tracing
from slalom_worker.program.tracing import trace
from tests.workers.trials import objective, work


def stacks(slots):
    generator = torch.Generator().manual_seed(slots)
    return [torch.randn(slots, 4, 3, generator=generator), torch.randn(slots, 3, 5, generator=generator)]


def plain(one, other):
    return [(one @ other).tanh().sum(-1), one.mT.detach()]


def flattened(one, other):
    return [one.reshape(-1, 3).view(one.shape[0] * 2, 2, 3), torch.ones_like(other).mul(2).cumsum(1)]


def masked(one, other):
    return [one.masked_fill(one > 0, -inf).exp(), torch.full_like(other, nan).isnan().to(one.dtype)]


@pytest.mark.parametrize("function", [plain, flattened, masked])
@pytest.mark.parametrize("slots", [1, 2, 3, 7, 64])
def test_a_program_gives_what_its_function_gives(function, slots):
    program = trace(function, stacks)
    assert program is not None
    for _ in range(2):
        found = program(slots, *stacks(slots))
        assert all(map(torch.equal, found, function(*stacks(slots))))


def test_what_needs_no_input_is_worked_out_once_for_a_number_of_slots():
    program = trace(flattened, stacks)
    prepare, calls = program._prepare, []
    program._prepare = lambda slots: calls.append(slots) or prepare(slots)
    for slots in (4, 4, 6, 6, 4):
        program(slots, *stacks(slots))
    assert calls == [4, 6, 4]
    assert "cumsum" in program.source.split("def run")[0]


def test_gradients_are_taken_apart_too():
    def function(one, other):
        with torch.enable_grad():
            leaf = one.detach().requires_grad_()
            return list(torch.autograd.grad((leaf @ other).square().sum(), [leaf]))

    program = trace(function, stacks)
    assert torch.equal(program(9, *stacks(9))[0], function(*stacks(9))[0])


def test_what_changes_with_the_slots_in_another_way_has_no_program():
    def square(one, other):
        return [one.new_zeros(len(one) ** 2), other]

    def by_slots(one, other):
        return [one * 2] if len(one) > 4 else [one + one]

    def inconstant(one, other):
        return [one * torch.rand(1)]

    assert [trace(function, stacks) for function in (square, by_slots, inconstant)] == [None] * 3


def test_what_the_function_raises_is_raised():
    def raising(one, other):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        trace(raising, stacks)


def test_nothing_is_taken_for_the_same_where_something_is_changed_in_place():
    def function(one, other):
        copy = one * 1
        copy.add_(1)
        return [copy, one * 1]

    program = trace(function, stacks)
    inputs = stacks(3)
    before = inputs[0].clone()
    found = program(3, *inputs)
    assert torch.equal(inputs[0], before)
    assert torch.equal(found[0], before + 1)


def test_what_is_changed_in_place_is_made_anew_in_every_run():
    def function(one, other):
        sums = one.new_zeros(one.shape)
        return [sums.add_(one), other]

    program = trace(function, stacks)
    for _ in range(3):
        assert torch.equal(program(3, *stacks(3))[0], stacks(3)[0])


def test_the_net_of_a_study_has_its_program(monkeypatch):
    program = objective(work())
    weights = list(program.views(program.initial(0).expand(3, -1).clone()).values())
    index = torch.arange(96).view(3, 32)
    batch = Batch(program.train.take(index), program.train.labels[index], {})
    into = [torch.zeros_like(weight) for weight in weights]
    losses = program.gradient(weights, batch, into)
    assert all(program.programs._made.values())
    assert len(program.programs._made) == 1
    calls = [line for line in next(iter(program.programs._made.values())).source.splitlines() if " = " in line]
    assert not any("detach" in line for line in calls)
    monkeypatch.setattr(tracing, "trace", None)
    plain = program._gradient(weights, batch)
    assert torch.equal(losses, plain[0])
    assert all(map(torch.equal, into, plain[1:]))
