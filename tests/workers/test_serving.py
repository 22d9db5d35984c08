"""A kept model answers as the pack does: on raw inputs, with their preprocessing, for classes and for numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import slalom
from slalom.wiring import local_lanes
from slalom_worker.net.ensemble import combined_prediction, equal_shares
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack
from tests.support.mlflow_tables import database
from tests.support.record_samples import load_model, runs_in
from tests.workers.trials import objective, order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom.wire.trial import TrialSpec

COMMON = {"tune": {"trials": 2, "pruner": "none"}, "confirm": {"seeds": 6}, "resources": {"pack_width": 8}}
ENSEMBLE = {"members": 3, "bagging": True}
WHITENED = {
    "name": "whitened",
    "question": "Does a kept model whiten what it is asked about?",
    "task": "digits",
    "model": {"name": "mlp", "hidden": [4]},
    "training": {"epochs": 2, "batch_size": 32, "optimizer": "sgd"},
    "search": {"learning_rate": {"log": [0.01, 0.3]}},
    "arms": {
        "raw": {},
        "single": {"preprocess": "zca_whiten"},
        "several": {"preprocess": "zca_whiten", "ensemble": ENSEMBLE},
    },
    "compare": {"baseline": "raw"},
    **COMMON,
}
NUMBERS = {
    "name": "numbers",
    "question": "Can a study be one of numbers?",
    "task": {"name": "ill_conditioned", "condition": 10, "dimensions": 4},
    "model": {"name": "mlp", "hidden": [], "bias": False},
    "training": {"epochs": 20, "batch_size": "all", "loss": "squared_error", "precision": "float64"},
    "metric": {"name": "loss", "goal": "minimize"},
    "search": {"learning_rate": {"log": [0.005, 0.04]}},  # a bag of one example four times has the condition 40
    "arms": {
        "single": {"optimizer": "sgd"},
        "momentum": {"optimizer": "momentum", "momentum": 0.9},
        "several": {"optimizer": "sgd", "ensemble": ENSEMBLE},
    },
    "compare": {"baseline": "single"},
    **COMMON,
}

PICTURES = {
    "name": "pictures",
    "question": "Does sharing weights pay at equal units?",
    "task": "digits",
    "model": {"name": "convnet", "channels": [3], "kernels": 3, "full": [8]},
    "training": {"epochs": 2, "batch_size": 32, "optimizer": "sgd"},
    "search": {"learning_rate": {"log": [0.01, 0.3]}},
    "arms": {
        "single": {"model": {"normalisation": "batch"}, "preprocess": "standardize"},
        "several": {"ensemble": ENSEMBLE, "model": {"connectivity": "local"}, "hidden_dropout": 0.2},
        "searched": {"model": {"channels": {"int": [2, 4]}, "pooling": {"choice": ["max", "average"]}}},
    },
    "compare": {"baseline": "single"},
    "tune": {"trials": 2, "pruner": "none", "searches": 2, "pick": "none"},
    "confirm": {"seeds": 2},
    "resources": {"pack_width": 8},
}
STUDIES = (WHITENED, NUMBERS, PICTURES)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The studies, run in this process, by name."""
    home = tmp_path_factory.mktemp("home")
    for document in STUDIES:
        database(home / document["name"])
    return {
        document["name"]: slalom.run(slalom.Study(**document), home / document["name"], lanes=local_lanes)
        for document in STUDIES
    }


def kept(result, arm):
    """The arm's registered model, and the confirm trial that it is of."""
    (run,) = [
        run
        for run in runs_in(result.home.tracking_uri, result.spec.name)
        if "slalom.model" in run.data.tags and run.data.tags["slalom.arm"] == arm
    ]
    number, search = int(run.data.tags["slalom.trial"]), int(run.data.tags["slalom.search"])
    (trial,) = [
        ended.spec
        for name, ended in result.ended.items()
        if (name.arm, name.phase, name.number, name.search) == (arm, run.data.tags["slalom.phase"], number, search)
    ]
    return load_model(result.home.tracking_uri, f"models:/{result.spec.name}.{arm}/1"), trial


def answers(trial: TrialSpec) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The raw test examples of the trial's split, and what the pack's own nets, trained again, say of them [n, k]."""
    program = objective(trial.work)
    nets, pack = TrainedTrial.start(order(trial), program), Pack(program)
    pack.seat(nets.slots)
    for _ in range(trial.epochs):
        pack.advance()
    placed = program.split(trial.split)
    outputs, loss = program.outputs(nets.best_parameters, placed.test, nets.state).double(), trial.work.loss
    said = combined_prediction(
        lambda each: program.loss.predict(each, loss, program.data.classes is None),
        outputs,
        equal_shares(outputs),
        nets.combine,
    )
    return placed._parts.test.split(), said.numpy()


@pytest.mark.parametrize(
    ("study", "arm"), [(study, arm) for study in ("whitened", "numbers", "pictures") for arm in ("single", "several")]
)
def test_a_loaded_model_says_what_the_pack_s_nets_say(ran, study, arm):
    model, trial = kept(ran[study], arm)
    examples, wanted = answers(trial)
    np.testing.assert_allclose(model.predict(examples.inputs), wanted, rtol=1e-5, atol=1e-7)
    if study == "whitened":
        error = np.mean(wanted.argmax(1) != examples.labels)
        (ended,) = [one for one in ran[study].ended.values() if one.spec == trial]
        assert error == pytest.approx(ended.result.metrics["test.error"])


def test_every_trial_tells_how_large_its_net_is(ran):
    result = ran["pictures"]
    sizes = {
        (row["arm"], row["params"].get("model.channels")): (row["parameters"], row["connections"])
        for row in result.export()
    }
    full = 8 * 10 + 10
    assert sizes["single", None] == (30 + 6 + 3 * 16 * 8 + 8 + full, 30 * 64 + 2 * 192 + 3 * 16 * 8 + 8 + full)
    assert sizes["several", None] == (30 * 64 + 392 + full, 30 * 64 + 392 + full)
    widths = {channels for arm, channels in sizes if arm == "searched"}
    assert all(sizes["searched", width][0] == width * 10 + (width * 16 + 1) * 8 + full for width in widths)
    runs = runs_in(result.home.tracking_uri, "pictures")
    recorded = {
        (int(run.data.params["net.parameters"]), int(run.data.params["net.connections"]))
        for run in runs
        if run.data.tags.get("slalom.arm") == "single" and "net.parameters" in run.data.params
    }
    assert recorded == {sizes["single", None]}
    assert {"parameters", "connections"} <= set(result.trials().columns)


def test_a_study_of_numbers_runs_to_its_verdict(ran):
    result = ran["numbers"]
    assert result.verdict is not None
    assert all(arm.reproduced for arm in result.arms)
    for arm in result.arms:
        assert arm.confirm.seeds == 6
        assert 0 <= arm.confirm.mean < 1
    tuned, confirmed = (
        next(one.result for name, one in result.ended.items() if (name.arm, name.phase) == ("several", phase))
        for phase in ("tune", "confirm")
    )
    assert {"validation.loss", "validation.member_loss", "oob.loss"} <= tuned.metrics.keys()
    assert not any("error" in name for name in {**tuned.metrics, **confirmed.metrics})
    assert confirmed.metrics["test.loss"] <= confirmed.metrics["test.member_loss"]
