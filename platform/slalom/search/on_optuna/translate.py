"""Turns Slalom's values into Optuna's, and back."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from slalom.study.ranges import Choices, IntRange, Range
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Outcome, Phase, Report, TrialId, TrialResult, test, validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from slalom.search.on_optuna.rows import Kept
    from slalom.study.model import Arm, Goal, Metric, StudySpec
    from slalom.study.ranges import Distribution

STATES = {
    Outcome.COMPLETE: TrialState.COMPLETE,
    Outcome.PRUNED: TrialState.PRUNED,
    Outcome.DIVERGED: TrialState.FAIL,
    Outcome.FAILED: TrialState.FAIL,
}


METRIC_NAMES = "study:metric_names"
"""The system attribute that `Study.set_metric_names` sets; that method itself warns that it is experimental."""


def distributions(arm: Arm) -> dict[str, BaseDistribution]:
    """An arm's space as Optuna's distributions, by dotted name."""
    return {name: _distribution(distribution) for name, distribution in arm.space.items()}


def _distribution(distribution: Distribution) -> BaseDistribution:
    match distribution:
        case Range(low, high, log):
            return FloatDistribution(low, high, log=log)
        case IntRange(low, high):
            return IntDistribution(low, high)
        case Choices(options):
            return CategoricalDistribution(options)


def direction(metric: Metric) -> Goal:
    """Which way is better, in Optuna's word."""
    return metric.goal


def explained(spec: StudySpec) -> dict[str, Any]:
    """System attributes by which Optuna's dashboard explains the values of an arm's trials."""
    decides, judges = spec.metric.on("validation"), spec.metric.on("test")
    note = (
        f"A trial's value is its {decides}, by which its search chose; of a pruned one the last. Trials of the phase "
        f"`pick` repeat a search's best ones, those of the phase `confirm` repeat its choice: by their attribute "
        f"`{judges}` the arms are compared, which `slalom show {spec.name}` prints."
    )
    return {"dashboard:note_str:0": note, "dashboard:note_ver": 1, METRIC_NAMES: [decides]}


def stored(ended: Ended, spec: StudySpec) -> FrozenTrial:
    """A trial that ended, as the storage keeps it; `thawed` takes it back.

    The FrozenTrial's value is the last validation value, of a pruned trial too; a trial that diverged or failed has
    none. The test value of a confirm trial, on which the verdict rests, is an attribute, since tuning must not see it.
    """
    trial, result = ended.spec, ended.result
    values = _values(ended, spec)
    last = [values[max(values)]] if values and result.outcome is Outcome.PRUNED else []
    final = (
        result.metrics.get(validation(spec.metric.name), math.nan) if result.outcome is Outcome.COMPLETE else math.nan
    )
    value = next((one for one in (final, *last) if math.isfinite(one)), None)
    state = STATES[result.outcome]
    found = create_trial(
        state=TrialState.FAIL if state is TrialState.COMPLETE and value is None else state,
        value=value,
        params=dict(trial.params),
        distributions=distributions(spec.arm(trial.id.arm)),
        user_attrs={
            "search": trial.id.search,
            "phase": str(trial.id.phase),
            **_tested(ended, spec.metric),
            "slalom": _packed(ended),
        },
        intermediate_values=values,
    )
    if result.started is not None and result.ended is not None:
        # Optuna's times are local ones, without a zone; create_trial sets both to "now"
        found.datetime_start = datetime.fromtimestamp(result.started)
        found.datetime_complete = datetime.fromtimestamp(result.ended)
    return found


def shown(ended: Ended, spec: StudySpec) -> FrozenTrial:
    """A trial that ended, as a sampler is shown it.

    Samplers ignore failed trials, but must learn to keep away from where training diverges. So a diverged trial is
    shown as a pruned one without a value, which samplers rank worst.
    """
    result = ended.result
    value = result.metrics.get(validation(spec.metric.name), math.nan) if result.outcome is Outcome.COMPLETE else None
    diverged = result.outcome is Outcome.DIVERGED or (value is not None and not math.isfinite(value))
    return create_trial(
        state=TrialState.PRUNED if diverged else STATES[result.outcome],
        value=None if diverged else value,
        params=dict(ended.spec.params),
        distributions=distributions(spec.arm(ended.spec.id.arm)),
        intermediate_values={} if diverged else _values(ended, spec),
    )


def _values(ended: Ended, spec: StudySpec) -> dict[int, float]:
    """The validation values that a trial reported, by epoch."""
    name = validation(spec.metric.name)
    return {report.epoch: report.metrics[name] for report in ended.result.history if name in report.metrics}


def _tested(ended: Ended, metric: Metric) -> dict[str, float]:
    """The test value under the name that people read, such as "test error"; {} where the trial has no finite one."""
    value = ended.result.metrics.get(test(metric.name), math.nan)
    return {metric.on("test"): value} if math.isfinite(value) else {}


def _packed(ended: Ended) -> str:
    result = ended.result
    return json.dumps(
        {
            "number": result.trial.number,
            "attempt": result.attempt,
            "seed": ended.spec.seeds.weights,
            "outcome": result.outcome,
            "epochs": result.epochs,
            "metrics": dict(result.metrics),
            "history": [[report.epoch, dict(report.metrics)] for report in result.history],
            "error": result.error,
            "lane": result.lane,
            "device": result.device,
            **({"not_deterministic": result.not_deterministic} if result.not_deterministic else {}),
            "started": result.started,
            "ended": result.ended,
        }
    )


def thawed(kept: Kept, spec: StudySpec, arm: str) -> Ended:
    """The trial that ended, from what a storage gives of the FrozenTrial that `stored` made."""
    held: Mapping[str, Any] = json.loads(kept.attributes["slalom"])
    trial = TrialId(arm, Phase(kept.attributes["phase"]), held["number"], kept.attributes["search"])
    history = tuple(Report(trial, held["attempt"], epoch, metrics) for epoch, metrics in held["history"])
    result = TrialResult(
        trial,
        held["attempt"],
        Outcome(held["outcome"]),
        held["epochs"],
        held["metrics"],
        history,
        held["error"],
        lane=held["lane"],
        device=held["device"],
        not_deterministic=tuple(held.get("not_deterministic", ())),
        started=held["started"],
        ended=held["ended"],
    )
    return Ended(trial_spec(spec, trial, kept.params, held["attempt"]), result)


def quiet() -> None:
    """Let Optuna log its warnings and errors alone."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
