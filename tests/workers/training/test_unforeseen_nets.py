"""Nets that nobody had in mind: a pack trains each as torch does, or it is refused by name; none fails later."""

from dataclasses import replace

import pytest
import torch

from slalom.errors import InputError
from slalom_worker.training.net_rehearsal import rehearse_net
from tests.support.tiers import few
from tests.workers.checks import check_invariance, train
from tests.workers.net.own_nets import WORK, Own
from tests.workers.net.refused_unforeseen import REFUSED_UNFORESEEN
from tests.workers.net.unforeseen import Late, Peak
from tests.workers.net.unforeseen_shapes import FLAT, UNFORESEEN
from tests.workers.training.test_own_nets import CHOSEN, objective, plain, specs
from tests.workers.trials import settings, trial


@pytest.mark.parametrize("name", few(UNFORESEEN, 6))
def test_a_pack_trains_the_net_as_torch_does(name):
    shape, make = UNFORESEEN[name]
    for precision in ("float64", "float32"):
        task = Own(make, shape)
        rehearse_net([trial(0, replace(WORK, precision=precision), CHOSEN[0])], task.load(), task)
    program = objective(make, "float32", shape=shape)
    check_invariance(program, specs(program, 3), (1, 2), disturbed=False)


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
@pytest.mark.parametrize("name", REFUSED_UNFORESEEN)
def test_a_net_that_no_pack_can_train_is_refused_by_name(name):
    make, rule = REFUSED_UNFORESEEN[name]
    task = Own(make, FLAT)
    with pytest.raises(InputError, match=rule):
        rehearse_net([trial(0, WORK, CHOSEN[0])], task.load(), task)


@pytest.mark.parametrize("make", [Peak, Late])
def test_a_buffer_that_changes_late_is_the_trial_s_own_and_torch_s(make):
    program = objective(make, shape=FLAT)
    assert program.forward.changing
    for slot in train(program, specs(program, 4), disturbed=True):
        net = plain(slot.trial, program.task)
        for name, tensor in net.named_buffers():
            assert torch.allclose(slot.state[name].double(), tensor.double(), rtol=1e-9, atol=0), name


def test_dropout_of_everything_leaves_the_bias():
    program = objective(
        lambda: torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Dropout(1.0), torch.nn.Linear(6, 2))
    )
    (slot,) = train(program, [trial(0, program.work, settings("sgd", learning_rate=0.1), epochs=2)])
    before, after = (
        program.views(one) for one in (program.initial(slot.trial.seeds.weights), slot.tensors["parameters"])
    )
    assert {name for name, tensor in after.items() if not torch.equal(tensor, before[name])} == {"2.bias"}
