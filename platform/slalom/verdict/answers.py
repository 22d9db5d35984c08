"""Arms compared over their searches: better, worse, equivalent, undecided or identical."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import chain, combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from slalom.verdict.divergence import divergence_p
from slalom.verdict.family import Corrected, Uncorrected, correct
from slalom.verdict.interval import Interval
from slalom.verdict.paired import PairedTest, paired_test
from slalom.verdict.proportion import Superiority, superiority
from slalom.verdict.robust import Robust, robust_test
from slalom.verdict.search_values import SearchValues

if TYPE_CHECKING:
    from slalom.verdict.stages import Looks

Arms: TypeAlias = Mapping[str, SearchValues]
Pair: TypeAlias = tuple[str, str]


class Answer(StrEnum):
    """The answer of a comparison: how an arm stands to the one that it is compared with."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    IDENTICAL = "identical"


@dataclass(frozen=True)
class Rule:
    """How arms are compared.

    minimize: whether a smaller metric is better
    alpha: the probability, at most, of a wrong claim among the comparisons of one family
    worst: what a diverged training counts as
    margin: the difference of the metric up to which arms count as equivalent; None where the study names none
    looks: the numbers of searches at which the study is judged; None for once, at the end
    """

    minimize: bool
    alpha: float
    worst: float
    margin: float | None = None
    looks: Looks | None = None


@dataclass(frozen=True)
class Comparison:
    """An arm against another one, over paired searches.

    mean: of the differences, arm minus other, in the metric's unit, a diverged training counting as the worst value
    interval: of the mean difference, and always around it. It excludes zero if and only if the answer is better or
        worse; for an equivalent arm it is the interval of the two one-sided tests, which lies within the margin
    level: of the interval: 1 - alpha over the comparisons open when this one was tested, or 1 - 2 alpha for equivalent
    p: of no difference, corrected over the family and the looks; where it is below alpha `answer` is better or worse,
        unless an early look contradicts the mean of all searches
    p_beyond: of a difference of the margin or more, corrected; None where there is no margin
    better: P(better), with an interval of the level at which the difference was tested
    robust: the interquartile mean of the differences, and the p of the clipped differences, corrected in the same way
    robust_answer: better, worse or undecided by `robust`; the verdict rests on `answer`
    divergence_p: of equally frequent divergence, corrected in the same way
    """

    arm: str
    other: str
    searches: int
    mean: float
    interval: Interval
    level: float
    p: float
    p_beyond: float | None
    answer: Answer
    better: Superiority
    robust: Robust
    robust_answer: Answer
    divergence_p: float

    @property
    def settled(self) -> bool:
        """Whether more searches would change nothing that matters."""
        return self.answer is not Answer.UNDECIDED

    @property
    def loser(self) -> str | None:
        """The name of the worse arm; None where neither is worse."""
        return {Answer.WORSE: self.arm, Answer.BETTER: self.other}.get(self.answer)


def against_baseline(arms: Arms, baseline: str, rule: Rule, family: int | None = None) -> tuple[Comparison, ...]:
    """Compare every other arm with the baseline, as one family.

    family: how many comparisons there will be in all, where some arms have no result yet
    """
    return compare(arms, [(name, baseline) for name in arms if name != baseline], rule, family)


def all_pairs(arms: Arms, rule: Rule, family: int | None = None) -> tuple[Comparison, ...]:
    """Compare every pair of arms, as one family."""
    return compare(arms, list(combinations(arms, 2)), rule, family)


def compare(arms: Arms, pairs: Sequence[Pair], rule: Rule, family: int | None = None) -> tuple[Comparison, ...]:
    """Compare the pairs (arm, other) of one family; gives the comparisons in the order of the pairs.

    An arm that was dropped at a look has fewer searches than others; its pairs are compared over these, at that look.
    Raises ValueError where two arms of a pair have different seeds, or different searches without `rule.looks`.
    """
    return _compare(tuple((name, arms[name]) for name in dict.fromkeys(chain(*pairs))), tuple(pairs), rule, family)


@lru_cache(maxsize=64)
def _compare(
    values: tuple[tuple[str, SearchValues], ...], pairs: tuple[Pair, ...], rule: Rule, family: int | None
) -> tuple[Comparison, ...]:
    # The cache: a study is summarised many times, and each time its earlier looks are made again.
    arms = dict(values)
    found = [_Found.of(arms, pair, rule) for pair in pairs]
    means = correct([_tested(one, rule) for one in found], rule.alpha, family)
    robust = correct([Uncorrected(one.robust.p) for one in found], rule.alpha, family)
    divergence = correct([Uncorrected(one.divergence_p) for one in found], rule.alpha, family)
    return tuple(
        _comparison(one, rule, *corrected) for one, *corrected in zip(found, means, robust, divergence, strict=True)
    )


@dataclass(frozen=True)
class _Found:
    """A pair before the correction; gains: positive where the arm is better."""

    pair: Pair
    test: PairedTest
    gains: tuple[float, ...]
    robust: Robust
    divergence_p: float
    identical: bool

    @classmethod
    def of(cls, arms: Arms, pair: Pair, rule: Rule) -> _Found:
        arm, other = _common(arms, pair, rule)
        differences = arm.means(rule.worst) - other.means(rule.worst)
        return cls(
            pair=pair,
            test=paired_test(differences, rule.looks),
            gains=tuple((-differences if rule.minimize else differences).tolist()),
            robust=robust_test(differences, rule.looks),
            divergence_p=divergence_p(arm, other, rule.looks),
            identical=np.array_equal(arm.table(), other.table(), equal_nan=True),
        )


def _common(arms: Arms, pair: Pair, rule: Rule) -> tuple[SearchValues, SearchValues]:
    """The values of both arms of a pair in the searches that both have."""
    arm, other = (arms[name] for name in pair)
    number = min(arm.number, other.number)
    if rule.looks is None and arm.number != other.number:
        raise ValueError(f"{pair[0]} and {pair[1]} must have as many searches (got {arm.number} and {other.number})")
    if len(arm.values[0]) != len(other.values[0]):
        raise ValueError(f"{pair[0]} and {pair[1]} must have as many seeds in a search")
    return arm.first(number), other.first(number)


def _tested(found: _Found, rule: Rule) -> Uncorrected:
    return Uncorrected(found.test.p(), None if rule.margin is None else found.test.p_beyond(rule.margin))


def _comparison(found: _Found, rule: Rule, mean: Corrected, robust: Corrected, divergence: Corrected) -> Comparison:
    answer, interval = _answer(found, rule, mean)
    return Comparison(
        arm=found.pair[0],
        other=found.pair[1],
        searches=len(found.gains),
        mean=found.test.mean,
        interval=interval,
        level=1 - 2 * mean.level_beyond if answer is Answer.EQUIVALENT else 1 - mean.level,
        p=mean.p,
        p_beyond=mean.p_beyond,
        answer=answer,
        better=superiority(found.gains, mean.level),
        robust=Robust(found.robust.mean, robust.p),
        robust_answer=_direction(found.robust.mean, rule) if robust.p < rule.alpha else Answer.UNDECIDED,
        divergence_p=divergence.p,
    )


def _answer(found: _Found, rule: Rule, corrected: Corrected) -> tuple[Answer, Interval]:
    """The answer, and the interval shown beside it, which always holds the mean.

    Where an early look showed a difference that the mean of all searches no longer shows, the answer is undecided.
    """
    interval = _with_mean(found, found.test.interval(corrected.level))
    if found.identical:
        return Answer.IDENTICAL, interval
    if corrected.p < rule.alpha and not interval.low <= 0 <= interval.high:
        return _direction(found.test.mean, rule), interval
    if rule.margin is not None and corrected.p_beyond is not None and corrected.p_beyond < rule.alpha:
        within = _with_mean(found, found.test.equivalence_interval(corrected.level_beyond))
        if abs(found.test.mean) <= rule.margin:
            return Answer.EQUIVALENT, within
    return Answer.UNDECIDED, interval


def _with_mean(found: _Found, interval: Interval) -> Interval:
    """The interval widened to hold the mean of all searches, which after several looks can lie outside."""
    return Interval(min(interval.low, found.test.mean), max(interval.high, found.test.mean))


def _direction(mean: float, rule: Rule) -> Answer:
    return Answer.BETTER if (mean < 0) == rule.minimize else Answer.WORSE
