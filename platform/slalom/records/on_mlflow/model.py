"""A trial's weights as an MLflow model of the trial's run, which `mlflow.pyfunc.load_model` loads.

A trial has one net or, as an ensemble, several. The weights of each net are an artifact of the run, too.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import mlflow.pyfunc
import numpy as np
from mlflow.entities import LoggedModelOutput
from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import Schema, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow import MlflowClient

    from slalom.study.model import StudySpec
    from slalom.wire.trial import TrialSpec

NAME = "model"
"""The model's name, by which "runs:/<run>/model" finds it."""

MEMBERS = "members"
"""The folder with one file of weights for each net: 00.safetensors, 01.safetensors, ..."""

CODE = "code"
"""The folder with the user's own files, as they lie in the study's folder."""

PACKAGES = ("slalom", "torch", "safetensors", "numpy")


def log_model(
    client: MlflowClient,
    experiment: str,
    run_id: str,
    trial: TrialSpec,
    weights: Sequence[bytes],
    study: StudySpec,
) -> str:
    """Write a trial's nets as an MLflow model of the run `run_id`, and return the model's id.

    experiment: the experiment's id
    weights: of each net, safetensors
    study: the user's own files of it are copied into the model
    Models that an earlier try left at the run are deleted. MLflow's exceptions pass through. MLflow's own `log_model`
    acts on the process's active run, which belongs to the user, so its steps are taken here one by one.
    """
    for rest in client.search_logged_models([experiment], f"source_run_id = '{run_id}'"):
        client.delete_logged_model(rest.model_id)
    about = {
        "slalom.arm": trial.id.arm,
        "slalom.search": str(trial.id.search),
        "slalom.trial": str(trial.id.number),
    }
    model = client.create_logged_model(experiment, NAME, run_id, about)
    with TemporaryDirectory() as folder:
        data, saved = Path(folder, "data"), Path(folder, "saved")
        _write_data(data, trial, weights, study)
        mlflow.pyfunc.save_model(
            saved,
            loader_module="slalom_worker.serving",
            data_path=str(data),
            mlflow_model=Model(model.artifact_location, run_id, model_uuid=model.model_id, model_id=model.model_id),
            # with requirements given, MLflow does not load the model in another process to find what it imports
            pip_requirements=[_requirement(package) for package in PACKAGES],
            **_schema(weights[0], trial.work.precision),
        )
        client.log_model_artifacts(model.model_id, str(saved))
        client.log_artifacts(run_id, str(data / MEMBERS), MEMBERS)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, trial.epochs)])
    client.finalize_logged_model(model.model_id, "READY")
    return str(model.model_id)


def _write_data(data: Path, trial: TrialSpec, weights: Sequence[bytes], study: StudySpec) -> None:
    """Write the files that `slalom_worker.serving` reads: the weights, what they are for, and the user's own files."""
    (data / MEMBERS).mkdir(parents=True)
    for file in study.code:
        (data / CODE / file).parent.mkdir(parents=True, exist_ok=True)
        (data / CODE / file).write_bytes((study.folder / file).read_bytes())
    about = {
        "task": dict(trial.work.task),
        "model": dict(trial.work.model),
        "loss": dict(trial.work.loss),
        "precision": trial.work.precision,
        "evaluation": dict(trial.work.evaluation),
        "combine": trial.settings["ensemble"]["combine"],
    }
    (data / "model.json").write_text(json.dumps(about, indent=2, default=str))
    digits = max(2, len(str(len(weights) - 1)))
    for number, own in enumerate(weights):
        (data / MEMBERS / f"{number:0{digits}}.safetensors").write_bytes(own)


def _schema(weights: bytes, precision: str) -> dict[str, Any]:
    """The model's signature and an example, from what the header of a net's weights says of inputs and outputs."""
    length = int.from_bytes(weights[:8], "little")
    about = json.loads(weights[8 : 8 + length]).get("__metadata__", {})
    shape, width = json.loads(about["shape"]), int(about["outputs"])
    inputs = TensorSpec(np.dtype(about["inputs"]), (-1, *shape))
    outputs = TensorSpec(np.dtype(precision), (-1, width))
    signature = ModelSignature(Schema([inputs]), outputs=Schema([outputs]))
    return {"signature": signature, "input_example": np.zeros((1, *shape), about["inputs"])}


def _requirement(package: str) -> str:
    try:
        return f"{package}=={version(package)}"
    except PackageNotFoundError:
        # run from its sources
        return package
