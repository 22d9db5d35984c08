"""A small study, trials that ended, and a look into what MLflow has of them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.study.model import Arm, Compare, Metric, Pick, Resources, Searches, StudySpec, Tune
from slalom.study.ranges import Range
from slalom.verdict.answers import Answer, Comparison
from slalom.verdict.effort import EffortCurve
from slalom.verdict.interval import Interval
from slalom.verdict.proportion import Superiority
from slalom.verdict.robust import Robust
from slalom.verdict.summary import ArmSummary, Confirmed, State, Summary, Throughput, Tuning, Verdict
from slalom.wire.seeds import trial_seeds
from slalom.wire.trial import Effort, Ended, Outcome, Phase, Report, TrialId, TrialResult, TrialSpec, Work
from tests.support.programs import program

if TYPE_CHECKING:
    from collections.abc import Mapping
FINGERPRINT = "0123456789abcdef" * 4
WORK = Work({"name": "digits"}, {"name": "mlp", "hidden": [8], "activation": "tanh", "bias": True}, 32)
SETTINGS = {
    "optimizer": "momentum",
    "weight_decay": 0.0,
    "ensemble": {"combine": "none"},
    "momentum": {"schedule": "gradient_norm", "end": 0.9},
}


def study(
    fingerprint: str = FINGERPRINT, work: Work = WORK, folder: Path = Path(), code: tuple[Path, ...] = ()
) -> StudySpec:
    searched = {"learning_rate": Range(0.001, 1.0, log=True)}
    return StudySpec(
        name="momentum",
        question="Does a rising momentum help?",
        task=work.task,
        precision=work.precision,
        epochs=4,
        report_every=1,
        metric=Metric("error", "minimize", 1.0),
        arms=tuple(Arm(name, {**program(work), **SETTINGS, **searched}, searched) for name in ("constant", "rising")),
        tune=Tune(trials=2, searches=Searches(2, 2), pick=Pick(2, 1)),
        confirm_seeds=2,
        compare=Compare("constant"),
        resources=Resources(),
        fingerprint=fingerprint,
        data_digest="d" * 64,
        folder=folder,
        code=code,
        text="name: momentum  # as it was read\n",
    )


def ended(
    arm: str = "constant",
    number: int = 0,
    phase: Phase = Phase.TUNE,
    outcome: Outcome = Outcome.COMPLETE,
    epochs: int = 4,
    work: Work = WORK,
    settings: Mapping[str, Any] = SETTINGS,
    search: int = 0,
    **result: Any,
) -> Ended:
    trial = TrialId(arm, phase, number, search)
    params = {"learning_rate": 0.1 + number}
    spec = TrialSpec(trial, 1, trial_seeds(0, "", phase, search, number), work, {**settings, **params}, params, 4)
    history = tuple(
        Report(trial, 1, epoch, {"train.loss": 1 / epoch, "validation.error": 0.5 / epoch})
        for epoch in range(1, epochs + 1)
    )
    late = {"test.error": 0.125} if phase is Phase.CONFIRM else {}
    metrics = {**(history[-1].metrics if history else {}), **late}
    facts: dict[str, Any] = {
        "metrics": metrics,
        "history": history,
        "lane": "lane-0",
        "device": "cpu",
        "started": 1_700_000_000.0 + number,
        "ended": 1_700_000_008.0 + number,
    }
    return Ended(spec, TrialResult(trial, 1, outcome, epochs, **{**facts, **result}))


def all_ended() -> list[Ended]:
    """Every trial of both arms: two searches, each of two trials, two picks and two confirm seeds."""
    return [
        ended(arm, number, phase, search=search)
        for arm in ("constant", "rising")
        for search in (0, 1)
        for phase in Phase
        for number in (0, 1)
    ]


def compared() -> Comparison:
    """The rising arm, better than the constant one over two searches."""
    return Comparison(
        arm="rising",
        other="constant",
        searches=2,
        mean=-0.02,
        interval=Interval(-0.03, -0.01),
        level=0.95,
        p=0.01,
        p_beyond=None,
        answer=Answer.BETTER,
        better=Superiority(0.9, Interval(0.8, 1.0)),
        robust=Robust(-0.02, 0.01),
        robust_answer=Answer.BETTER,
        divergence_p=1.0,
    )


def summary(state: State = State.COMPLETE, mean: float = 0.125) -> Summary:
    values = ((0.1, 0.15), (0.1, math.nan))
    confirmed = Confirmed(2, 2, values, 1.0, mean, Interval(0.1, 0.15), 0.12, 1, 0.75)
    effort = EffortCurve(((0.5, 0.25), (0.25, 0.25)), (0.375, 0.25), (Interval(0.25, 0.5), Interval(0.25, 0.25)))
    tuning, chosen = Tuning(4, 0, 0, 0, 0, 0.125), ({"learning_rate": 0.1}, {"learning_rate": 1.1})
    arms = (
        ArmSummary("constant", 4, chosen, tuning, confirmed, None, effort, (0, 0)),
        ArmSummary("rising", 4, chosen, tuning, confirmed, compared(), effort, (1, 1)),
    )
    verdict = Verdict("rising beats constant.", "rising", searches=2) if state is State.COMPLETE else None
    return Summary(state, arms, verdict, Throughput(24, 4.0, Effort(9, 10)))


def tuning_summary(trials: int = 1) -> Summary:
    arms = tuple(ArmSummary(name, 4, (), Tuning(trials, 0, 0, 0, 0, 0.5)) for name in ("constant", "rising"))
    return Summary(State.RUNNING, arms)


def describe(summary: Summary) -> str:
    return f"**{summary.verdict.sentence if summary.verdict else summary.state}**"


def runs_in(tracking_uri: str, name: str = "momentum") -> list[Any]:
    """The active runs of an experiment."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri)
    experiment = client.get_experiment_by_name(name)
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id], max_results=1000))


OF_A_RUN = {"mlflow.parentRunId", "slalom.model", "slalom.row"}
"""Tags that hold ids and times."""


def shown_in(tracking_uri: str, name: str = "momentum") -> dict[tuple[str, ...], dict[str, Any]]:
    """What the runs show, each under its place in the tree, without ids and times."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri)
    runs = {run.info.run_id: run for run in runs_in(tracking_uri, name)}
    registered = client.search_model_versions()
    shown = {}
    for run in runs.values():
        place = _place(run, runs)
        assert place not in shown, f"two runs for {place}"
        tags = {name: tag for name, tag in run.data.tags.items() if name not in OF_A_RUN}
        if note := tags.get("mlflow.note.content"):
            tags["mlflow.note.content"] = re.sub(r"/runs/[0-9a-f]{32}/", "/runs/ID/", note)
        shown[place] = {
            "status": run.info.status,
            "tags": tags,
            "model": "slalom.model" in run.data.tags,
            "params": run.data.params,
            "history": {
                name: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
                for name in run.data.metrics
            },
            "data": [(given.dataset.name, given.dataset.digest) for given in run.inputs.dataset_inputs],
            "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
            "registered": [(one.name, int(one.version)) for one in registered if one.run_id == run.info.run_id],
        }
    return shown


def load_model(tracking_uri: str, place: str) -> Any:
    """The model as whoever has set this tracking URI loads it."""
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)
    try:
        return mlflow.pyfunc.load_model(place)
    finally:
        mlflow.set_tracking_uri(None)


def _place(run: Any, runs: dict[str, Any]) -> tuple[str, ...]:
    parent = run.data.tags.get("mlflow.parentRunId")
    return (*(_place(runs[parent], runs) if parent else ()), run.info.run_name)
