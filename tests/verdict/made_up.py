"""Made-up studies, and trials that ended with given values, so that a verdict can be asked of them at once."""

from __future__ import annotations

import math

import numpy as np

from slalom.study.model import Arm, Compare, Metric, Pick, Resources, Searches, StudySpec, Tune
from slalom.study.ranges import Range
from slalom.wire.seeds import Seeds
from slalom.wire.trial import Ended, Outcome, Phase, TrialId, TrialResult, TrialSpec, Work

WORK = Work(task={"name": "digits"}, model={"name": "mlp"}, batch_size=32)
GOALS = {"error": "minimize", "loss": "minimize", "accuracy": "maximize"}
WORST = {"error": 1.0, "accuracy": 0.0}
RATE = {"rate": Range(0.001, 1.0, log=True)}
NAN = math.nan


def study(
    *arms: str,
    metric: str = "error",
    seeds: int = 3,
    trials: int = 2,
    searches: int = 10,
    at_most: int | None = None,
    pick: Pick | None = None,
    sampler: str = "tpe",
    alpha: float = 0.05,
    margin: float | None = None,
    resampled: bool = True,
    spaces: dict[str, dict[str, object]] | None = None,
    settings: dict[str, dict[str, object]] | None = None,
) -> StudySpec:
    """A study whose arms search one rate, unless `spaces` gives others; the first arm is the baseline."""
    return StudySpec(
        name="made-up",
        question="Which?",
        task=WORK.task,
        precision=WORK.precision,
        epochs=4,
        report_every=1,
        metric=Metric(metric, GOALS[metric], WORST.get(metric)),
        arms=tuple(Arm(name, (settings or {}).get(name, {}), (spaces or {}).get(name, RATE)) for name in arms),
        tune=Tune(trials, sampler, searches=Searches(searches, at_most or searches), pick=pick or Pick()),
        confirm_seeds=seeds,
        compare=Compare(arms[0], alpha, margin),
        resources=Resources(),
        fingerprint="ab" * 32,
        resampled=resampled,
    )


def ended(key, outcome, metrics, params):
    spec = TrialSpec(key, 0, Seeds(1, 2, 3), WORK, {}, params, epochs=4)
    return Ended(spec, TrialResult(key, 0, outcome, 4, metrics))


def tuning(spec, arm, values, outcomes=None, params=None, search=0, phase=Phase.TUNE):
    """A search's trials with these validation values; their rates are 0.1, 0.2, ... where no params are given."""
    outcomes = outcomes or [Outcome.COMPLETE if math.isfinite(value) else Outcome.DIVERGED for value in values]
    params = params or [{"rate": 0.1 * (number + 1)} for number in range(len(values))]
    name = f"validation.{spec.metric.name}"
    keys = [TrialId(arm, phase, number, search) for number in range(len(values))]
    return {
        key: ended(key, how, {name: value}, chosen)
        for key, how, value, chosen in zip(keys, outcomes, values, params, strict=True)
    }


def confirming(spec, arm, values, search=0, validation=None):
    """A search's confirm trials with these test values; NaN for one that diverged."""
    found = {}
    for number, value in enumerate(values):
        key = TrialId(arm, Phase.CONFIRM, number, search)
        metrics = {f"validation.{spec.metric.name}": validation[number] if validation else 0.5}
        if math.isfinite(value):
            metrics[f"test.{spec.metric.name}"] = float(value)
        found[key] = ended(key, Outcome.COMPLETE if math.isfinite(value) else Outcome.DIVERGED, metrics, {"rate": 0.1})
    return found


def finished(spec, **confirm):
    """A study whose arms were searched, each with a table of confirm values: [searches, seeds]."""
    results = {}
    for arm, table in confirm.items():
        for search, values in enumerate(np.reshape(table, (-1, spec.confirm_seeds))):
            results |= tuning(spec, arm, [0.3] * spec.tune.trials, search=search)
            results |= confirming(spec, arm, values, search)
    return results


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def drawn(mean, seed, searches=10, seeds=3, spread=0.002):
    """A table of values about a mean."""
    return mean + spread * noise(seed, searches, seeds)
