"""The suite's own checks must fail when the product is broken in the ways that packs are known to break.

A mutation takes hold where it can be told by its behaviour alone: in the tables of methods, in `Pack.seat` and in
`Slot.park`.
"""

from dataclasses import replace
from functools import cache

import pytest

from slalom.wire.seeds import derive
from slalom_worker.net.examples import SideBySide
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.cases import DATA, clouds_objective, clouds_work, diverging
from tests.workers.checks import check_equivalence, check_invariance
from tests.workers.reference import Reference
from tests.workers.trials import settings, split_data, trial

EPOCHS = 6
SPLITS = (None, 11, 12)
WORK = clouds_work()
COSINE = {"schedule": "cosine", "end": 0.1}
RISING = {"schedule": "gradient_norm", "start": 0.3, "end": 0.9}
CHOSEN = [
    settings("sgd", learning_rate=0.2, learning_rate_schedule=COSINE),
    settings("momentum", momentum=RISING),
    settings("nesterov"),
    settings("momentum", learning_rate=0.02, momentum=RISING),
    settings("adam", learning_rate=0.01, hidden_dropout=0.3),
    settings("sgd", learning_rate=0.1, learning_rate_schedule=COSINE),
    settings("adam", learning_rate=0.02),
]


@cache
def suite():
    """A few trials of several splits, those that diverge among them, and what the reference makes of each."""
    specs = [trial(n, WORK, chosen, epochs=EPOCHS, split=SPLITS[n % 3]) for n, chosen in enumerate(CHOSEN)]
    specs += diverging(WORK, EPOCHS)
    return specs, {spec.id.number: Reference(spec, split_data(DATA, spec.split)).train() for spec in specs}


def equivalence():
    specs, wanted = suite()
    check_equivalence(clouds_objective(WORK), specs, wanted, width=len(specs))


def invariance():
    specs, _ = suite()
    check_invariance(clouds_objective(WORK), specs, widths=(1, len(specs)))


def change_updates(monkeypatch, change):
    """Every optimizer is given `change(slots)` for what the pack gives it."""
    for name, method in OPTIMIZERS.items():
        changed = replace(method, update=lambda slots, update=method.update: update(change(slots)))
        monkeypatch.setitem(OPTIMIZERS, name, changed)


def change_clocks(monkeypatch, table, change):
    """Every schedule of the table is given `change(clock)` for the pack's clock."""
    for name, schedule in table.items():
        changed = replace(schedule, value=lambda clock, p, value=schedule.value: value(change(clock), p))
        monkeypatch.setitem(table, name, changed)


def mean_for_sum(monkeypatch):
    """The loss of a pack is the mean over its slots, so every gradient is too small by their number."""
    change_updates(monkeypatch, lambda slots: slots._replace(gradient=slots.gradient / len(slots.gradient)))


def one_step_counter(monkeypatch):
    """Bias corrections go by the pack's count of updates: that of the trial that came first."""
    for name, method in OPTIMIZERS.items():
        columns = {
            key: lambda step, given, column=column: column(step.amax(-1, keepdim=True).expand_as(step), given)
            for key, column in method.columns.items()
        }
        monkeypatch.setitem(OPTIMIZERS, name, replace(method, columns=columns))


def one_clock(monkeypatch):
    """Schedules of the learning rate go by the pack's clock."""
    change_clocks(
        monkeypatch,
        RATE_SCHEDULES,
        lambda clock: clock._replace(step=clock.step.amax(-1, keepdim=True).expand_as(clock.step)),
    )


def momentum_dropped(monkeypatch):
    """The optimizer's buffers do not survive that a trial leaves its pack."""
    park = Slot.park

    def forgetful(slot):
        parked = park(slot)
        for name in OPTIMIZERS[slot.settings["optimizer"]].state:
            parked.tensors[name].zero_()
        return parked

    monkeypatch.setattr(Slot, "park", forgetful)


def streams_of_the_slot(monkeypatch, stream):
    """A random stream is named by the slot's place in the pack in place of the trial's seed."""
    seat = Pack.seat

    def seat_and_rename(pack, slots):
        for place, slot in enumerate(slots):
            seeds = slot.trial.seeds._replace(**{stream: derive("slot", place)})
            slot.order = replace(slot.order, trial=replace(slot.trial, seeds=seeds))
        seat(pack, slots)

    monkeypatch.setattr(Pack, "seat", seat_and_rename)


def batches_of_the_slot(monkeypatch):
    streams_of_the_slot(monkeypatch, "batches")


def masks_of_the_slot(monkeypatch):
    streams_of_the_slot(monkeypatch, "dropout")


def leaking_neighbour(monkeypatch):
    """A neighbour is left out by multiplying with zero in place of selecting, and zero times NaN is NaN."""
    change_updates(
        monkeypatch,
        lambda slots: slots._replace(gradient=slots.gradient + 0 * slots.gradient.sum(0, keepdim=True)),
    )


def norm_of_the_pack(monkeypatch):
    """What is steered by the gradient's norm sees the pack's in place of the slot's own."""

    def pooled(clock):
        ratio = clock.gradient_ratio
        return clock._replace(gradient_ratio=ratio.mean().expand_as(ratio))

    change_clocks(monkeypatch, MOMENTUM_SCHEDULES, pooled)


def one_split(monkeypatch):
    """All trials of a pack are trained on the split of its first."""
    seat = Pack.seat

    def seat_and_split(pack, slots):
        for slot in slots:
            slot.split = slots[0].split
        seat(pack, slots)

    monkeypatch.setattr(Pack, "seat", seat_and_split)


def labels_of_a_neighbour(monkeypatch):
    """Side by side, a slot's examples have the labels of the slot before it."""
    real = SideBySide._labels_of
    monkeypatch.setattr(SideBySide, "_labels_of", lambda self, index: real(self, index).roll(1, 0))


MUTATIONS = [
    mean_for_sum,
    one_step_counter,
    one_clock,
    momentum_dropped,
    batches_of_the_slot,
    masks_of_the_slot,
    leaking_neighbour,
    norm_of_the_pack,
    one_split,
    labels_of_a_neighbour,
]
CHECKS = [equivalence, invariance]


@pytest.mark.parametrize("check", CHECKS)
def test_the_product_as_it_is_passes(check):
    check()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_fails(mutation, check, monkeypatch):
    suite()  # the reference is that of the product as it is
    mutation(monkeypatch)
    with pytest.raises(AssertionError, match=r"trial \d+ in a pack of"):
        check()
