"""Whether today's training is still what was pinned: a sequential test of each arm and metric, from numbers alone.

Every search's choice is trained again. Trainings are added in stages of whole seeds of all searches, at least 10, then
twice as many, ... until the pinned ones are used up. At a stage an arm's metric is

identical    where every training came out the same bit for bit
regressed    where it is worse for sure and by more than the margin: the mean difference is beyond the margin, and the
             one-sided sign-flip test's p is below what the stage may spend of `alpha`
improved     the same, the other way
equivalent   where the mean difference's interval lies within the margin
undecided    else, and then the next stage is trained

If nothing has changed but chance, today's value of a training and the pinned one are exchangeable, and then the
sign-flip test is exact. `alpha` is the rate of false alarms of a whole night: it is divided evenly among the tests of a
night (arms times metrics) and spent over the stages in proportion to their trainings, so that all parts add up to it
and no look is free (Bonferroni; the looks may depend on each other in any way). `miss`, the rate at which a difference
of a margin is called equivalent, is spent over the stages likewise.

The margin that nobody names is what the pinned trainings can resolve: (t + 1.96) s sqrt(2 / n), with s the baseline's
standard deviation over the seeds of a search, n the trainings of the last stage and t Student's quantile at the last
stage's share of `miss`. Where nothing but chance has changed, even if today's trainings have nothing in common with the
pinned ones but choice and split, 95 of 100 last stages then end as equivalent; where they have much in common, an
earlier stage does.

Where the searches are made again, too, the trainings of one search share whatever choice it comes to tonight. So the
search is the unit then, as in the verdict: its mean over all seeds, in one stage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median, stdev, variance
from typing import TYPE_CHECKING

from slalom.verdict.interval import Interval
from slalom.wire.seeds import derive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slalom.regression.baseline import Baseline
    from slalom.regression.replicates import Replicates

ALPHA = 0.002
RETUNED_ALPHA = 0.01
"""The alpha of a night whose searches are made again: with less, ten searches could raise no alarm."""

MISS = 0.05
FIRST = 10
FLIPS = 2**17
EPOCHS, COST = "epochs to target", "cost"
COST_MARGIN = 0.25
"""The margin of a cost, as a share: more than 25 % above the pinned one is a regression."""


class Answer(StrEnum):
    """What is said of an arm's metric, worst first; what is said of a night is what is said of its worst finding."""

    REGRESSED = "regressed"
    UNDECIDED = "undecided"
    IMPROVED = "improved"
    EQUIVALENT = "equivalent"
    IDENTICAL = "identical"


@dataclass(frozen=True)
class Finding:
    """An arm's metric tonight against the baseline.

    trainings: how many were compared; of a cost, how often it was measured tonight
    baseline, tonight: means over these trainings; of a cost, medians
    difference: tonight minus baseline; of a cost, their ratio less 1
    interval: of the mean difference, at the stage's share of `miss`
    p: one-sided, under no difference; None where the difference is within the margin
    """

    arm: str
    metric: str
    answer: Answer
    trainings: int
    baseline: float
    tonight: float
    difference: float
    interval: Interval
    margin: float
    p: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Arm and metric."""
        return self.arm, self.metric


@dataclass(frozen=True)
class Design:
    """The stages and levels of a night's tests.

    stages: trainings of each arm after which it is judged, rising
    tests: how many a night makes; alpha is divided among them
    searches: how many each arm has; all have the same number of trainings
    by_search: the search is the unit, because it is made again; else the training is
    """

    stages: tuple[int, ...]
    tests: int
    searches: int = 1
    by_search: bool = False
    alpha: float = ALPHA
    miss: float = MISS

    @classmethod
    def of(cls, baseline: Baseline, most: int | None = None, *, retuned: bool = False) -> Design:
        """The design of a night against a baseline, with at most `most` seeds of each search."""
        seeds = baseline.seeds if most is None else min(most, baseline.seeds)
        searches, tests = baseline.searches, 2 * len(baseline.arms)
        if retuned:
            return cls((seeds * searches,), tests, searches, by_search=True, alpha=RETUNED_ALPHA)
        return cls(stages(seeds, searches), tests, searches)

    def share(self, trainings: int) -> float:
        """The share of alpha, and of miss, that the stage of so many trainings may spend."""
        return trainings / sum(self.stages)

    def alarm(self, trainings: int) -> float:
        """The p below which the stage raises an alarm."""
        return self.alpha / self.tests * self.share(trainings)

    @property
    def units(self) -> int:
        """How many pairs the last stage compares: searches, or trainings."""
        return self.searches if self.by_search else self.stages[-1]

    def unit_values(self, values: Sequence[float]) -> list[float]:
        """The value of each unit, from the values of trainings, the first seed of every search first."""
        if not self.by_search:
            return list(values)
        return [fmean(values[search :: self.searches]) for search in range(self.searches)]

    @property
    def can_alarm(self) -> bool:
        """Whether there is enough for an alarm, however great the difference."""
        from slalom.verdict.flips import smallest_p

        return 0.5 * smallest_p(self.units, FLIPS) < self.alarm(self.stages[-1])

    def resolution(self, values: Sequence[float]) -> float:
        """The margin of a metric for which the user names none, from the baseline's values and in their unit."""
        from scipy.special import stdtrit  # here: it takes long to import

        if self.units < 2:
            return 0.0
        quantile = -float(stdtrit(self.units - 1, self.miss * self.share(self.stages[-1])))
        return (quantile + 1.96) * self._deviation(values) * math.sqrt(2 / self.units)

    def _deviation(self, values: Sequence[float]) -> float:
        """The units' standard deviation; that of trainings is within their searches, where these have several seeds."""
        if self.by_search or len(values) < 2 * self.searches:
            return stdev(self.unit_values(values))
        return math.sqrt(fmean(variance(values[search :: self.searches]) for search in range(self.searches)))


def stages(seeds: int, searches: int = 1) -> tuple[int, ...]:
    """Trainings of an arm after each stage: the seeds that make at least FIRST trainings, twice as many, ..., all.

    seeds: of each search
    """
    found, stage = [], -(-FIRST // searches)
    while stage < seeds:
        found.append(stage * searches)
        stage *= 2
    return (*found, seeds * searches)


def judge(
    baseline: Baseline,
    design: Design,
    trainings: int,
    tonight: Mapping[str, Replicates],
    margins: Mapping[str, float],
    before: Iterable[Finding] = (),
) -> tuple[Finding, ...]:
    """The findings after a stage; a metric that an earlier stage has decided keeps its finding.

    tonight: by arm, of at least `trainings` trainings
    margins: by metric, those that the user names
    before: the findings of the stage before
    """
    decided = {one.key: one for one in before if one.answer is not Answer.UNDECIDED}
    found = []
    for arm in baseline.arms:
        pinned, now = arm.found.first(trainings), tonight[arm.name].first(trainings)
        for metric, all_values, values, others in (
            (baseline.metric, arm.found.values, now.values, pinned.values),
            (EPOCHS, arm.found.epochs, now.epochs, pinned.epochs),
        ):
            known = decided.get((arm.name, metric))
            if known is None:
                margin = margins[metric] if metric in margins else design.resolution(all_values)
                test = _Test(arm.name, metric, margin, _worse(baseline, metric))
                known = _finding(test, design, values, others, same=now.digests == pinned.digests)
            found.append(known)
    return tuple(found)


@dataclass(frozen=True)
class _Test:
    """worse: the sign of a difference that is one for the worse."""

    arm: str
    metric: str
    margin: float
    worse: int


def _worse(baseline: Baseline, metric: str) -> int:
    return -1 if metric == baseline.metric and baseline.goal == "maximize" else 1


def _finding(test: _Test, design: Design, values: Sequence[float], others: Sequence[float], *, same: bool) -> Finding:
    from slalom.verdict.paired import paired_test  # here: numpy takes long to import

    trainings = len(values)
    differences = design.unit_values([one - other for one, other in zip(values, others, strict=True)])
    mean = fmean(differences)
    level = 1 - 2 * design.miss * design.share(trainings)
    paired = paired_test(differences, rows=FLIPS, seed=derive(test.arm, test.metric, trainings, "night"))
    interval = paired.interval(1 - level)
    p = None
    if abs(mean) > test.margin:
        p = 0.5 * paired.p()
    if same:
        answer = Answer.IDENTICAL
    elif p is not None and p < design.alarm(trainings):
        answer = Answer.REGRESSED if mean * test.worse > 0 else Answer.IMPROVED
    else:
        within = -test.margin <= interval.low and interval.high <= test.margin
        answer = Answer.EQUIVALENT if within else Answer.UNDECIDED
    means = fmean(others), fmean(values)
    return Finding(test.arm, test.metric, answer, trainings, *means, mean, interval, test.margin, p)


def judge_cost(arm: str, pinned: Sequence[float], tonight: Sequence[float], margin: float = COST_MARGIN) -> Finding:
    """An arm's cost tonight against the pinned one.

    Regressed where the medians' ratio is beyond the margin and every measurement of tonight is above every pinned one:
    of n and m measurements in any order that happens once in (n + m over n).
    """
    ratio = median(tonight) / median(pinned)
    interval = Interval(min(tonight) / max(pinned) - 1, max(tonight) / min(pinned) - 1)
    if 1 / (1 + margin) <= ratio <= 1 + margin:
        answer = Answer.EQUIVALENT
    elif interval.low > 0:
        answer = Answer.REGRESSED
    elif interval.high < 0:
        answer = Answer.IMPROVED
    else:
        answer = Answer.UNDECIDED
    p = 1 / math.comb(len(pinned) + len(tonight), len(pinned)) if answer in DECIDING else None
    medians = median(pinned), median(tonight)
    return Finding(arm, COST, answer, len(tonight), *medians, ratio - 1, interval, margin, p)


DECIDING = (Answer.REGRESSED, Answer.IMPROVED)


def overall(findings: Iterable[Finding]) -> Answer:
    """The answer of a night, which is that of its worst finding.

    A cost counts only where it is regressed or improved: times are never the same to the bit, and on a restless machine
    a cost is often undecided.
    """
    order = list(Answer)
    answers = [one.answer for one in findings if one.metric != COST or one.answer in DECIDING]
    return min(answers, key=order.index)
