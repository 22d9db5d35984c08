"""What the verdict says of DeepOBS's published results: ten seeds of three optimizers at their best rates."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from slalom.verdict.answers import Answer, Rule, all_pairs
from slalom.verdict.effort import expected_best
from slalom.verdict.outcome import winner
from slalom.verdict.search_values import SearchValues

FOLDER = (Path(__file__).resolve().parents[2] / "../shared/data/deepobs").resolve()
SEED = "42"


@pytest.fixture(scope="module")
def rows():
    if not FOLDER.is_dir():
        pytest.skip("DeepOBS's published results (a folder shared/data/deepobs beside the repository) are absent")
    with (FOLDER / "baselines.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def best_rate(rows, problem):
    """The ten published final values of each optimizer: one seed is one search, since nothing else was drawn anew."""
    found = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row["problem"] == problem and row["final"]:
            found[row["optimizer"]][row["learning_rate"]][row["seed"]] = float(row["final"])
    tens = {name: next(seeds for seeds in rates.values() if len(seeds) == 10) for name, rates in found.items()}
    return {name: SearchValues.of([[seeds[key]] for key in sorted(seeds)]) for name, seeds in tens.items()}


def test_no_optimizer_is_separable_on_fashion_mnist(rows):
    arms = best_rate(rows, "fmnist_2c2d")
    assert {name: round(float(arm.means(0.0).mean()), 4) for name, arm in arms.items()} == {
        "sgd": 0.9227,
        "momentum": 0.9214,
        "adam": 0.9234,
    }
    found = all_pairs(arms, Rule(minimize=False, alpha=0.05, worst=0.0))
    assert {one.answer for one in found} == {Answer.UNDECIDED}
    assert winner(found, list(arms)) is None


def test_every_pair_is_separable_on_the_quadratic(rows):
    arms = best_rate(rows, "quadratic_deep")
    found = all_pairs(arms, Rule(minimize=True, alpha=0.05, worst=1000.0))
    assert {one.answer for one in found} <= {Answer.BETTER, Answer.WORSE}
    assert [one.p for one in found] == pytest.approx([3 / 512] * 3)
    assert winner(found, list(arms)) == "momentum"


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [("sgd", (0.605, 0.896, 0.920)), ("momentum", (0.497, 0.867, 0.923)), ("adam", (0.501, 0.870, 0.925))],
)
def test_sgd_is_ahead_at_four_rates_and_adam_at_sixteen(rows, optimizer, expected):
    mine = [row for row in rows if row["problem"] == "fmnist_2c2d" and row["optimizer"] == optimizer]
    values = [float(row["final"] or math.nan) for row in mine if row["seed"] == SEED]
    assert len(values) == 36
    best = expected_best(values, minimize=False, worst=0.1)
    assert best[[0, 3, 15]] == pytest.approx(np.array(expected), abs=6e-4)
