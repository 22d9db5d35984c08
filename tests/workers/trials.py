"""Trials made by hand, for tests of the pack."""

from functools import cache
from pathlib import Path

import torch

from slalom.wire.seeds import trial_seeds
from slalom.wire.trial import Order, Phase, TrialId, TrialSpec, Work
from slalom_worker.net.objective import Objective
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.tasks import Data, draw, open_task, own_parts

PLAIN = {
    "learning_rate": 0.05,
    "clip_norm": None,
    "order": "each_epoch",
    "learning_rate_schedule": {"schedule": "constant"},
    "initialization": {"scheme": "fan_in"},
    "layer_rates": 1.0,
    "weight_decay": {"of": "mean", "value": 0.0},
    "decay_biases": True,
    "input_dropout": 0.0,
    "hidden_dropout": 0.0,
    "augmentation": {"method": "none"},
    "emphasis": {"scheme": "uniform"},
    "early_stopping": {"by": "none"},
    "ensemble": {"combine": "none"},
}


def work(task="digits", hidden=(32,), activation="tanh", batch_size=32, precision="float32", **options):
    model = {"name": "mlp", "hidden": hidden, "activation": activation, "bias": True}
    return Work({"name": task, **options}, model, batch_size, precision)


CPU = torch.device("cpu")


@cache
def _data(name, options):
    task = open_task({"name": name, **dict(options)}, Path())
    return task, task.load()


def objective(of, device=CPU):
    options = {name: value for name, value in of.task.items() if name != "name"}
    task, data = _data(of.task["name"], tuple(options.items()))
    return Objective(of, data, task, device)


def settings(optimizer="sgd", **changes):
    """Complete settings, defaults where nothing is said; bare numbers for momentum and weight decay as in a study."""
    method = OPTIMIZERS[optimizer]
    full = {"optimizer": optimizer, **PLAIN}
    full |= {name: kind.default for name, kind in method.hyperparameters.items()}
    if method.momentum is not None:
        full["momentum"] = {"schedule": "constant", "value": method.momentum}
    if isinstance(changes.get("momentum"), float):
        changes["momentum"] = {"schedule": "constant", "value": changes["momentum"]}
    if isinstance(changes.get("weight_decay"), float):
        changes["weight_decay"] = {"of": "mean", "value": changes["weight_decay"]}
    return full | changes


def trial(number, of, chosen, phase=Phase.TUNE, epochs=3, split=None):
    seeds = trial_seeds(0, "test", phase, 0, number)
    return TrialSpec(TrialId("arm", phase, number), 0, seeds, of, chosen, {}, epochs, split=split)


def split_data(data, seed, task=None):
    """The data of the split of a seed, each part in arrays of its own; the data themselves for None."""
    if seed is None:
        return data
    pooled = data.pooled()
    parts = [part.split() for part in draw(task, pooled.pool, own_parts(pooled), seed)]
    return Data(*parts, data.classes, bound=data.bound)


def order(spec, until=None, keep_weights=False):
    return Order(spec, until or spec.epochs, keep_weights)
