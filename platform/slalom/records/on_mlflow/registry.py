"""MLflow's model registry: the model that is kept of each arm, under a name that people can load it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException

from slalom.errors import Infrastructure
from slalom.records.on_mlflow.answers import is_there
from slalom.records.on_mlflow.pages.page import identity
from slalom.records.on_mlflow.trial_runs.base import FINGERPRINT, MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class KeptModel:
    """The logged model that is kept of an arm, and the run of the trial that it comes from."""

    fingerprint: str
    arm: str
    model_id: str
    run_id: str

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags by which the model's version in the registry is found again."""
        return {**identity(self.fingerprint, "model", self.arm), MODEL: self.model_id}


def register(client: MlflowClient, study: str, kept: KeptModel) -> None:
    """Register the model as a version of "<study>.<arm>", unless it is one already.

    Any other version of the same study and arm is deleted: that of an earlier try, that of a run that somebody deleted,
    and one that a server made late, of a call which had no answer. Its aliases, such as "baseline", name the one that
    stays.
    Raises Infrastructure where the tracking store has no registry, or does not take the model.
    """
    name = f"{study}.{kept.arm}"
    try:
        _open(client, name)
        known = _versions(client, name, kept.fingerprint, kept.arm)
        mine = next((version for version in known if version.tags[MODEL] == kept.model_id), None)
        if mine is None:
            # with the source "models:/<id>" MLflow would look for the model at the process's own tracking URI
            place = client.get_logged_model(kept.model_id).artifact_location
            mine = client.create_model_version(name, place, kept.run_id, dict(kept.tags), model_id=kept.model_id)
        for version in _versions(client, name, kept.fingerprint, kept.arm):
            if version.version != mine.version:
                _replace(client, version, mine)
    except MlflowException as exc:
        raise Infrastructure(f"the model registry did not take {name}: {exc}") from exc


def name_version(client: MlflowClient, study: str, fingerprint: str, arm: str, alias: str) -> None:
    """Give an alias to the version that a study has of an arm's model; nothing where the study has no version.

    Raises Infrastructure where the registry does not answer.
    """
    name = f"{study}.{arm}"
    try:
        for version in _versions(client, name, fingerprint, arm):
            client.set_registered_model_alias(name, alias, version.version)
    except MlflowException as exc:
        raise Infrastructure(f"the model registry did not name {name} {alias}: {exc}") from exc


def _replace(client: MlflowClient, old: ModelVersion, new: ModelVersion) -> None:
    """Have the aliases of a version name another one, and delete the first."""
    for alias, number in client.get_registered_model(old.name).aliases.items():
        if str(number) == str(old.version):
            client.set_registered_model_alias(old.name, alias, new.version)
    client.delete_model_version(old.name, old.version)


def _open(client: MlflowClient, name: str) -> None:
    """Make the registered model, unless there is one of that name."""
    try:
        client.create_registered_model(name)
    except MlflowException as exc:
        if not is_there(exc):
            raise


def _versions(client: MlflowClient, name: str, fingerprint: str, arm: str) -> list[ModelVersion]:
    """The versions of the arm's model that come from the study of that fingerprint."""
    found = client.search_model_versions(f"name = '{name}' AND tags.`{FINGERPRINT}` = '{fingerprint}'")
    return [version for version in found if version.tags.get("slalom.arm") == arm]
