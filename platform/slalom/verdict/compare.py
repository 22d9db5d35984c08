"""What the trials that ended say: each arm's choice, its confirm results, and how it differs from the baseline.

The tuning value of a trial is its final "validation.<metric>", the confirm value its "test.<metric>"; tuning
values choose hyperparameters, confirm values alone reach the verdict.

A confirm trial that diverged or failed has the worst value, so that it counts against its arm: for an error or
an accuracy, a share of the examples, 1 or 0; for any other metric the worst finite test value among the study's
confirm trials, or where there is none, the worst finite validation value among its tuning trials.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from slalom.search.choice import best, best_seed, choose, ended, final
from slalom.verdict.inference import holm, mean_interval, sign_flip_p
from slalom.verdict.sentence import decide
from slalom.verdict.summary import ArmSummary, Confirmed, Difference, State, Summary, Throughput, Tuning
from slalom.wire.seeds import derive
from slalom.wire.trial import Outcome, Phase, test, validation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Interval, Verdict
    from slalom.wire.trial import Ended

SHARES = ("error", "accuracy")

# A study is summarised whenever an arm is through, and what the arms before it gave is asked for again each time.
_mean_interval = lru_cache(maxsize=4096)(mean_interval)
_sign_flip_p = lru_cache(maxsize=4096)(sign_flip_p)


def summarise(
    spec: StudySpec, results: Results, state: State = State.RUNNING, throughput: Throughput | None = None
) -> Summary:
    """The study as it stands; the same results give the same numbers bit for bit, in any order of the arms."""
    tried = {arm.name: ended(arm.name, Phase.TUNE, spec.tune.trials, results) for arm in spec.arms}
    chosen = {name: choose(spec, name, results) for name, trials in tried.items()}
    confirmed = {name: confirm(spec, name, results) if choice else None for name, choice in chosen.items()}
    out = {name for name, trials in tried.items() if len(trials) == spec.tune.trials and chosen[name] is None}
    differences = _against_baseline(spec, confirmed, len(spec.arms) - len(out) - 1)
    arms = tuple(
        ArmSummary(
            name=arm.name,
            budget=spec.tune.trials,
            chosen=dict(choice.spec.params) if (choice := chosen[arm.name]) else None,
            tuning=tuning(spec, tried[arm.name]),
            confirm=confirmed[arm.name],
            difference=differences.get(arm.name),
            best_seed=best_seed(spec, arm.name, results),
        )
        for arm in spec.arms
    )
    return Summary(state, arms, _verdict(spec, out, arms), throughput or Throughput())


def tuning(spec: StudySpec, trials: Sequence[Ended]) -> Tuning:
    """An arm's tuning so far: the trials that ended."""
    outcomes = [trial.result.outcome for trial in trials]
    found = best(spec.metric, trials)
    return Tuning(
        trials=len(trials),
        pruned=outcomes.count(Outcome.PRUNED),
        diverged=outcomes.count(Outcome.DIVERGED),
        failed=outcomes.count(Outcome.FAILED),
        duplicates=len(trials) - len({tuple(sorted(trial.spec.params.items())) for trial in trials}),
        best=final(found, validation(spec.metric.name)) if found else None,
    )


def confirm(spec: StudySpec, arm: str, results: Results) -> Confirmed | None:
    """The results of an arm that has something to confirm; None until all of its seeds ended."""
    trials = ended(arm, Phase.CONFIRM, spec.confirm_seeds, results)
    if len(trials) < spec.confirm_seeds:
        return None
    measured = [final(trial, test(spec.metric.name)) for trial in trials]
    worst = 0.0 if all(map(math.isfinite, measured)) else worst_value(spec, results)
    values = tuple(value if math.isfinite(value) else worst for value in measured)
    return Confirmed(
        seeds=len(trials),
        values=values,
        diverged=sum(not math.isfinite(value) for value in measured),
        mean=float(np.mean(values)),
        interval=_interval(spec, values),
    )


def difference(spec: StudySpec, values: Sequence[float], baseline: Sequence[float], p: float) -> Difference:
    """How an arm's confirm values differ from the baseline's of the same seeds; p is the corrected one."""
    pairs = list(zip(values, baseline, strict=True))
    wins = [1.0 if spec.metric.better(one, other) else 0.5 * (one == other) for one, other in pairs]
    mean = float(np.mean([one - other for one, other in pairs]))
    return Difference(
        mean=mean,
        interval=_interval(spec, [one - other for one, other in pairs]),
        p=p,
        superiority=float(np.mean(wins)),
        superiority_interval=_interval(spec, wins),
        better=spec.metric.better(mean, 0.0) if p < spec.compare.alpha else None,
    )


def paired_p(spec: StudySpec, values: Sequence[float], others: Sequence[float]) -> float:
    """The p, not corrected, of no difference between two arms' confirm values of the same seeds."""
    differences = [one - other for one, other in zip(values, others, strict=True)]
    return _sign_flip_p(tuple(differences), derive(spec.fingerprint, "sign flips"))


def worst_value(spec: StudySpec, results: Results) -> float:
    """What a confirm trial that diverged or failed counts as; see the top of this file."""
    minimize = spec.metric.goal == "minimize"
    if spec.metric.name in SHARES:
        return 1.0 if minimize else 0.0
    worst = max if minimize else min
    for phase, name in ((Phase.CONFIRM, test(spec.metric.name)), (Phase.TUNE, validation(spec.metric.name))):
        values = [final(trial, name) for key, trial in results.items() if key.phase is phase]
        if finite := [value for value in values if math.isfinite(value)]:
            return worst(finite)
    return 0.0


def _interval(spec: StudySpec, values: Sequence[float]) -> Interval:
    return _mean_interval(tuple(values), 1 - spec.compare.alpha, derive(spec.fingerprint, "bootstrap"))


def _against_baseline(spec: StudySpec, confirmed: Mapping[str, Confirmed | None], family: int) -> dict[str, Difference]:
    """The difference of every confirmed arm; p corrected over the family of arms that have, or may yet have, one."""
    baseline = confirmed[spec.compare.baseline]
    if baseline is None:
        return {}
    others = {name: arm.values for name, arm in confirmed.items() if arm and name != spec.compare.baseline}
    p_values = holm([paired_p(spec, values, baseline.values) for values in others.values()], family)
    pairs = zip(others.items(), p_values, strict=True)
    return {name: difference(spec, values, baseline.values, p) for (name, values), p in pairs}


def _verdict(spec: StudySpec, out: Collection[str], arms: Sequence[ArmSummary]) -> Verdict | None:
    """None until all is tuned and confirmed; then the winner's p is corrected over all pairs of arms.

    out: names of the arms that have nothing to confirm
    """
    if not all(arm.confirm or arm.name in out for arm in arms):
        return None
    values = {arm.name: arm.confirm.values for arm in arms if arm.confirm}
    pairs = list(combinations(values, 2))
    p_values = holm([paired_p(spec, values[one], values[other]) for one, other in pairs])
    return decide(spec, arms, dict(zip(map(frozenset, pairs), p_values, strict=True)))
