"""A study's runs in MLflow, as one thread writes them: experiment, study run, arm runs, trial runs."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LifecycleStage, Metric, Run
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from slalom.records.on_mlflow.model import log_model
from slalom.records.on_mlflow.pages.page import NOTE, Page, Point, cut
from slalom.records.on_mlflow.pages.study import arm_page, opening_arm_page, opening_study_page, study_page
from slalom.records.on_mlflow.pages.trial import STATUS, trial_page
from slalom.records.on_mlflow.registry import Kept, register
from slalom.records.on_mlflow.search import search
from slalom.records.on_mlflow.standing_run import StandingRun
from slalom.records.on_mlflow.trial_runs.base import MODEL, PARENT, Shelf, TrialRun
from slalom.records.on_mlflow.trial_runs.over_server import ServerTrialRuns
from slalom.records.on_mlflow.trial_runs.over_tables import TableTrialRuns
from slalom.verdict.summary import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from slalom.records.on_mlflow.trial_runs.base import Found, TrialRuns
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, TrialId, TrialSpec

RUN_STATUS = {State.RUNNING: "RUNNING", State.COMPLETE: "FINISHED", State.INTERRUPTED: "KILLED"}


class Key(NamedTuple):
    """What a run stands for, as its tags say; an arm has no phase, a study has no arm."""

    kind: str
    arm: str = ""
    phase: str = ""
    trial: str = ""


class Book:
    """One study in MLflow; made anew over the same store, it goes on where the last one stopped.

    A trial's run that is still running was cut off by a crash: it is deleted, and written again when it comes.
    """

    def __init__(self, tracking_uri: str, artifacts: Path | None, study: StudySpec) -> None:
        # the registry is the same store, whatever the process has set for another
        self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)
        self._study = study
        data = _data_input(study)
        self._experiment = open_experiment(self._client, study, artifacts)
        self.sweep()
        found = self._found()
        self._top = self._standing(found, Key("study"), study.name, opening_study_page(study), None)
        self._arms = {
            arm.name: self._standing(found, Key("arm", arm.name), arm.name, opening_arm_page(study, arm), self._top)
            for arm in study.arms
        }
        self._client.log_inputs(self._top.run_id, [data])
        if study.text:
            self._client.log_text(self._top.run_id, study.text, "study.yaml")
        self._runs = _trial_runs(self._client, Shelf(self._experiment, study.fingerprint, data))
        self._trials: dict[Key, str] = {}
        self._models: dict[str, str] = {}
        for run in self._runs.found():
            self._take(run)

    def trials(self, trials: Sequence[Ended]) -> None:
        """Write those trials that are not on record."""
        due = {key: trial for trial in trials if (key := _key(trial.spec.id)) not in self._trials}
        if due:
            runs = [self._run(key, trial) for key, trial in due.items()]
            self._trials |= zip(due, self._runs.write(runs), strict=True)

    def model(self, trial: TrialSpec, weights: Sequence[bytes]) -> None:
        """Write the weights of a trial on record, as a model, and register it; the tag that names it comes between."""
        run_id = self._trials[_key(trial.id)]
        if run_id not in self._models:
            model_id = log_model(self._client, self._experiment, run_id, trial, weights, self._study.task_file)
            self._client.set_tag(run_id, MODEL, model_id)
            self._models[run_id] = model_id
        kept = Kept(self._study.fingerprint, trial.id.arm, self._models[run_id], run_id)
        register(self._client, self._study.name, kept)

    def summary(self, summary: Summary, description: str) -> None:
        """Write the study and its arms as they stand."""
        status = RUN_STATUS[summary.state]
        for arm in summary.arms:
            self._arms[arm.name].show(arm_page(self._study, arm), status)
        self._top.show(study_page(self._study, summary, description), status)
        # The experiment's page shows this above its runs.
        self._client.set_experiment_tag(self._experiment, NOTE, cut(description))

    def sweep(self) -> None:
        """Delete the runs of trials that were begun and never finished, as a crash or a repeated request leaves."""
        for run in self._search("tags.`slalom.kind` = 'trial' AND attributes.status = 'RUNNING'"):
            self._client.delete_run(run.info.run_id)

    def _found(self) -> dict[Key, Run]:
        """The runs of the study and its arms; of two for the same thing, the younger is deleted."""
        found: dict[Key, Run] = {}
        kept = ("tags.`slalom.kind` != 'trial'", "tags.`slalom.kind` != 'regression'")
        for run in list(self._search(*kept)):
            if found.setdefault(_key_of(run.data.tags), run) is not run:
                self._client.delete_run(run.info.run_id)
        return found

    def _take(self, run: Found) -> None:
        """Take a trial's run as written, hung below its arm's; a second one for the same trial is deleted."""
        key = _key_of(run.tags)
        if self._trials.setdefault(key, run.run_id) != run.run_id:
            self._client.delete_run(run.run_id)
            return
        self._adopt(run.run_id, run.tags, self._arms[key.arm])
        if MODEL in run.tags:
            self._models[run.run_id] = run.tags[MODEL]

    def _search(self, *conditions: str) -> Iterator[Run]:
        return search(self._client, self._experiment, self._study.fingerprint, *conditions)

    def _standing(
        self, found: Mapping[Key, Run], key: Key, name: str, page: Page, parent: StandingRun | None
    ) -> StandingRun:
        run = found.get(key)
        if run is None:
            standing = StandingRun(self._client, self._create(name, page, parent))
            standing.show(page, "RUNNING")
            return standing
        if parent is not None:
            self._adopt(run.info.run_id, run.data.tags, parent)
        return StandingRun(self._client, run)

    def _create(self, name: str, page: Page, parent: StandingRun | None) -> Run:
        tags = {**page.tags, **({PARENT: parent.run_id} if parent else {})}
        return self._client.create_run(self._experiment, _milliseconds(time.time()), tags, name)

    def _run(self, key: Key, trial: Ended) -> TrialRun:
        page, result, now = trial_page(self._study.fingerprint, trial), trial.result, time.time()
        return TrialRun(
            name=f"{key.arm} {key.phase} {key.trial}",
            status=STATUS[result.outcome],
            started=_milliseconds(result.started or now),
            ended=_milliseconds(result.ended or now),
            tags={**page.tags, PARENT: self._arms[key.arm].run_id},
            params=page.params,
            metrics=[_metric(point, now) for point in page.points],
        )

    def _adopt(self, run_id: str, tags: Mapping[str, str], parent: StandingRun) -> None:
        """Hang a run below its parent, which is another where somebody deleted the first one."""
        if tags.get(PARENT) != parent.run_id:
            self._client.set_tag(run_id, PARENT, parent.run_id)


def _trial_runs(client: MlflowClient, shelf: Shelf) -> TrialRuns:
    """By the store that MLflow itself has chosen for the tracking URI."""
    store = client._tracking_client.store
    return TableTrialRuns(store, shelf) if isinstance(store, SqlAlchemyStore) else ServerTrialRuns(client, shelf)


def open_experiment(client: MlflowClient, study: StudySpec, artifacts: Path | None) -> str:
    """The experiment's id. One that was deleted is restored: its name is taken, and the study is being run."""
    # by it the browser opens on training runs; that of 3.17 asks its own address: ?workflowType=machine_learning
    kind = {"mlflow.experimentKind": "custom_model_development"}
    experiment = client.get_experiment_by_name(study.name)
    if experiment is None:
        place = artifacts.resolve().as_uri() if artifacts else None
        return str(client.create_experiment(study.name, place, {**kind, NOTE: study.question}))
    if experiment.lifecycle_stage == LifecycleStage.DELETED:
        client.restore_experiment(experiment.experiment_id)
    for name, tag in kind.items():
        if name not in experiment.tags:
            client.set_experiment_tag(experiment.experiment_id, name, tag)
    return str(experiment.experiment_id)


def _data_input(study: StudySpec) -> DatasetInput:
    task = {name: value for name, value in study.task.items() if name != "name"}
    data = Dataset(
        name=str(study.task["name"]),
        digest=study.data_digest[:16],
        source_type="slalom",
        source=json.dumps({"task": study.task["name"], **task}, default=str),
    )
    return DatasetInput(data, [InputTag("mlflow.data.context", "training")])


def _key(trial: TrialId) -> Key:
    return Key("trial", trial.arm, str(trial.phase), str(trial.number))


def _key_of(tags: Mapping[str, str]) -> Key:
    return Key(*(tags.get(f"slalom.{name}", "") for name in Key._fields))


def _metric(point: Point, now: float) -> Metric:
    return Metric(point.name, point.value, _milliseconds(point.seconds or now), point.step)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
