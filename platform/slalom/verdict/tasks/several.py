"""Compares arms over several tasks: all tests, and the sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slalom.errors import InputError, listing
from slalom.verdict.tasks.nemenyi import Nemenyi, nemenyi
from slalom.verdict.tasks.profiles import Profile, profile, ratios
from slalom.verdict.tasks.ranks import ArmRanks, Friedman, friedman, ranked, ranks_of
from slalom.verdict.tasks.sentence import sentence, told_apart, warnings_of
from slalom.verdict.tasks.signed_rank import SignedRank, SignedRanks, signed_rank
from slalom.verdict.tasks.task import Task, alpha_of, tasks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.arrays import FloatArray
    from slalom.verdict.tasks.task import Study


@dataclass(frozen=True)
class Several:
    """The comparison of the same arms over several tasks.

    arms: in the order of the first study
    signed_rank: None where the studies measure different things, so that differences cannot be put together
    profiles: one for each arm; None where a value is negative, since no factor leads from it to the best
    winner: the arm that is told apart from every other one and is better, if there is one
    sentence: to quote; warnings: what a reader must know before doing so, a sentence each
    """

    tasks: tuple[Task, ...]
    goal: str
    metric: str
    alpha: float
    arms: tuple[ArmRanks, ...]
    friedman: Friedman
    nemenyi: Nemenyi
    signed_rank: SignedRanks | None
    profiles: tuple[Profile, ...] | None
    winner: str | None
    sentence: str
    warnings: tuple[str, ...]

    @property
    def ranked(self) -> tuple[ArmRanks, ...]:
        """The arms, best average rank first."""
        return ranked(self.arms)


def several(studies: Sequence[Study], rope: float | None = None) -> Several:
    """Compare the arms of finished studies, each study being one task.

    rope: a difference of the metric up to which two arms count as equal in a task; None for the margin that all these
        studies name, or 0
    Raises InputError where the studies are no set of tasks (see `tasks_of`), where the rope is not a finite number of
    at least 0, or where there is a rope for studies of several metrics.
    """
    if rope is not None and not 0 <= rope < math.inf:
        raise InputError(f"the rope must be a number of at least 0, in the metric's unit, but got {rope}")
    tasks, alpha = tasks_of(studies), alpha_of(studies)
    spec, minimize = studies[0][0], studies[0][0].metric.goal == "minimize"
    names = [arm.name for arm in spec.arms]
    values = np.array([task.values for task in tasks])
    losses = values if minimize else -values
    ranks = ranks_of(losses)
    arms = tuple(
        ArmRanks(name, float(ranks[:, at].mean()), tuple(ranks[:, at].tolist())) for at, name in enumerate(names)
    )
    test = friedman(ranks)
    pairs = nemenyi({arm.name: arm.rank for arm in arms}, len(tasks), alpha, rejected=test.p < alpha)
    metrics = sorted({task.metric for task in tasks})
    if rope is not None and len(metrics) > 1:
        raise InputError(f"a rope needs studies of one metric, but these have {listing(metrics)}")
    signed = _signed_ranks(names, losses, _rope(studies, rope)) if len(metrics) == 1 else None
    of_best = ratios(values, minimize=minimize)
    profiles = None if of_best is None else tuple(profile(name, of_best[:, at]) for at, name in enumerate(names))
    winner = _winner(arms, pairs)
    warnings = tuple(
        f"{warning}." for warning in warnings_of(studies, names, alpha, signed, has_profiles=bool(profiles))
    )
    metric = tasks[0].metric if signed else "each study's own metric"
    answer = sentence(tasks, metric, arms, test, pairs, alpha)
    return Several(
        tasks, spec.metric.goal, metric, alpha, arms, test, pairs, signed, profiles, winner, answer, warnings
    )


def _rope(studies: Sequence[Study], rope: float | None) -> float:
    margins = {spec.compare.margin for spec, _ in studies}
    return rope if rope is not None else (margins.pop() or 0.0) if len(margins) == 1 else 0.0


def _signed_ranks(names: Sequence[str], losses: FloatArray, rope: float) -> SignedRanks:
    """The signed-rank test of every pair of arms, in the order of the arms."""
    found = []
    for at, arm in enumerate(names):
        for beside in range(at + 1, len(names)):
            one, other = losses[:, at], losses[:, beside]
            gains = np.subtract(other, one, out=np.zeros(len(losses)), where=one != other)
            found.append(SignedRank(arm, names[beside], *signed_rank(gains, rope)))
    return SignedRanks(rope, tuple(found))


def _winner(arms: Sequence[ArmRanks], pairs: Nemenyi) -> str | None:
    best = ranked(arms)[0].name
    return best if len(told_apart(best, pairs)) == len(arms) - 1 else None
