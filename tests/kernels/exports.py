"""Small studies that go through every library which computes numbers; printed: their exports, numbers alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from slalom_worker.lane.environment import pin_kernels

COMMON: dict[str, Any] = {
    "question": "Does it come out the same?",
    "training": {"epochs": 3, "batch_size": 32, "optimizer": "momentum"},
    "search": {"learning_rate": {"log": [1e-2, 1.0]}},
    "tune": {"trials": 2, "searches": 2, "pick": {"best": 2, "seeds": 1}},
    "confirm": {"seeds": 2},
    "resources": {"lanes": 1, "pack_width": 4},
}
EMPHASIS = {"scheme": "misclassified", "by": "weighting", "strength": 0.3, "warm_up": 0}

STUDIES: tuple[dict[str, Any], ...] = (
    {
        "name": "digits",
        "task": "digits",
        "model": {"name": "mlp", "hidden": [12]},
        "arms": {
            "adam": {"optimizer": "adam", "learning_rate": 0.01},
            "dropout": {"hidden_dropout": 0.3},
            "emphasis": {"emphasis": EMPHASIS},
            "whitened": {"preprocess": "zca_whiten"},
        },
        "compare": {"baseline": "adam"},
    },
    {
        "name": "mixture",
        "task": "mixture",
        "model": {"name": "mlp", "hidden": [10], "activation": "logistic"},
        "training": {"epochs": 20, "batch_size": "all"},
        "tune": {"trials": 18, "searches": 1, "generation": 12, "sampler": "tpe"},
        "arms": {"conjugate": {"optimizer": "polak_ribiere"}, "descent": {"optimizer": "nesterov", "momentum": 0.9}},
        "compare": {"baseline": "descent"},
    },
    {
        "name": "pictures",
        "task": "nets.py:Pictures",
        "arms": {"single": {}, "decayed": {"weight_decay": 1e-3}},
        "compare": {"baseline": "single"},
    },
)


SIZES = ("parameters", "connections")
"""Of a trial's net: they follow from the study's text, and no library computes them."""


def numbers(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What a study's trials gave: no times, versions or hosts are in it."""
    from slalom.loop.run import run
    from slalom.reading import inspect_task
    from slalom.records import InMemoryRecorder
    from slalom.report.export import export
    from slalom.search.on_optuna import OptunaStore, Proposals
    from slalom.study.read import Reading, study_from
    from slalom.wiring import local_lanes
    from slalom_worker.catalogue import CATALOGUE

    spec = study_from({**COMMON, **document}, Reading(Path(__file__).parent, CATALOGUE, inspect_task))
    store, lanes = OptunaStore("sqlite:///:memory:", spec, "here"), local_lanes(spec)
    run(spec, store, lanes, InMemoryRecorder(), Proposals)
    rows = export(spec, store.ended())
    return [{name: value for name, value in row.items() if name not in SIZES} for row in rows]


if __name__ == "__main__":
    pin_kernels()  # as the command line does, before anything imports numpy
    json.dump({document["name"]: numbers(document) for document in STUDIES}, sys.stdout, indent=0, sort_keys=True)
