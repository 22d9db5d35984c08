"""Emphasizing schemes: how often an example is drawn and how big its step is, exactly."""

import numpy as np
import pytest
import torch

from slalom_worker.emphasis import EMPHASIS, Emphasis, ExampleState
from slalom_worker.emphasis.base import BY
from slalom_worker.methods import Methods
from slalom_worker.net.examples import Batch
from slalom_worker.net.objective import Objective
from slalom_worker.training import streams
from slalom_worker.training.checkpoint import DIFFERENT, freeze, thaw
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack
from slalom_worker.training.presentation import present
from slalom_worker.training.slot import Slot
from tests.workers.cases import DATA, clouds_objective, clouds_work
from tests.workers.trials import CPU, order, settings, trial

LABELS = DATA.train.labels
COUNTS = np.bincount(LABELS)
MISSED = {"scheme": "misclassified", "strength": 1.0, "cap": 6.0, "warm_up": 1, "by": "sampling"}


def balanced(strength, by):
    return {"scheme": "class_balanced", "strength": strength, "by": by}


def misses(*some):
    return torch.tensor([*some, *[0] * (len(LABELS) - len(some))], dtype=torch.float64)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 2.0])
def test_classes_are_drawn_as_often_as_the_strength_says(strength):
    scheme = EMPHASIS["class_balanced"]
    cumulated = present(scheme, balanced(strength, "sampling"), ExampleState.first(LABELS)).cumulated
    drawn = np.bincount(LABELS, weights=np.diff(cumulated.numpy(), prepend=0.0))
    wanted = COUNTS ** (1.0 - strength) / (COUNTS ** (1.0 - strength)).sum()
    assert drawn == pytest.approx(wanted, abs=1e-12)


def test_an_epoch_of_draws_follows_its_probabilities():
    """Chi-square over the classes, 2 degrees of freedom: above 13.8 once in a thousand."""
    cumulated = present(EMPHASIS["class_balanced"], balanced(1.0, "sampling"), ExampleState.first(LABELS)).cumulated
    drawn = torch.cat([streams.order(7, epoch, len(LABELS), cumulated) for epoch in range(50)])
    found, wanted = np.bincount(LABELS[drawn]), len(drawn) / 3
    assert ((found - wanted) ** 2 / wanted).sum() < 13.8


def test_steps_grow_by_what_draws_would():
    drawn = present(EMPHASIS["class_balanced"], balanced(0.7, "sampling"), ExampleState.first(LABELS)).cumulated
    weighted = present(EMPHASIS["class_balanced"], balanced(0.7, "weighting"), ExampleState.first(LABELS)).weights
    assert float(weighted.mean()) == pytest.approx(1.0, abs=1e-12)
    assert weighted.numpy() / len(LABELS) == pytest.approx(np.diff(drawn.numpy(), prepend=0.0), abs=1e-12)


def test_a_scheme_that_does_not_say_how_draws():
    """A user's own, for which two words less are to be written."""
    scheme = Emphasis(lambda state, _: 1.0 + state.labels, {})
    cumulated = present(scheme, {"scheme": "mine.py:MINE"}, ExampleState.first(LABELS)).cumulated
    wanted = np.cumsum(1.0 + LABELS) / (1.0 + LABELS).sum()
    assert cumulated.numpy() == pytest.approx(wanted, abs=1e-12)


def test_an_example_counts_more_the_longer_it_is_missed_up_to_the_cap():
    weights = EMPHASIS["misclassified"].weights(ExampleState(LABELS, misses(0, 1, 2, 3).numpy(), 1), MISSED)
    assert weights[:5].tolist() == pytest.approx([1.0, 2.0, 4.0, 6.0, 1.0])


def test_while_most_are_wrong_nothing_is_emphasized():
    assert (EMPHASIS["misclassified"].weights(ExampleState(LABELS, misses(3, 3).numpy(), 0), MISSED) == 1).all()


def test_without_a_cap_in_reach_a_weight_stays_a_number():
    endless = MISSED | {"cap": 1e12, "strength": 9.0}
    weights = EMPHASIS["misclassified"].weights(ExampleState(LABELS, misses(5000).numpy(), 9), endless)
    assert weights[0] == pytest.approx(1e12)
    assert np.isfinite(weights).all()


def test_misses_are_counted_in_a_row():
    """The net is looked at when an epoch begins; what it gets right is forgotten."""
    program = clouds_objective(clouds_work())
    slot = Slot.start(order(trial(0, program.work, settings("sgd", emphasis=MISSED), epochs=4)), program)
    pack, counted = Pack(program), np.zeros(len(LABELS))
    pack.seat([slot])
    for _ in range(4):
        _, wrong = program.outcomes(slot.tensors["parameters"].unsqueeze(0), program.train)
        counted = np.where(wrong[0].numpy(), counted + 1, 0)
        pack.advance()
        assert np.array_equal(slot.tensors["misses"].numpy(), counted)
    assert counted.max() == 4


RAMP = """
import numpy as np
from slalom_worker.emphasis.base import BY, Emphasis
RAMP = Emphasis(lambda state, _: np.where(state.labels == 2, 1.0 + state.epoch, 1.0), {"by": BY})
"""


@pytest.mark.parametrize("by", BY.options)
def test_weights_by_the_epoch_are_asked_for_in_every_epoch(by, tmp_path):
    """Also after a checkpoint, whose trial is begun anew; class 2 is the last of the labels."""
    (tmp_path / "ramp.py").write_text(RAMP)
    program = Objective(clouds_work(), DATA, None, CPU, Methods.beside(tmp_path))
    of = order(trial(0, program.work, settings("sgd", emphasis={"scheme": "ramp.py:RAMP", "by": by}), epochs=3))

    def advanced(trained):
        pack = Pack(program)
        pack.seat(trained.slots)
        pack.advance()
        (slot,) = trained.slots
        weights, cumulated = slot.presentation.weights, slot.presentation.cumulated
        found = np.diff(cumulated.numpy(), prepend=0.0) if weights is None else weights.numpy()
        assert found[-1] / found[0] == pytest.approx(trained.epoch)
        return trained

    whole = TrainedTrial.start(of, program)
    for _ in range(2):
        advanced(whole)
    saved = freeze(whole, dict.fromkeys(DIFFERENT, ""))
    resumed = advanced(thaw(TrainedTrial.start(of, program), saved, dict.fromkeys(DIFFERENT, "")))
    assert torch.equal(resumed.best_parameters, advanced(whole).best_parameters)


def test_focus_spares_what_the_net_is_sure_of():
    """Of one example the gradient is (1 - p)^focus of what it was."""
    program = clouds_objective(clouds_work())
    weights = list(program.views(program.initial(0).unsqueeze(0)).values())
    example = torch.tensor([[4]])
    taken = program.train.take(example), program.train.labels[example]
    plain, focused = ([torch.zeros_like(part) for part in weights] for _ in range(2))
    loss = program.gradient(weights, Batch(*taken, {}), plain)
    program.gradient(weights, Batch(*taken, {}, None, torch.full((1, 1), 2.0, dtype=torch.float64)), focused)
    factor = (1 - torch.exp(-loss)) ** 2
    for one, other in zip(plain, focused, strict=True):
        assert torch.allclose(other, one * factor, rtol=1e-12, atol=0)
