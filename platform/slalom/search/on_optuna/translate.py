"""Slalom's values as Optuna's, and back."""

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
from slalom.wire.trial import Ended, Outcome, Phase, Report, TrialId, TrialResult, validation

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


def stored(ended: Ended, spec: StudySpec) -> FrozenTrial:
    """A trial that ended, as the storage keeps it; `thawed` takes it back.

    Its value is its last validation value, that of a pruned trial too; one that diverged or failed has none.
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
        user_attrs={"search": trial.id.search, "phase": str(trial.id.phase), "slalom": _packed(ended)},
        intermediate_values=values,
    )
    if result.started is not None and result.ended is not None:
        # Optuna's times are local ones, without a zone; its own for a new trial are both "now"
        found.datetime_start = datetime.fromtimestamp(result.started)
        found.datetime_complete = datetime.fromtimestamp(result.ended)
    return found


def shown(ended: Ended, spec: StudySpec) -> FrozenTrial:
    """A trial that ended, as a sampler is shown it.

    Samplers ignore failed trials, but must learn to keep away from where training diverges: a pruned trial without a
    value is the worst that they know.
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
            "started": result.started,
            "ended": result.ended,
        }
    )


def thawed(kept: Kept, spec: StudySpec, arm: str) -> Ended:
    """A trial that ended, from what is read of what `stored` made of it."""
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
        started=held["started"],
        ended=held["ended"],
    )
    return Ended(trial_spec(spec, trial, kept.params, held["attempt"]), result)


def quiet() -> None:
    """Leave Optuna its warnings and errors, not its chatter."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
