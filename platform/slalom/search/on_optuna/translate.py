"""Slalom's values as Optuna's, and back."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from slalom.study.model import Choices, IntRange, Range
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Outcome, Report, TrialId, TrialResult, validation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from slalom.study.model import Arm, Distribution, Goal, Metric, StudySpec

STATES = {
    Outcome.COMPLETE: TrialState.COMPLETE,
    Outcome.PRUNED: TrialState.PRUNED,
    # Samplers ignore failed trials, but must learn to keep away from where training diverges: a pruned trial
    # without a value is the worst that they know.
    Outcome.DIVERGED: TrialState.PRUNED,
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


def frozen(ended: Ended, spec: StudySpec, *, with_result: bool = True) -> FrozenTrial:
    """A trial that ended, as Optuna holds it; `with_result` adds all that `thawed` needs."""
    trial, result = ended.spec, ended.result
    name = validation(spec.metric.name)
    values = {report.epoch: report.metrics[name] for report in result.history if name in report.metrics}
    value = result.metrics[name] if result.outcome is Outcome.COMPLETE else None
    outcome = result.outcome if value is None or math.isfinite(value) else Outcome.DIVERGED
    found = create_trial(
        state=STATES[outcome],
        value=None if outcome is Outcome.DIVERGED else value,
        params=dict(trial.params),
        distributions=distributions(spec.arm(trial.id.arm)),
        user_attrs={"slalom": _packed(ended)} if with_result else {},
        intermediate_values={} if outcome is Outcome.DIVERGED else values,
    )
    if result.started is not None and result.ended is not None:
        # Optuna's times are local ones, without a zone; its own for a new trial are both "now"
        found.datetime_start = datetime.fromtimestamp(result.started)
        found.datetime_complete = datetime.fromtimestamp(result.ended)
    return found


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


def thawed(stored: FrozenTrial, spec: StudySpec, arm: str, phase: Any) -> Ended:
    """A trial that ended, from what `frozen` made of it."""
    held: Mapping[str, Any] = json.loads(stored.user_attrs["slalom"])
    trial = TrialId(arm, phase, held["number"])
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
    return Ended(trial_spec(spec, trial, stored.params, held["attempt"]), result)


def quiet() -> None:
    """Leave Optuna its warnings and errors, not its chatter."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
