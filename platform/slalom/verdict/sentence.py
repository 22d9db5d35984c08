"""The answer of a study: the arm that beats every other one, if there is one, and a sentence to quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.verdict.inference import smallest_p
from slalom.verdict.summary import ArmSummary, Confirmed, Difference, Interval, Verdict
from slalom.verdict.wording import bounds, count, equation, measured, probability, with_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.study.model import StudySpec


def decide(spec: StudySpec, arms: Sequence[ArmSummary], pair_p: Mapping[frozenset[str], float]) -> Verdict:
    """The verdict over arms that are all confirmed, or never finished a tuning trial.

    pair_p: of no difference between two confirmed arms, corrected over all pairs
    The winner has the best mean and differs from every other confirmed arm at the study's alpha.
    """
    sign = 1 if spec.metric.goal == "minimize" else -1
    confirmed = [_Arm(arm.name, arm.confirm, arm.difference) for arm in arms if arm.confirm]
    ranked = sorted(confirmed, key=lambda arm: (sign * arm.confirm.mean, arm.name))
    against_best = {arm.name: pair_p[frozenset((ranked[0].name, arm.name))] for arm in ranked[1:]}
    unfinished = sorted((arm for arm in arms if not arm.confirm), key=lambda arm: arm.name)
    field = _Field(spec, ranked, against_best, unfinished)
    sentence = "; ".join([_headline(field), *_rest(field), *_caveats(field)]) + "."
    return Verdict(sentence, ranked[0].name if field.won else None)


@dataclass(frozen=True)
class _Arm:
    """A confirmed arm; difference is None for the baseline, and where the baseline has no result."""

    name: str
    confirm: Confirmed
    difference: Difference | None


@dataclass(frozen=True)
class _Field:
    """What the sentence is made of.

    ranked: the confirmed arms, best mean first, equal means by name
    against_best: the p of every other one against the first, corrected over all pairs
    unfinished: the arms that never finished a tuning trial
    """

    spec: StudySpec
    ranked: Sequence[_Arm]
    against_best: Mapping[str, float]
    unfinished: Sequence[ArmSummary]

    @property
    def rivals(self) -> list[str]:
        """The arms that cannot be told apart from the best one."""
        return [name for name, p in self.against_best.items() if p >= self.spec.compare.alpha]

    @property
    def won(self) -> bool:
        return len(self.ranked) > 1 and not self.rivals

    @property
    def baseline(self) -> str:
        return f"the baseline {self.spec.compare.baseline}"

    @property
    def seeds(self) -> str:
        return f"over {count(self.spec.confirm_seeds, 'paired seed')}"

    @property
    def conditions(self) -> str:
        return f"at alpha {self.spec.compare.alpha:g} {self.seeds}"

    def told_apart(self, better: bool | None) -> list[tuple[_Arm, Difference]]:
        """The arms that are better than the baseline, worse, or neither (None), best mean first."""
        pairs = [(arm, arm.difference) for arm in self.ranked if arm.difference]
        return [(arm, found) for arm, found in pairs if found.better is better]

    def value(self, arm: _Arm) -> str:
        return f"{self.spec.metric.name} {measured(arm.confirm.mean, arm.confirm.interval)}"


def _headline(field: _Field) -> str:
    if not field.ranked:
        trials = count(field.spec.tune.trials, "tuning trial")
        return f"No arm finished any of its {trials}, so there is nothing to compare"
    if len(field.ranked) == 1:
        only = _valued(field, field.ranked[0])
        return f"{only} is the only arm that finished a tuning trial, so there is nothing to compare"
    if field.won:
        return _won(field)
    if not any(arm.difference for arm in field.ranked):
        return f"No arm beats all others {field.conditions}: {_rivalry(field)}"
    return _beating(field) if field.told_apart(True) else _not_beaten(field)


def _won(field: _Field) -> str:
    best = field.ranked[0]
    name = "The baseline " * (best.name == field.spec.compare.baseline) + best.name
    text = f"{name} wins ({field.value(best)} {field.seeds})"
    if best.difference:
        text += f": it beats {field.baseline} {_margin(best.difference)}"
    if len(field.ranked) == 2 and any(arm.difference for arm in field.ranked):
        return text  # the other arm's difference says it all
    every = equation(max(field.against_best.values())).replace("=", "at most")
    return f"{text}{' and' if best.difference else ': it beats'} every other arm ({every})"


def _beating(field: _Field) -> str:
    (first, found), *more = field.told_apart(True)
    text = f"{_valued(field, first)} beats {field.baseline} {_margin(found)} {field.seeds}"
    also = listing([f"{_valued(field, arm)} {_margin(its)}" for arm, its in more])
    return f"{text}, and so {'does' if len(more) == 1 else 'do'} {also}" if more else text


def _not_beaten(field: _Field) -> str:
    baseline = next(arm for arm in field.ranked if arm.name == field.spec.compare.baseline)
    against = f"the baseline {_valued(field, baseline)} {field.conditions}"
    if field.told_apart(False):
        return f"No arm beats {against}"
    undecided = field.told_apart(None)
    arm, found = min(undecided, key=lambda pair: (pair[1].p, pair[0].name))
    if len(undecided) == 1:
        return f"{arm.name} cannot be told apart from {against} ({_signed(found)})"
    return f"No arm can be told apart from {against} (closest: {arm.name}, {_signed(found)})"


def _rest(field: _Field) -> list[str]:
    """What the headline leaves open: who rivals the best, who else is better, who is worse, and who neither."""
    better, worse, undecided = (field.told_apart(which) for which in (True, False, None))
    clauses = []
    if better and field.rivals:
        clauses.append(f"no arm beats all others: {_rivalry(field)}")
    if field.won and better[1:]:
        clauses.append(f"better than the baseline too: {_margins(better[1:])}")
    if worse:
        clauses.append(f"worse than the baseline: {_margins(worse)}")
    if undecided and (better or worse):
        names = listing([arm.name for arm, _ in undecided])
        clauses.append(f"not told apart from the baseline: {names}")
    return clauses


def _rivalry(field: _Field) -> str:
    """Why nobody wins.

    The test against the baseline is corrected over the arms, the one for a winner over all pairs of arms: an arm that
    has just been said to beat the baseline is not said to be indistinguishable from it.
    """
    best = field.ranked[0]
    beats_baseline = best.difference is not None and best.difference.better is True
    rivals = [name for name in field.rivals if not (beats_baseline and name == field.spec.compare.baseline)]
    if not rivals:
        return f"{best.name} has the best mean, but not surely enough for a correction over all pairs of arms"
    return f"{best.name} has the best mean but cannot be told apart from {listing(rivals)}"


def _caveats(field: _Field) -> list[str]:
    """What a reader must know before quoting the rest."""
    diverged = [
        f"{arm.confirm.diverged} of {count(arm.confirm.seeds, 'confirm trial')} of {arm.name} diverged or failed, "
        f"each counting as the worst {field.spec.metric.name}"
        for arm in field.ranked
        if arm.confirm.diverged
    ]
    return [*(_unfinished(field, arm) for arm in field.unfinished), *diverged, *_too_few_seeds(field)]


def _unfinished(field: _Field, arm: ArmSummary) -> str:
    ends = {"pruned": arm.tuning.pruned, "diverged": arm.tuning.diverged, "failed": arm.tuning.failed}
    ends["without a finite value"] = arm.tuning.trials - sum(ends.values())
    how = listing([f"{number} {end}" for end, number in ends.items() if number])
    is_baseline = arm.name == field.spec.compare.baseline and len(field.ranked) > 1
    name, so = (field.baseline, ", so no arm is compared with it") if is_baseline else (arm.name, "")
    return f"{name} never finished a tuning trial ({how} of {arm.tuning.trials}){so}"


def _too_few_seeds(field: _Field) -> list[str]:
    """Said where even a difference in every pair would not reach alpha, after the correction over the arms."""
    least = min(1.0, smallest_p(field.spec.confirm_seeds) * (len(field.ranked) - 1))
    if len(field.ranked) < 2 or least < field.spec.compare.alpha:
        return []
    seeds = count(field.spec.confirm_seeds, "paired seed")
    return [f"{seeds} cannot show a p below {probability(least)} after the correction"]


def _valued(field: _Field, arm: _Arm) -> str:
    return f"{arm.name} ({field.value(arm)})"


def _margins(pairs: Sequence[tuple[_Arm, Difference]]) -> str:
    return listing([f"{arm.name} {_margin(found)}" for arm, found in pairs])


def _margin(found: Difference) -> str:
    """How far from the baseline, whichever way: "by 0.0041 [0.0021, 0.0060] (p = 0.0003)"."""
    low, high = found.interval
    interval = found.interval if found.mean >= 0 else Interval(-high, -low)
    return f"by {with_bounds(abs(found.mean), interval)} ({equation(found.p)})"


def _signed(found: Difference) -> str:
    """The difference as it is, arm minus baseline: "-0.0004 [-0.0021, 0.0013], p = 0.31"."""
    return f"{measured(found.mean, found.interval, '+')} {bounds(found.interval)}, {equation(found.p)}"
