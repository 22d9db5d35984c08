"""The MLflow experiment of a study's name, which the studies and the nights of that name share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException

from slalom.records.on_mlflow.answers import is_there
from slalom.records.on_mlflow.pages.page import NOTE
from slalom.records.on_mlflow.pages.view import EXPERIMENT
from slalom.records.on_mlflow.trial_runs.base import KIND

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow import MlflowClient

    from slalom.study.model import StudySpec


def open_experiment(client: MlflowClient, study: StudySpec, artifacts: Path | None) -> str:
    """Return the id of the study's experiment, which is made where there is none of the study's name.

    artifacts: the folder of a new experiment's files; None leaves the choice to the tracking server
    An experiment that was deleted is restored, since its name cannot be used again. MLflow's exceptions pass through.
    """
    # by the first tag MLflow's pages open on training runs; in 3.17 it is the address: ?workflowType=machine_learning
    kind = {"mlflow.experimentKind": "custom_model_development", KIND: EXPERIMENT}
    while (experiment := client.get_experiment_by_name(study.name)) is None:
        try:
            place = artifacts.resolve().as_uri() if artifacts else None
            client.create_experiment(study.name, place, {**kind, NOTE: study.question})
        except MlflowException as exc:
            # another driver was faster, or a server that hung has done a first call late
            if not is_there(exc):
                raise
    if experiment.lifecycle_stage == LifecycleStage.DELETED:
        client.restore_experiment(experiment.experiment_id)
    for name, tag in kind.items():
        if name not in experiment.tags:
            client.set_experiment_tag(experiment.experiment_id, name, tag)
    return str(experiment.experiment_id)
