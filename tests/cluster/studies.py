"""Small studies that really train, and what came of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import slalom
from slalom import wiring
from tests.support.mlflow_tables import database

DOCUMENT: dict[str, Any] = {
    "name": "small",
    "question": "Does momentum help?",
    "task": "digits",
    "model": {"name": "mlp", "hidden": [8]},
    "training": {"epochs": 4, "batch_size": 64, "optimizer": "momentum"},
    "search": {"learning_rate": {"log": [1e-3, 1.0]}},
    "arms": {"plain": {"momentum": 0.0}, "heavy": {"momentum": 0.9}},
    "tune": {"trials": 6, "searches": 1, "pick": "none"},
    "confirm": {"seeds": 6},
    "compare": {"baseline": "plain"},
    "resources": {"lanes": 2},
}

SPEC = slalom.Study(**DOCUMENT)


def run_here(study):
    """The trials of a study that ran in this process."""
    with tempfile.TemporaryDirectory() as home:
        database(Path(home))
        return rows(slalom.run(study, home, lanes=wiring.local_lanes).export())


def rows(exported):
    """What is said of every trial, but for how often it was tried."""
    return [{name: value for name, value in row.items() if name != "attempt"} for row in exported]
