"""DeepOBS's fmnist_2c2d after one epoch, against its published test accuracy.

    python -m tests.benchmarks.deepobs [HOME]

Three optimizers at the published rates, three seeds each; about twenty minutes on two cores. What is not finished in
HOME (./slalom-home) is trained. DeepOBS trains on all 60,000 pictures; here 100 of them validate.
Source: F. Schneider, L. Balles, P. Hennig 2019, "DeepOBS: a deep learning optimizer benchmark suite", and the logs of
its baselines: the mean test accuracy of ten seeds after an epoch.
"""

from __future__ import annotations

import statistics
import sys
from typing import NamedTuple

from rich.console import Console

import slalom
from slalom.study.model import StudySpec
from slalom.wire.trial import Phase
from tests.benchmarks.tables import Table

CLOSE = 0.01
"""How near the mean of three seeds must be."""


class Published(NamedTuple):
    """An optimizer's settings, and the test accuracy after an epoch."""

    settings: dict[str, object]
    accuracy: float


PUBLISHED = {
    "sgd": Published({"optimizer": "sgd", "learning_rate": 0.1585}, 0.8545),
    "momentum": Published({"optimizer": "momentum", "momentum": 0.99, "learning_rate": 0.002512}, 0.8517),
    "adam": Published({"optimizer": "adam", "learning_rate": 0.0002512}, 0.8526),
}


def study() -> StudySpec:
    """Each optimizer at its rate, from three seeds."""
    return slalom.Study(
        name="deepobs-2c2d",
        question="Does an epoch of 2c2d bring the published accuracy?",
        task={"name": "fashion_mnist", "validation_examples": 100},
        model="2c2d",
        training={"epochs": 1, "batch_size": 128, "drop_last": True},
        metric={"name": "accuracy", "goal": "maximize"},
        arms={name: one.settings for name, one in PUBLISHED.items()},
        resample={"split": "fixed"},
        tune={"trials": 1, "searches": 1, "pick": "none"},
        confirm={"seeds": 3},
        compare={"baseline": "sgd"},
    )


def main() -> None:
    """Train, print; exit code 1 where an accuracy is not the published one."""
    result = slalom.run(study(), *sys.argv[1:2])
    trials = [trial for trial in result.export() if trial["phase"] == Phase.CONFIRM]
    rows, far = [], False
    for name, published in PUBLISHED.items():
        found = [trial["metrics"]["test.accuracy"] for trial in trials if trial["arm"] == name]
        off = statistics.fmean(found) - published.accuracy
        far |= abs(off) > CLOSE
        each = ", ".join(f"{accuracy:.4f}" for accuracy in found)
        rows.append((name, f"{statistics.fmean(found):.4f}", each, f"{published.accuracy:.4f}", f"{off:+.4f}"))
    Console(width=120).print(
        Table("fmnist_2c2d, test accuracy after an epoch", ("", "mean", "seeds", "published", "off by"), rows).shown()
    )
    sys.exit(f"more than {CLOSE} off" if far else 0)


if __name__ == "__main__":
    main()
