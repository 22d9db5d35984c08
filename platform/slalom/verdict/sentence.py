"""The answer of a study in words: which arms differ from the baseline, which one wins, and under which conditions.

The first sentence speaks of the arms against the baseline, the second of all pairs of arms. Each is one family: a wrong
claim in it has probability alpha at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.verdict.answers import Answer
from slalom.verdict.caveats import warnings_of
from slalom.verdict.outcome import winner
from slalom.verdict.scope import Scope
from slalom.verdict.summary import ArmSummary, Confirmed, Interval, Verdict
from slalom.verdict.wording import bounds, count, equation, measured, with_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.study.model import StudySpec
    from slalom.verdict.answers import Comparison
    from slalom.verdict.looks import Look


def decide(spec: StudySpec, arms: Sequence[ArmSummary], look: Look) -> Verdict:
    """The verdict over arms that are all confirmed, or never finished a tuning trial."""
    field = _Field.of(spec, arms, look)
    sentences = [_against_baseline(field), *_winning(field)]
    return Verdict(
        sentence=" ".join(f"{sentence}." for sentence in sentences),
        winner=field.winner,
        about=field.scope.about,
        split=field.scope.split,
        searches=look.most,
        warnings=tuple(f"{warning}." for warning in warnings_of(spec, arms, look)),
    )


@dataclass(frozen=True)
class _Arm:
    """A confirmed arm."""

    name: str
    confirm: Confirmed


@dataclass(frozen=True)
class _Field:
    """What the sentences are made of.

    ranked: the confirmed arms, best mean first, equal means by name
    """

    spec: StudySpec
    scope: Scope
    look: Look
    ranked: Sequence[_Arm]

    @classmethod
    def of(cls, spec: StudySpec, arms: Sequence[ArmSummary], look: Look) -> _Field:
        sign = 1 if spec.metric.goal == "minimize" else -1
        confirmed = [_Arm(arm.name, arm.confirm) for arm in arms if arm.confirm]
        ranked = sorted(confirmed, key=lambda arm: (sign * arm.confirm.mean, arm.name))
        return cls(spec, Scope.of(spec, look.most), look, ranked)

    @property
    def baseline(self) -> str:
        return self.spec.compare.baseline

    @property
    def winner(self) -> str | None:
        """No search of a single one is the way of training itself, so it names no winner."""
        if len(self.ranked) < 2 or self.scope.about == "choice":
            return None
        return winner(self.look.pairs, [arm.name for arm in self.ranked])

    def named(self, answer: Answer) -> list[Comparison]:
        """The comparisons with the baseline of that answer, best mean first."""
        order = [arm.name for arm in self.ranked]
        return sorted((one for one in self.look.baseline if one.answer is answer), key=lambda one: order.index(one.arm))

    def valued(self, name: str) -> str:
        """An arm with its value: "adam (error 0.0286)"."""
        confirm = next(arm.confirm for arm in self.ranked if arm.name == name)
        return f"{name} ({self.spec.metric.name} {measured(confirm.mean, confirm.interval)})"

    @property
    def conditions(self) -> str:
        """What stands before the answer: "Over 10 searches", "Over 30 paired seeds on this split"."""
        after = f"After {self.scope.unit} of at most {self.spec.tune.searches.at_most}"
        staged = len(self.spec.tune.searches.stages) > 1
        unit = after if staged else f"Over {self.scope.unit}"
        return ", ".join(filter(None, (unit, self.scope.conditions)))


def _against_baseline(field: _Field) -> str:
    if not field.ranked:
        return f"No arm finished any of its {count(field.spec.tune.trials, 'tuning trial')}, so nothing can be compared"
    if len(field.ranked) == 1:
        return f"{field.valued(field.ranked[0].name)} alone finished a tuning trial, so nothing can be compared"
    if not field.look.baseline:
        return f"The baseline {field.baseline} never finished a tuning trial, so no arm is compared with it"
    parts = [part for answer in Answer if (part := _part(field, answer))]
    return f"{field.conditions}: {'; '.join(parts)}"


def _part(field: _Field, answer: Answer) -> str:
    """What is said of the arms of one answer; empty where there are none."""
    found = field.named(answer)
    if not found:
        return ""
    base = f"the baseline {field.baseline}"
    if answer is Answer.BETTER or answer is Answer.WORSE:
        (first, *others) = found
        text = f"{field.valued(first.arm)} is {answer} than {base} {_by(first)}"
        also = listing([f"{field.valued(one.arm)} {_by(one)}" for one in others])
        return f"{text}, and so {'is' if len(others) == 1 else 'are'} {also}" if others else text
    names = listing([one.arm for one in found])
    verb = "is" if len(found) == 1 else "are"
    if answer is Answer.EQUIVALENT:
        return f"{names} {verb} equivalent to {base}, within a margin of {field.spec.compare.margin:g}"
    if answer is Answer.IDENTICAL:
        return f"{names} {verb} identical to {base}, number by number"
    closest = min(found, key=lambda one: (one.p, one.arm))
    those = field.valued(closest.arm) if len(found) == 1 else names
    least = _signed(closest) if len(found) == 1 else f"closest {closest.arm}, {_signed(closest)}"
    return f"{those} cannot be told apart from {base} ({least})"


def _winning(field: _Field) -> list[str]:
    """Who wins, where there are more than two arms or two that differ; nothing where the first sentence says it all."""
    if len(field.ranked) < 2 or field.scope.about == "choice":
        return []
    best = field.ranked[0].name
    against_best = [one for one in field.look.pairs if best in (one.arm, one.other)]
    if field.winner:
        highest = max(one.p for one in against_best)
        others = "every other arm" if len(field.ranked) > 2 else listing([field.ranked[1].name])
        at_most = equation(highest).replace("=", "at most") if len(field.ranked) > 2 else equation(highest)
        return [f"{field.winner} wins: it is better than {others} ({at_most})"]
    if len(field.ranked) == 2:
        return []
    rivals = [one.other if one.arm == best else one.arm for one in against_best if one.loser is None]
    return [
        f"No arm is better than all others: {field.valued(best)} has the best mean, but over all pairs of arms it "
        f"cannot be told apart from {listing(rivals)}"
    ]


def _by(found: Comparison) -> str:
    """How far from the other one, whichever way: "by 0.0041 [0.0021, 0.0060] (p = 0.0003)"."""
    low, high = found.interval
    interval = found.interval if found.mean >= 0 else Interval(-high, -low)
    return f"by {with_bounds(abs(found.mean), interval)} ({equation(found.p)})"


def _signed(found: Comparison) -> str:
    """The difference as it is, arm minus baseline: "-0.0004 [-0.0021, 0.0013], p = 0.31"."""
    return f"{measured(found.mean, found.interval, '+')} {bounds(found.interval)}, {equation(found.p)}"
