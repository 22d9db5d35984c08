"""Whether it pays to pick among the best few of a search by further seeds, at equal cost.

    python -m tests.benchmarks.picks

A search of n trials that picks costs as much as one of more trials that does not. Both are made many times, each time
on a split of its own; what counts is the mean test error of what they choose.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterator, Mapping

from rich.console import Console

from slalom import Study
from slalom.search.choice import final
from slalom.search.halving import full_trainings
from slalom.wire.trial import Phase, test
from tests.benchmarks.repeats import train
from tests.benchmarks.tables import Table

SEARCHES = 100

DIGITS: Mapping[str, object] = {
    "task": "digits",
    "model": {"name": "mlp", "hidden": [16], "activation": "tanh"},
    "training": {"epochs": 9, "batch_size": 32},
    "search": {"learning_rate": {"log": [1e-3, 1.0]}, "weight_decay": {"log": [1e-5, 1e-1]}},
}
MIXTURE: Mapping[str, object] = {
    "task": "mixture",
    "model": {"name": "mlp", "hidden": [10], "activation": "tanh"},
    "training": {"epochs": 90, "batch_size": 50, "report_every": 10},
    "search": {"learning_rate": {"log": [1e-2, 1.0]}, "weight_decay": {"log": [1e-4, 1.0]}},
}
ARMS: Mapping[str, Mapping[str, object]] = {"sgd": {"optimizer": "momentum"}, "adam": {"optimizer": "adam"}}

WAYS: Mapping[str, tuple[int, object]] = {
    "16 trials": (16, "none"),
    "16 trials, best 2 by 2 seeds": (16, {"best": 2, "seeds": 2}),
    "32 trials": (32, "none"),
    "16 trials, best 4 by 3 seeds": (16, {"best": 4, "seeds": 3}),
    "32 trials, best 2 by 2 seeds": (32, {"best": 2, "seeds": 2}),
    "56 trials": (56, "none"),
}
"""Ways to search, by what they are called: trials, and the pick."""


def rows(searches: int) -> Iterator[tuple[str, ...]]:
    """A row for each task and way: what it costs and what it reaches, a search being the unit."""
    for task, base in (("digits", DIGITS), ("mixture", MIXTURE)):
        for name, (trials, pick) in WAYS.items():
            spec = Study(
                **base,
                name="picks",
                question="Does it pay to pick?",
                arms=ARMS,
                tune={"trials": trials, "searches": 1, "pick": pick},
                confirm={"seeds": 2},
                compare={"baseline": "sgd"},
                resample={"split": "each_search"},
            )
            results = train(spec, searches, seed=0)
            cost = full_trainings(spec) + spec.tune.pick.trials
            cells = [task, name, f"{cost:.1f}"]
            for arm in spec.arms:
                found = [
                    final(one, test("error"))
                    for key, one in results.items()
                    if key.phase is Phase.CONFIRM and key.arm == arm.name
                ]
                means = [1.0 if math.isnan(value) else value for value in found]
                error = statistics.stdev(means) / math.sqrt(len(means) / 2)
                cells.append(f"{statistics.fmean(means):.4f} +- {error:.4f}")
            yield tuple(cells)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=SEARCHES)
    options = parser.parse_args()
    head = ("task", "search", "full trainings", *(f"{arm}, test error" for arm in ARMS))
    Console(width=140).print(Table("What a search's choice reaches", head, list(rows(options.searches))).shown())


if __name__ == "__main__":
    main()
