"""The trials that the suite trains: every pair of levels of all that a study can vary, on a task made for it."""

from typing import Any, NamedTuple

import numpy as np

from slalom.wire.trial import Work
from slalom_worker.models import MODELS
from slalom_worker.net.objective import Objective
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.tasks import Data, Split
from tests.support.tiers import few
from tests.workers import literature
from tests.workers.covering import covering
from tests.workers.trials import CPU, settings, trial

CROSS_ENTROPY = {"name": "cross_entropy", "label_smoothing": 0.0}
WIDTHS = (1, 2, 7, 16, 64)
PRECISIONS = few(["float32", "float64"])


def clouds():
    """Three overlapping clouds, 120, 60 and 23 points: classes of unequal size, and a last batch of 3 of 20."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), (120, 60, 23))
    inputs = (random.normal(size=(203, 2)) + 1.5 * np.eye(3)[labels, :2]).astype(np.float32)
    train = Split(inputs, labels)
    return Data(train, Split(inputs[::4], labels[::4]), Split(inputs[:3], labels[:3]), classes=3)


DATA = clouds()


def clouds_work(batch_size=20, precision="float64", name="mlp", loss=CROSS_ENTROPY, drop_last=False, **structure):
    model = {"name": name, **({"hidden": (5,), "activation": "tanh", "bias": True} | structure)}
    return Work({"name": "clouds"}, model, batch_size, precision, loss, drop_last=drop_last)


def clouds_objective(work):
    return Objective(work, DATA, None, CPU)


def named(kind, curves):
    """Each method of a table with each of its settings, by a label: what a trial's settings say about it."""
    return {
        f"{name} {chosen or ''}".strip(): {kind: name, **chosen}
        for name, curve in curves.items()
        for chosen in curve.settings
    }


def methods():
    """Every optimizer with each of its settings, and with every momentum where it has one."""
    momenta = named("schedule", literature.MOMENTUM_SCHEDULES)
    found = {}
    for label, chosen in named("optimizer", literature.OPTIMIZERS).items():
        chosen["learning_rate"] = literature.OPTIMIZERS[chosen["optimizer"]].rate
        if OPTIMIZERS[chosen["optimizer"]].momentum is None:
            found[label] = chosen
        else:
            found |= {f"{label}, {name}": chosen | {"momentum": momentum} for name, momentum in momenta.items()}
    return found


def under(key, levels):
    return {label: {key: level} for label, level in levels.items()}


# Optimizer and momentum are one factor, so that a pair with it is a triple, with the rate's schedule the one wanted.
FACTORS: dict[str, dict[str, dict[str, Any]]] = {
    "method": methods(),
    "rate": under("learning_rate_schedule", named("schedule", literature.RATE_SCHEDULES)),
    "decay": {
        "none": {"weight_decay": 0.0},
        "all": {"weight_decay": 1e-2},
        "without biases": {"weight_decay": 1e-2, "decay_biases": False},
    },
    "layers": {"alike": {}, "of their own": {"layer_rates": {"1": 2.0, "2": 0.25}}},
    "dropout": {
        "none": {},
        "hidden": {"hidden_dropout": 0.4},
        "input": {"input_dropout": 0.2},
        "both": {"hidden_dropout": 0.2, "input_dropout": 0.1},
    },
    "stopping": {"none": {}, "by validation": {"early_stopping": {"by": "validation", "patience": 2}}},
    "clipping": {"none": {}, "by the norm": {"clip_norm": 0.3}},
    "order": under("order", {"anew": "each_epoch", "replayed": "once"}),
    "emphasis": under("emphasis", named("scheme", literature.EMPHASIS)),
    "width": {str(width): {} for width in WIDTHS},
}


def activations(model):
    """The activations that a model can have, [None] where it has no choice."""
    return MODELS[model].structure["activation"].options if "activation" in MODELS[model].structure else [None]


# What is under `model:`, beside its name, for every model and activation.
STRUCTURES = [
    (name, structure | ({} if activation is None else {"activation": activation}))
    for name, model in literature.MODELS.items()
    for structure in model.structures
    for activation in activations(name)
]


class Case(NamedTuple):
    """width: of the pack in which the pairs are covered; settings: complete."""

    width: int
    settings: dict[str, Any]


def cases():
    """A case for every row of the covering array; each has a learning rate of its own."""
    found = []
    for number, row in enumerate(covering(FACTORS)):
        chosen = {key: value for name, level in row.items() for key, value in FACTORS[name][level].items()}
        chosen["learning_rate"] *= 0.8 ** (number % 4)
        found.append(Case(int(row["width"]), settings(chosen.pop("optimizer"), **chosen)))
    return found


def diverging(work, epochs, first=1000):
    """For every optimizer a trial whose loss leaves the finite numbers at once."""
    names = literature.OPTIMIZERS
    return [trial(first + n, work, settings(name, learning_rate=1e308), epochs=epochs) for n, name in enumerate(names)]
