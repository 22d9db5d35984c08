"""Digests of a trial's initial weights and of its numbers after a short training, by which processes are compared."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from slalom.wire.trial import Order
from slalom_worker.net.objective import Objective
from slalom_worker.own_file import aside
from slalom_worker.training.methods_rehearsal import BATCHES, EXAMPLES, excerpt, results, train
from slalom_worker.training.nets import member_orders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom.wire.trial import TrialSpec
    from slalom_worker.methods import Methods
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data


class Moment(NamedTuple):
    """SHA-256 of a trial's initial parameters and buffers, and of its numbers after an epoch of a few examples."""

    beginning: str
    numbers: str


def moment(trial: TrialSpec, data: Data, task: Task, methods: Methods) -> Moment:
    """Train a trial, or the first net of its ensemble, for an epoch on a few of the task's examples.

    Raises InputError where the trial cannot be trained.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a lane
    try:
        few = excerpt(data, max(EXAMPLES, BATCHES * (trial.work.batch_size or 0) + 1))
        short = replace(trial, epochs=1, report_every=1, record=(), split=None)
        order = member_orders(Order(short, 1))[0]
        with aside():
            objective = Objective(trial.work, few, task, torch.device("cpu"), methods)
            seed = order.trial.seeds.weights
            first = objective.views(objective.initial(seed, trial.settings["initialization"]))
            beginning = _digest({**first, **objective.initial_state(seed)})
            return Moment(beginning, _digest(results(objective, train(objective, [order]))[0]))
    finally:
        torch.set_num_threads(threads)


def _digest(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name, tensor in tensors.items():
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()
