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
SEEDS = 2

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

WAYS: Mapping[tuple[int, int, int], int] = {(16, 2, 2): 30, (32, 2, 2): 46, (16, 4, 3): 58, (32, 4, 3): 72}
"""Trials of a search, its contenders, and the seeds of each; and how many trials cost as much without a pick."""

Values = Mapping[tuple[str, int], float]
"""The mean test error of what a search chose, by arm and search."""


def rows(searches: int) -> Iterator[tuple[str, ...]]:
    """A row for each task and way: what both cost and reach, and how far apart they are, a search being the unit."""
    for task, base in (("digits", DIGITS), ("mixture", MIXTURE)):
        for (trials, best, seeds), alone in WAYS.items():
            cost, picking = reached(base, searches, trials, {"best": best, "seeds": seeds})
            other_cost, plain = reached(base, searches, alone, "none")
            yield (
                task,
                f"{trials} trials, best {best} by {seeds} seeds",
                f"{cost:.1f}",
                f"{statistics.fmean(picking.values()):.4f}",
                f"{alone} trials",
                f"{other_cost:.1f}",
                f"{statistics.fmean(plain.values()):.4f}",
                "{:+.4f} +- {:.4f}".format(*apart(picking, plain, searches)),
            )


def reached(base: Mapping[str, object], searches: int, trials: int, pick: object) -> tuple[float, Values]:
    """What a search costs, in full trainings, and what each search of each arm reached."""
    spec = Study(
        **base,
        name="picks",
        question="Does it pay to pick?",
        arms=ARMS,
        tune={"trials": trials, "searches": 1, "pick": pick},
        confirm={"seeds": SEEDS},
        compare={"baseline": "sgd"},
        resample={"split": "each_search"},
    )
    found: dict[tuple[str, int], list[float]] = {}
    for key, one in train(spec, searches, seed=0).items():
        if key.phase is Phase.CONFIRM:
            value = final(one, test("error"))
            found.setdefault((key.arm, key.search), []).append(1.0 if math.isnan(value) else value)
    return full_trainings(spec) + spec.tune.pick.trials, {key: statistics.fmean(one) for key, one in found.items()}


def apart(picking: Values, plain: Values, searches: int) -> tuple[float, float]:
    """The mean difference of the test error, picking minus plain, and its standard error over the searches.

    Search r of both has the same split and seeds, so the differences are paired; those of the two arms share the split.
    """
    arms = len(ARMS)
    differences = [sum(picking[arm, search] - plain[arm, search] for arm in ARMS) / arms for search in range(searches)]
    return statistics.fmean(differences), statistics.stdev(differences) / math.sqrt(searches)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=SEARCHES)
    options = parser.parse_args()
    head = ("task", "with a pick", "costs", "test error", "without", "costs", "test error", "apart")
    Console(width=140).print(Table("What a search's choice reaches", head, list(rows(options.searches))).shown())


if __name__ == "__main__":
    main()
