"""The answer of a study: the arm that beats every other one, if there is one, and a sentence to quote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.inference import smallest_p
from slalom.summary import ArmSummary, Difference, Interval, Verdict
from slalom.wording import bounds, count, equation, listing, measured, short, with_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.spec.model import StudySpec
    from slalom.summary import Confirmed


def decide(spec: StudySpec, arms: Sequence[ArmSummary], pair_p: Mapping[frozenset[str], float]) -> Verdict:
    """The verdict over arms that are all confirmed, or never finished a tuning trial.

    pair_p: of no difference between two confirmed arms, corrected over all pairs
    The winner has the best mean and differs from every other confirmed arm at the study's alpha.
    """
    standing = _Standing.of(spec, arms, pair_p)
    clauses = [_headline(standing), *_rest(standing), *_caveats(standing)]
    sentence = "; ".join(filter(None, clauses)) + "."
    return Verdict(sentence, standing.best.name if standing.wins else None)


@dataclass(frozen=True)
class _Arm:
    """A confirmed arm; difference is None for the baseline, and where the baseline has no result."""

    name: str
    confirm: Confirmed
    difference: Difference | None


@dataclass(frozen=True)
class _Standing:
    """What the sentence is made of.

    ranked: the confirmed arms, best mean first; equal means by name
    unfinished: the arms that never finished a tuning trial
    rivals: the confirmed arms that cannot be told apart from the best one
    """

    spec: StudySpec
    ranked: tuple[_Arm, ...]
    unfinished: tuple[ArmSummary, ...]
    rivals: tuple[_Arm, ...]
    pair_p: Mapping[frozenset[str], float]

    @classmethod
    def of(
        cls, spec: StudySpec, arms: Sequence[ArmSummary], pair_p: Mapping[frozenset[str], float]
    ) -> _Standing:
        sign = 1 if spec.metric.goal == "minimize" else -1
        confirmed = [_Arm(arm.name, arm.confirm, arm.difference) for arm in arms if arm.confirm]
        ranked = sorted(confirmed, key=lambda arm: (sign * arm.confirm.mean, arm.name))
        rivals = [arm for arm in ranked[1:] if pair_p[frozenset((ranked[0].name, arm.name))] >= spec.compare.alpha]
        unfinished = sorted((arm for arm in arms if not arm.confirm), key=lambda arm: arm.name)
        return cls(spec, tuple(ranked), tuple(unfinished), tuple(rivals), pair_p)

    @property
    def best(self) -> _Arm:
        return self.ranked[0]

    @property
    def wins(self) -> bool:
        return len(self.ranked) > 1 and not self.rivals

    @property
    def baseline(self) -> str:
        return f"the baseline {self.spec.compare.baseline}"

    @property
    def seeds(self) -> str:
        return f"over {count(self.spec.confirm_seeds, 'paired seed')}"

    def told_apart(self, better: bool | None) -> list[_Arm]:
        """The arms that are better than the baseline, worse, or neither (None), best mean first."""
        return [arm for arm in self.ranked if arm.difference and arm.difference.better is better]

    def value(self, arm: _Arm) -> str:
        """ "error 0.0213" """
        return f"{self.spec.metric.name} {measured(arm.confirm.mean, arm.confirm.interval)}"


def _headline(standing: _Standing) -> str:
    if not standing.ranked:
        return f"no arm finished a tuning trial in {standing.spec.tune.trials}, so there is nothing to compare"
    if len(standing.ranked) == 1:
        return f"{_with_value(standing, standing.best)} is the only arm that finished a tuning trial"
    if standing.wins:
        return _winner(standing)
    if not any(arm.difference for arm in standing.ranked):
        return f"{_rivalry(standing)} {standing.seeds} at alpha {standing.spec.compare.alpha:g}"
    if standing.told_apart(True):
        return _beating(standing)
    return _not_beaten(standing)


def _winner(standing: _Standing) -> str:
    best, others = standing.best, len(standing.ranked) - 1
    if best.name == standing.spec.compare.baseline:
        return f"{standing.baseline} wins ({standing.value(best)} {standing.seeds})"
    every = f"better than every other arm ({_largest_p(standing)})"
    if best.difference is None:
        return f"{best.name} wins ({standing.value(best)} {standing.seeds}): {every}"
    text = f"{best.name} wins ({standing.value(best)} {standing.seeds}): it beats {standing.baseline} {_margin(best)}"
    return text if others == 1 else f"{text} and is {every}"


def _largest_p(standing: _Standing) -> str:
    """The largest p of the winner against another arm."""
    p = max(p for pair, p in standing.pair_p.items() if standing.best.name in pair)
    return equation(p).replace("=", "at most")


def _beating(standing: _Standing) -> str:
    first, *more = standing.told_apart(True)
    text = f"{_with_value(standing, first)} beats {standing.baseline} {_margin(first)} {standing.seeds}"
    also = listing([f"{_with_value(standing, arm)} {_margin(arm)}" for arm in more])
    return f"{text}, and so {'does' if len(more) == 1 else 'do'} {also}" if more else text


def _not_beaten(standing: _Standing) -> str:
    spec, undecided = standing.spec, standing.told_apart(None)
    where = f"at alpha {spec.compare.alpha:g} {standing.seeds}"
    if standing.told_apart(False):
        return f"no arm beats {standing.baseline} {where}"
    closest = min(undecided, key=lambda arm: (arm.difference.p if arm.difference else 1.0, arm.name))
    if len(undecided) == 1:
        return f"{closest.name} cannot be told apart from {standing.baseline} {where} ({_signed(closest)})"
    return f"no arm can be told apart from {standing.baseline} {where} (closest: {closest.name}, {_signed(closest)})"


def _rest(standing: _Standing) -> list[str]:
    """What the headline leaves open: who cannot be told apart, and who is worse."""
    better, worse, undecided = (standing.told_apart(which) for which in (True, False, None))
    clauses = []
    if better and standing.rivals:
        clauses.append(_rivalry(standing))
    if standing.wins and (also := [arm for arm in better if arm is not standing.best]):
        clauses.append(f"also better than {standing.baseline}: {listing([f'{a.name} {_margin(a)}' for a in also])}")
    if worse:
        clauses.append(f"worse than {standing.baseline}: {listing([f'{arm.name} {_margin(arm)}' for arm in worse])}")
    if undecided and (better or worse):
        clauses.append(f"not told apart from {standing.baseline}: {listing([arm.name for arm in undecided])}")
    return clauses


def _rivalry(standing: _Standing) -> str:
    rivals = listing([arm.name for arm in standing.rivals])
    return f"no arm beats all others: {standing.best.name} has the best mean but cannot be told apart from {rivals}"


def _caveats(standing: _Standing) -> list[str]:
    """What a reader must know before quoting the rest."""
    spec = standing.spec
    lost = [f"{arm.name} never finished a tuning trial ({_ends(arm)})" for arm in standing.unfinished]
    diverged = [
        f"{arm.confirm.diverged} of {arm.confirm.seeds} confirm trials of {arm.name} diverged or failed and count as "
        f"the worst {spec.metric.name}"
        for arm in standing.ranked
        if arm.confirm.diverged
    ]
    least = smallest_p(spec.confirm_seeds) * max(1, len(standing.ranked) - 1)
    too_few = len(standing.ranked) > 1 and least >= spec.compare.alpha
    limit = f"{count(spec.confirm_seeds, 'paired seed')} cannot show p below {short(min(1.0, least))}, so nothing can be told apart"
    return [*lost, *diverged, *([limit] if too_few else [])]


def _ends(arm: ArmSummary) -> str:
    tuning = arm.tuning
    parts = {"pruned": tuning.pruned, "diverged": tuning.diverged, "failed": tuning.failed}
    return f"{listing([f'{n} {how}' for how, n in parts.items() if n])} of {tuning.trials}"


def _with_value(standing: _Standing, arm: _Arm) -> str:
    return f"{arm.name} ({standing.value(arm)})"


def _margin(arm: _Arm) -> str:
    """How far an arm is from the baseline, whichever way: "by 0.0041 [0.0021, 0.0060] (p = 0.0003)"."""
    if (found := arm.difference) is None:
        return ""
    low, high = found.interval
    interval = found.interval if found.mean >= 0 else Interval(-high, -low)
    return f"by {with_bounds(abs(found.mean), interval)} ({equation(found.p)})"


def _signed(arm: _Arm) -> str:
    """The difference as it is, arm minus baseline: "-0.0004 [-0.0021, 0.0013], p = 0.31"."""
    if (found := arm.difference) is None:
        return ""
    return f"{measured(found.mean, found.interval, '+')} {bounds(found.interval)}, {equation(found.p)}"
