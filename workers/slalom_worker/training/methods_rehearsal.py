"""Tries methods before a study starts: trials are trained briefly in several packs, and must give the same numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from slalom.errors import InputError, SlalomError
from slalom.wire.trial import Order, TrialId
from slalom_worker.net.examples import side_by_side
from slalom_worker.net.objective import Objective
from slalom_worker.own_file import aside
from slalom_worker.tasks.data import Data, Split, normalised
from slalom_worker.training.measures import further
from slalom_worker.training.nets import TrainedTrial, member_orders
from slalom_worker.training.pack import Pack
from slalom_worker.training.probes import probe
from slalom_worker.training.slot import Slot
from slalom_worker.training.watched_methods import watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from slalom.wire.trial import TrialSpec
    from slalom_worker.methods import Methods
    from slalom_worker.tasks.base import Task

TRIALS, EPOCHS = 3, 3
PARK_EVERY = 3
EXAMPLES, BATCHES = 96, 3
"""A rehearsal takes EXAMPLES examples, or one more than BATCHES batches where that is more."""

RATE = 1e30
"""A learning rate at which any trial diverges."""


def rehearse_methods(
    trials: Sequence[TrialSpec], data: Data, task: Task, methods: Methods, others: Sequence[TrialSpec] = ()
) -> None:
    """Train trials of one program on a few of the task's examples, alone, together, and with interruptions.

    others: trials that are not trained, but whose methods are probed with their options, too
    Raises InputError where one of the user's own methods breaks a rule (see `probe`); where a trial cannot be trained;
    where a trial's numbers differ when it is trained again, in a pack of another width, beside a trial that diverges,
    or with interruptions; and where an optimizer, a schedule or an augmentation decides by reading its numbers.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a lane
    try:
        size = trials[0].work.batch_size or 0
        few = excerpt(data, max(EXAMPLES, BATCHES * size + 1))
        with aside():
            methods = probe([*trials, *others], data, task, watched(methods))
            objective = Objective(trials[0].work, few, task, torch.device("cpu"), methods)
            _compare(objective, [order for trial in trials for order in _orders(trial)])
    except SlalomError:
        raise
    except Exception as exc:  # what a method gives may fail anywhere in the pack
        raise InputError(f"cannot be trained: {type(exc).__name__}: {exc}") from exc
    finally:
        torch.set_num_threads(threads)


def _orders(trial: TrialSpec) -> list[Order]:
    short = replace(trial, epochs=EPOCHS, report_every=1, record=(), split=None)
    return member_orders(Order(short, EPOCHS))


def _compare(objective: Objective, orders: Sequence[Order]) -> None:
    alone = [results(objective, train(objective, [order]))[0] for order in orders]
    _measure(objective, orders[0])
    _same("trained twice from the same seed", alone[:1], results(objective, train(objective, orders[:1])))
    _same(f"in a pack of {len(orders)} as alone", alone, results(objective, train(objective, orders)))
    _same("in a pack of 2 as alone", alone[:2], results(objective, train(objective, orders[:2])))
    wild = [_wild(orders[0]), *orders]
    _same("beside a trial that diverges", alone, results(objective, train(objective, wild))[1:])
    parked = results(objective, train(objective, orders, disturbed=True))
    _same("when it is interrupted and goes on", alone, parked)


def _measure(objective: Objective, order: Order) -> None:
    """Raise InputError where a metric that a trial asks for cannot be computed, or differs the second time."""
    net = TrainedTrial(order, train(objective, [order]))
    for part in (net.split.train, net.split.validation, net.split.test):
        found = [further(objective, net, part) for _ in range(2)]
        if found[0] != found[1]:
            raise InputError(f"a metric must be the same of the same predictions, but was {found[0]}, then {found[1]}")


def _wild(order: Order) -> Order:
    trial = order.trial
    name = TrialId(trial.id.arm, trial.id.phase, trial.id.number + TRIALS)
    return replace(order, trial=replace(trial, id=name, settings={**trial.settings, "learning_rate": RATE}))


def _same(when: str, wanted: Sequence[dict[str, Tensor]], got: Sequence[dict[str, Tensor]]) -> None:
    for one, other in zip(wanted, got, strict=True):
        wrong = [name for name in one if not same(one[name], other[name])]
        if wrong:
            raise InputError(
                f"a trial's numbers must be the same {when}, but {', '.join(wrong)} "
                f"{'is' if len(wrong) == 1 else 'are'} not; row i of what a method gives may depend on row i alone, "
                "and what it remembers must stand in the buffers that it names"
            )


def excerpt(data: Data, count: int) -> Data:
    """Up to `count` examples of each part, spread evenly over it."""
    train, validation, test = (_some(part, count) for part in (data.train, data.validation, data.test))
    return Data(train, validation, test, data.classes, bound=data.bound, picture=data.picture)


def _some(part: Split, count: int) -> Split:
    rows = np.unique(np.linspace(0, len(part.labels) - 1, min(count, len(part.labels))).round().astype(np.int64))
    weights = None if part.weights is None else normalised(part.weights[rows])
    return Split(part.inputs[rows], part.labels[rows], weights)


def train(objective: Objective, orders: Sequence[Order], *, disturbed: bool = False) -> list[Slot]:
    """The slots of these nets, trained to their ends in one pack.

    disturbed: of every three slots the second arrives one epoch late and the third two, and every PARK_EVERY epochs all
        are parked and seated in the opposite order, as happens to trials that wait at a rung
    """
    slots = [Slot.start(order, objective) for order in orders]
    pack = Pack(objective)
    seated: list[int] = []
    turn = 0
    while due := [slot for n, slot in enumerate(slots) if not slot.complete and turn >= disturbed * (n % 3)]:
        if disturbed and turn % PARK_EVERY == PARK_EVERY - 1:
            due, seated = [slot.park() for slot in reversed(due)], []
        if list(map(id, due)) != seated:
            pack.seat(due)
            seated = list(map(id, due))
        pack.advance()
        turn += 1
    return slots


def results(objective: Objective, slots: Sequence[Slot]) -> list[dict[str, Tensor]]:
    """Each net's numbers at its end: parameters, the optimizer's buffers, the net's state, loss and metrics."""
    parameters = torch.stack([slot.best_parameters for slot in slots])
    known = {"loss": torch.tensor([slot.loss for slot in slots], dtype=torch.float64)}
    state = {name: torch.stack([slot.state[name] for slot in slots]) for name in objective.state}
    for part in ("validation", "train"):
        found = objective.evaluate(parameters, side_by_side([getattr(slot.split, part) for slot in slots]), state)
        known |= {f"{part}.{name}": values for name, values in found.items()}
    return [
        {name: slot.tensors[name] for name in ("parameters", *slot.optimizer.state, *slot.optimizer.scalars)}
        | slot.state
        | {name: values[row] for name, values in known.items()}
        for row, slot in enumerate(slots)
    ]


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal in every element; NaN counts as equal to NaN."""
    return bool(((one == other) | (one.isnan() & other.isnan())).all())
