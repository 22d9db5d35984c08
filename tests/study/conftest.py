"""A catalogue built from the real tables with stand-ins for the tasks, the design's example, and what reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from slalom.study import Inspected, Reading, StudySpec, read_study
from slalom.wire.kinds import Catalogue, Integers, Number, Text
from slalom_worker.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slalom.wire.trial import Settings

EXAMPLE = """\
name: momentum-schedules
question: Does raising momentum from 0.5 to 0.9 as gradients shrink beat holding it at 0.9?
task: digits                    # a bundled task, or my_task.py:Cats
model: {name: mlp, hidden: [32], activation: tanh}
training: {epochs: 40, batch_size: 32, optimizer: sgd}
metric: {name: error, goal: minimize}
search:                         # tuned in every arm, unless the arm fixes it
  learning_rate: {log: [1e-3, 1.0]}
  weight_decay:  {log: [1e-6, 1e-2]}
arms:
  none:     {momentum: 0.0}
  constant: {momentum: 0.9}
  rising:   {momentum: {schedule: gradient_norm, start: 0.5, end: 0.9}}
  tuned:    {momentum: {uniform: [0.0, 0.99]}}
tune:    {trials: 32, sampler: tpe, pruner: successive_halving}
confirm: {seeds: 30}
compare: {baseline: constant, alpha: 0.05}
resources: {lanes: auto, gpus_per_lane: 1, pack_width: auto}
"""

TASKS = {
    "digits": {"rare": Integers((), low=0, high=9), "rare_fraction": Number(0.1, 0.0, 1.0, open_low=True)},
    "files": {"data": Text(), "limit": Number(1.0)},
}


class Inspector:
    """Pretends to load data, and counts how often."""

    def __init__(self, answer: Inspected) -> None:
        self.answer = answer
        self.seen: list[tuple[Settings, Path]] = []

    def __call__(self, task: Settings, folder: Path) -> Inspected:
        self.seen.append((task, folder))
        return self.answer


@pytest.fixture(scope="session")
def example() -> str:
    return EXAMPLE


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return replace(CATALOGUE, tasks=TASKS)


@pytest.fixture
def inspector() -> Inspector:
    return Inspector(Inspected("0" * 64, facts={"bayes_error": 0.2}))


@pytest.fixture
def reading(catalogue: Catalogue, inspector: Inspector, tmp_path: Path) -> Reading:
    return Reading(tmp_path, catalogue, inspector)


@pytest.fixture
def edited(reading: Reading) -> Callable[..., StudySpec]:
    """The example's study after replacements, each of which must apply."""

    def read(*replacements: tuple[str, str], reading: Reading = reading) -> StudySpec:
        return read_study(edit(EXAMPLE, *replacements), "study.yaml", reading)

    return read


@pytest.fixture
def document() -> dict[str, Any]:
    """The example as a program would write it."""
    return {
        "name": "momentum-schedules",
        "question": "Does raising momentum from 0.5 to 0.9 as gradients shrink beat holding it at 0.9?",
        "task": "digits",
        "model": {"name": "mlp", "hidden": [32], "activation": "tanh"},
        "training": {"epochs": 40, "batch_size": 32, "optimizer": "sgd"},
        "metric": {"name": "error", "goal": "minimize"},
        "search": {"learning_rate": {"log": [1e-3, 1.0]}, "weight_decay": {"log": [1e-6, 1e-2]}},
        "arms": {
            "none": {"momentum": 0.0},
            "constant": {"momentum": 0.9},
            "rising": {"momentum": {"schedule": "gradient_norm", "start": 0.5, "end": 0.9}},
            "tuned": {"momentum": {"uniform": [0.0, 0.99]}},
        },
        "tune": {"trials": 32, "sampler": "tpe", "pruner": "successive_halving"},
        "confirm": {"seeds": 30},
        "compare": {"baseline": "constant", "alpha": 0.05},
        "resources": {"lanes": "auto", "gpus_per_lane": 1, "pack_width": "auto"},
    }


def edit(text: str, *replacements: tuple[str, str]) -> str:
    for old, new in replacements:
        if old not in text:
            raise ValueError(f"{old!r} is not in the example")
        text = text.replace(old, new, 1)
    return text
