"""A study in MLflow: its experiment, the run of the study, and below it the runs of its arms and their trials."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Run, RunTag
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

from slalom.records.on_mlflow.learned import log_learned
from slalom.records.on_mlflow.model import log_model
from slalom.records.on_mlflow.opening import open_experiment
from slalom.records.on_mlflow.pages.curves import MeanCurves
from slalom.records.on_mlflow.pages.headline import curves_link, headline
from slalom.records.on_mlflow.pages.page import NOTE, MetricPoint, Page, cut
from slalom.records.on_mlflow.pages.study import arm_page, opening_arm_page, opening_study_page, study_page
from slalom.records.on_mlflow.pages.trial import STATUS, trial_page
from slalom.records.on_mlflow.pages.view import ROW, row
from slalom.records.on_mlflow.registry import KeptModel, register
from slalom.records.on_mlflow.search import search
from slalom.records.on_mlflow.summary_run import SummaryRun
from slalom.records.on_mlflow.trial_runs.base import MODEL, PARENT, RunsInCommon, TrialRun
from slalom.records.on_mlflow.trial_runs.over_server import ServerTrialRuns
from slalom.records.on_mlflow.trial_runs.over_tables import TableTrialRuns
from slalom.records.provenance import COMMIT
from slalom.verdict.summary import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from slalom.records.on_mlflow.trial_runs.base import RecordedRun, TrialRuns
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary
    from slalom.wire.learned import Learned
    from slalom.wire.trial import Ended, TrialId, TrialSpec

LOG = logging.getLogger("slalom")

RUN_STATUS = {State.RUNNING: "RUNNING", State.COMPLETE: "FINISHED", State.INTERRUPTED: "KILLED"}

SUMMARIES = ("tags.`slalom.kind` != 'trial'", "tags.`slalom.kind` != 'regression'")
"""The conditions by which the runs of a study and its arms are found."""


class RunKey(NamedTuple):
    """What a run stands for, by its tags: the run of an arm has no search, that of a study has no arm."""

    kind: str
    arm: str = ""
    search: str = ""
    phase: str = ""
    trial: str = ""


class Experiment:
    """One study in MLflow, used by one thread. A new Experiment over the same store goes on where the last one stopped.

    A trial's run with the status RUNNING was cut off by a crash: the run is deleted, and is written again when
    `trials` is called with the trial. The exceptions of MLflow, SQLAlchemy and the network pass through.
    """

    def __init__(
        self, tracking_uri: str, artifacts: Path | None, study: StudySpec, versions: Mapping[str, str] | None = None
    ) -> None:
        """versions: what the run is made with, by name, for tags of the study's run."""
        # the registry is in the same store, even where the process has set another
        self._client = MlflowClient(tracking_uri, registry_uri=tracking_uri)
        self._study = study
        self._unsure = self._cut_off = False
        self._last = 0
        self._curves = MeanCurves(study)
        data = _data_input(study)
        self._experiment_id = open_experiment(self._client, study, artifacts)
        self.sweep()
        found = self._found()
        self._top = top = self._summary_run(found, RunKey("study"), study.name, opening_study_page(study), None)
        self._arms = {
            arm.name: self._summary_run(found, RunKey("arm", arm.name), arm.name, opening_arm_page(study, arm), top)
            for arm in reversed(study.arms)
        }
        for place, one in enumerate((top, *(self._arms[arm.name] for arm in study.arms))):
            one.tag(ROW, row(top.began, place))
        self._client.log_inputs(self._top.run_id, [data])
        self._client.log_batch(self._top.run_id, tags=_tags_of(versions or {}), synchronous=True)
        if study.text:
            self._client.log_text(self._top.run_id, study.text, "study.yaml")
        self._runs = _trial_runs(self._client, RunsInCommon(self._experiment_id, study.fingerprint, data))
        self._trials: dict[RunKey, str] = {}
        self._models: dict[str, str] = {}
        for run in self._runs.found():
            self._take(run)

    def trials(self, trials: Sequence[Ended]) -> None:
        """Write the runs of those trials that have none; where that failed before, look first at what was written."""
        self._curves.add(trials)
        if self._unsure:
            self.sweep()
        due = {key: trial for trial in trials if (key := _key(trial.spec.id)) not in self._trials}
        if due:
            runs = [self._run(key, trial) for key, trial in due.items()]
            try:
                self._trials |= zip(due, self._runs.write(runs), strict=True)
            except Exception:
                self._unsure = self._cut_off = True
                raise
        self._unsure = False

    def model(self, trial: TrialSpec, weights: Sequence[bytes], learned: Learned) -> None:
        """Write the weights of a trial, whose run is written, as a model, and register the model.

        The run's tag that names the model is written between the two, so that a run with the tag has a whole model, and
        all that was learned.
        """
        run_id = self._trials[_key(trial.id)]
        if run_id not in self._models:
            log_learned(self._client, run_id, learned)
            model_id = log_model(self._client, self._experiment_id, run_id, trial, weights, self._study)
            self._client.set_tag(run_id, MODEL, model_id)
            self._models[run_id] = model_id
        kept = KeptModel(self._study.fingerprint, trial.id.arm, self._models[run_id], run_id)
        register(self._client, self._study.name, kept)

    def summary(self, summary: Summary, description: str) -> None:
        """Write what the runs of the study and its arms show.

        description: Markdown, shown for the study's run and for the experiment, below a line that says who won
        """
        status = RUN_STATUS[summary.state]
        for arm in summary.arms:
            self._arms[arm.name].show(arm_page(self._study, arm, self._curves.points(arm)), status)
        links = {name: curves_link(self._experiment_id, run.run_id) for name, run in self._arms.items()}
        first = headline(self._study, summary, links)
        shown = f"{first}\n\n{description}" if first else description
        self._top.show(study_page(self._study, summary, shown), status)
        # MLflow shows this above the experiment's runs.
        self._client.set_experiment_tag(self._experiment_id, NOTE, cut(shown))

    def sweep(self) -> None:
        """Delete the runs of trials that were begun and never finished, as after a crash or a repeated request.

        Where a write was cut off, the finished ones are taken as written, and second runs of a trial deleted: a server
        that hung may have done late what was asked again.
        """
        found = self._runs.found() if self._cut_off else []
        begun = {
            run.info.run_id for run in self._search("tags.`slalom.kind` = 'trial' AND attributes.status = 'RUNNING'")
        }
        for run_id in begun:
            self._client.delete_run(run_id)
        for run in found:
            if run.run_id not in begun:
                self._take(run)

    def finish(self) -> None:
        """Leave one run of the study, of each arm and of each trial: of those that a server made late, none stays."""
        self.sweep()
        shown = {self._top.run_id, *(run.run_id for run in self._arms.values())}
        for run in list(self._search(*SUMMARIES)):
            if run.info.run_id not in shown:
                self._client.delete_run(run.info.run_id)

    def _found(self) -> dict[RunKey, Run]:
        """The runs of the study and its arms; of two runs for the same thing the younger one is deleted."""
        found: dict[RunKey, Run] = {}
        for run in list(self._search(*SUMMARIES)):
            if found.setdefault(_key_of(run.data.tags), run) is not run:
                self._client.delete_run(run.info.run_id)
        return found

    def _take(self, run: RecordedRun) -> None:
        """Take a trial's run as written, and put it below its arm's run; a second run of the same trial is deleted."""
        key = _key_of(run.tags)
        if self._trials.setdefault(key, run.run_id) != run.run_id:
            self._client.delete_run(run.run_id)
            return
        self._adopt(run.run_id, run.tags, self._arms[key.arm])
        if MODEL in run.tags:
            self._models[run.run_id] = run.tags[MODEL]

    def _search(self, *conditions: str) -> Iterator[Run]:
        return search(self._client, self._experiment_id, self._study.fingerprint, *conditions)

    def _summary_run(
        self, found: Mapping[RunKey, Run], key: RunKey, name: str, page: Page, parent: SummaryRun | None
    ) -> SummaryRun:
        """The run of the study or an arm: the one that was found, put below its parent, or a new one."""
        run = found.get(key)
        if run is None:
            new = SummaryRun(self._client, self._create(name, page, parent))
            new.show(page, "RUNNING")
            return new
        if parent is not None:
            self._adopt(run.info.run_id, run.data.tags, parent)
        return SummaryRun(self._client, run)

    def _create(self, name: str, page: Page, parent: SummaryRun | None) -> Run:
        """A new run; MLflow lists a run's children newest first, so the last arm is the first to be made."""
        self._last = max(self._last + 1, _milliseconds(time.time()))
        tags = {**page.tags, **({PARENT: parent.run_id} if parent else {})}
        return self._client.create_run(self._experiment_id, self._last, tags, name)

    def _run(self, key: RunKey, trial: Ended) -> TrialRun:
        net = self._study.nets.size(trial.spec.work)
        page, result, now = trial_page(self._study.fingerprint, trial, net), trial.result, time.time()
        return TrialRun(
            name=f"{key.arm} search {key.search} {key.phase} {key.trial}",
            status=STATUS[result.outcome],
            started=_milliseconds(result.started or now),
            ended=_milliseconds(result.ended or now),
            tags={**page.tags, PARENT: self._arms[key.arm].run_id},
            params=page.params,
            metrics=[_metric(point, now) for point in page.points],
        )

    def _adopt(self, run_id: str, tags: Mapping[str, str], parent: SummaryRun) -> None:
        """Put a run below its parent, which is another run where somebody has deleted the first one."""
        if tags.get(PARENT) != parent.run_id:
            self._client.set_tag(run_id, PARENT, parent.run_id)


def _trial_runs(client: MlflowClient, common: RunsInCommon) -> TrialRuns:
    """The way to write trial runs that suits the store which MLflow has chosen for the tracking URI."""
    store = client._tracking_client.store
    if isinstance(store, SqlAlchemyStore):
        tables = TableTrialRuns(store, common)
        reason = tables.misfit()
        if reason is None:
            return tables
        LOG.warning(
            "slalom: MLflow's tables are others than this Slalom knows (%s): trials go through MLflow's own calls, "
            "which are slower",
            reason,
        )
    return ServerTrialRuns(client, common)


def _tags_of(versions: Mapping[str, str]) -> list[RunTag]:
    """What a study's run was made with; a commit also by the name under which MLflow's users look for it."""
    tags = [RunTag(f"slalom.version.{name}", version) for name, version in versions.items()]
    if COMMIT in versions:
        tags.append(RunTag(MLFLOW_GIT_COMMIT, versions[COMMIT].partition(" ")[0]))
    return tags


def _data_input(study: StudySpec) -> DatasetInput:
    task = {name: value for name, value in study.task.items() if name != "name"}
    data = Dataset(
        name=str(study.task["name"]),
        digest=study.data_digest[:16],
        source_type="slalom",
        source=json.dumps({"task": study.task["name"], **task}, default=str),
    )
    return DatasetInput(data, [InputTag("mlflow.data.context", "training")])


def _key(trial: TrialId) -> RunKey:
    return RunKey("trial", trial.arm, str(trial.search), str(trial.phase), str(trial.number))


def _key_of(tags: Mapping[str, str]) -> RunKey:
    return RunKey(*(tags.get(f"slalom.{name}", "") for name in RunKey._fields))


def _metric(point: MetricPoint, now: float) -> Metric:
    return Metric(point.name, point.value, _milliseconds(point.seconds or now), point.step)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
