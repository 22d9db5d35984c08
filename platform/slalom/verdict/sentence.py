"""The verdict of a study in words: which arms differ from the baseline, which one wins, and under which conditions.

The first sentence is about the arms against the baseline, the second about all pairs of arms. Each is one family: a
wrong claim in it has probability alpha at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.verdict.answers import Answer
from slalom.verdict.caveats import warnings_of
from slalom.verdict.interval import Interval
from slalom.verdict.outcome import winner
from slalom.verdict.scope import Scope
from slalom.verdict.summary import ArmSummary, Confirmed, Verdict
from slalom.verdict.wording import count, equation, measured, with_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.study.model import StudySpec
    from slalom.verdict.answers import Comparison
    from slalom.verdict.looks import Look


def decide(spec: StudySpec, arms: Sequence[ArmSummary], look: Look) -> Verdict:
    """The verdict over arms, each of which is confirmed or never finished a tuning trial."""
    field = _Field.of(spec, arms, look)
    sentences = [_against_baseline(field), *_winning(field)]
    return Verdict(
        sentence=" ".join(f"{sentence}." for sentence in sentences),
        winner=field.winner,
        about=field.scope.about,
        split=field.scope.split,
        searches=look.most,
        warnings=tuple(f"{warning}." for warning in warnings_of(spec, arms, look)),
        comparisons=tuple(look.baseline),
        pairs=tuple(look.pairs),
    )


@dataclass(frozen=True)
class _Arm:
    """A confirmed arm."""

    name: str
    confirm: Confirmed


@dataclass(frozen=True)
class _Field:
    """What the sentences are written from.

    ranked: the confirmed arms, best mean first, equal means by name; those that were dropped at an earlier look, whose
        means are over fewer searches, come last
    """

    spec: StudySpec
    scope: Scope
    look: Look
    ranked: Sequence[_Arm]

    @classmethod
    def of(cls, spec: StudySpec, arms: Sequence[ArmSummary], look: Look) -> _Field:
        sign = 1 if spec.metric.goal == "minimize" else -1
        confirmed = [_Arm(arm.name, arm.confirm) for arm in arms if arm.confirm]
        ranked = sorted(confirmed, key=lambda arm: (-arm.confirm.searches, sign * arm.confirm.mean, arm.name))
        return cls(spec, Scope.of(spec, look.most), look, ranked)

    @property
    def baseline(self) -> str:
        return self.spec.compare.baseline

    @property
    def conditions(self) -> str:
        return self.scope.conditions(self.spec.tune.searches.stages)

    @property
    def winner(self) -> str | None:
        """The winner over all pairs; None where there is none, or where the verdict is about one search's choice."""
        if len(self.ranked) < 2 or self.scope.about == "choice":
            return None
        return winner(self.look.pairs, [arm.name for arm in self.ranked])

    def named(self, answer: Answer) -> list[Comparison]:
        """The comparisons with the baseline that have that answer, best mean first."""
        order = [arm.name for arm in self.ranked]
        return sorted((one for one in self.look.baseline if one.answer is answer), key=lambda one: order.index(one.arm))

    def value(self, name: str) -> str:
        """An arm's mean as text: "0.0286"."""
        confirm = next(arm.confirm for arm in self.ranked if arm.name == name)
        return measured(confirm.mean, confirm.interval)


def _against_baseline(field: _Field) -> str:
    if not field.ranked:
        return f"No arm finished any of its {count(field.spec.tune.trials, 'tuning trial')}, so nothing can be compared"
    if len(field.ranked) == 1:
        return _alone(field, field.ranked[0])
    if not field.look.baseline:
        why = f"the baseline {field.baseline} never finished a tuning trial, so no arm is compared with it"
        return f"{field.conditions}: {why}"
    parts: list[str] = []
    for answer in Answer:
        if found := field.named(answer):
            parts.append(_part(field, answer, found, is_first=not parts))
    return f"{field.conditions}: {'; '.join(parts)}"


def _alone(field: _Field, arm: _Arm) -> str:
    reached = f"{arm.name} reaches {_metric(field)} {with_bounds(arm.confirm.mean, arm.confirm.interval)}"
    others = "no other arm finished a tuning trial" if len(field.spec.arms) > 1 else "there is no other arm"
    return f"{field.conditions}: {reached}; {others}, so nothing can be compared"


def _metric(field: _Field) -> str:
    metric = field.spec.metric
    return metric.on("test") if metric.target is None else f"{metric.on('test')}:"


def _part(field: _Field, answer: Answer, found: Sequence[Comparison], *, is_first: bool) -> str:
    """The clause about the arms of one answer; the first clause names the metric and the baseline's value."""
    metric = f"{_metric(field)} " if is_first else ""
    value = field.value(field.baseline) if is_first else ""
    base = f"the baseline {field.baseline}" if is_first else "the baseline"
    names = [f"{one.arm} ({metric if number == 0 else ''}{field.value(one.arm)})" for number, one in enumerate(found)]
    are = "is" if len(found) == 1 else "are"
    if answer is Answer.BETTER or answer is Answer.WORSE:
        by = [f"{name} {_by(field, one)}" for name, one in zip(names, found, strict=True)]
        text = f"{names[0]} is {answer} than {base}{_aside(value)} {_by(field, found[0])}"
        return f"{text}, and so {'is' if len(by) == 2 else 'are'} {listing(by[1:])}" if by[1:] else text
    if answer is Answer.IDENTICAL:
        return f"{listing(names)} {are} identical to {base}{_aside(value)}: every confirm training gave the same number"
    if answer is Answer.EQUIVALENT:
        shown = listing([_bounded(one) for one in found])
        difference = "difference" if len(found) == 1 else "differences"
        aside = _aside(value, f"{difference} {shown}, within the margin of {field.spec.compare.margin:g}")
        return f"{listing(names)} {are} equivalent to {base}{aside}"
    closest = min(found, key=lambda one: (one.p, one.arm))
    difference = "difference" if len(found) == 1 else f"the most different is {closest.arm},"
    aside = _aside(value, f"{difference} {_bounded(closest)}, {equation(closest.p)}{_early(field, closest)}")
    return f"{listing(names)} cannot be told apart from {base}{aside}"


def _aside(*texts: str) -> str:
    """The texts that are not empty, in brackets; "" where there are none."""
    text = "; ".join(filter(None, texts))
    return f" ({text})" if text else ""


def _winning(field: _Field) -> list[str]:
    """The second sentence: who wins among more than two arms, or where the baseline is unfinished; else []."""
    told = len(field.ranked) == 2 and field.look.baseline
    if len(field.ranked) < 2 or field.scope.about == "choice" or told:
        return []
    best = field.ranked[0].name
    against_best = [one for one in field.look.pairs if best in (one.arm, one.other)]
    if field.winner:
        highest = equation(max(one.p for one in against_best)).replace("=", "at most")
        return [f"{field.winner} wins: over all pairs of arms it is better than every other one ({highest})"]
    rivals = [one.other if one.arm == best else one.arm for one in against_best if one.loser is None]
    return [
        f"No arm wins: {best} has the best mean, but over all pairs of arms it is not surely better than "
        f"{listing(rivals)}"
    ]


def _by(field: _Field, found: Comparison) -> str:
    """The size of a difference, without its sign: "by 0.0041 [0.0021, 0.0060] (p = 0.0003)"."""
    low, high = found.interval
    interval = found.interval if found.mean >= 0 else Interval(-high, -low)
    return f"by {with_bounds(abs(found.mean), interval)} ({equation(found.p)}{_early(field, found)})"


def _bounded(found: Comparison) -> str:
    """The difference with its sign, arm minus baseline: "-0.0004 [-0.0021, 0.0013]"."""
    return with_bounds(found.mean, found.interval, "+")


def _early(field: _Field, found: Comparison) -> str:
    """The words " after 10 searches", for an arm that was dropped before the last look; else ""."""
    return f" after {found.searches} searches" if found.searches < field.scope.number else ""
