"""The answer over several tasks in words: the sentence, and what a reader must know before quoting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.verdict.tasks.nemenyi import tasks_for_pairs
from slalom.verdict.tasks.ranks import ranked
from slalom.verdict.tasks.signed_rank import most_probable
from slalom.verdict.tasks.task import trained_otherwise
from slalom.verdict.wording import equation, short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slalom.verdict.tasks.nemenyi import Nemenyi
    from slalom.verdict.tasks.ranks import ArmRanks, Friedman
    from slalom.verdict.tasks.signed_rank import SignedRanks
    from slalom.verdict.tasks.task import Study, Task

FEW = 6
"""The most tasks for which a warning says how soon the signed-rank test is certain."""


def told_apart(name: str, pairs: Nemenyi) -> list[str]:
    """The arms that are told apart from the arm `name`."""
    return [
        one.other if one.arm == name else one.arm for one in pairs.pairs if one.apart and name in (one.arm, one.other)
    ]


def sentence(
    tasks: Sequence[Task], metric: str, arms: Sequence[ArmRanks], test: Friedman, pairs: Nemenyi, alpha: float
) -> str:
    """The sentence: which arm has the best average rank, and from which arms it is told apart."""
    best, *others = ranked(arms)
    over = f"Over {len(tasks)} tasks ({listing([task.study for task in tasks])}), by ranks of {metric}"
    tested, critical = f"Friedman's test, {equation(test.p)}", f"{pairs.critical_difference:.2f}"
    leads = f"{best.name} has the best average rank, {short(best.rank)} of {len(arms)}"
    if test.p >= alpha:
        return f"{over}: the {len(arms)} arms cannot be told apart ({tested}). {leads}."
    behind = told_apart(best.name, pairs)
    open_ones = [arm.name for arm in others if arm.name not in behind]
    if not behind:
        return (
            f"{over}: the {len(arms)} arms differ ({tested}), but no two of them are told apart: {leads}, and "
            f"{others[-1].name} the last, {short(others[-1].rank)}, where it takes a difference of {critical}."
        )
    better = f"{best.name} (average rank {short(best.rank)}) is better than {_with_ranks(behind, arms)}"
    told = f"{over}: {better}, {tested}; average ranks that differ by {critical} are told apart"
    if not open_ones:
        return f"{told}. {best.name} wins."
    return f"{told}. No arm wins: {best.name} is not surely better than {listing(open_ones)}."


def _with_ranks(names: Sequence[str], arms: Sequence[ArmRanks]) -> str:
    return listing([f"{arm.name} ({short(arm.rank)})" for arm in ranked(arms) if arm.name in names])


def warnings_of(
    studies: Sequence[Study], arms: Sequence[str], alpha: float, signed: SignedRanks | None, *, has_profiles: bool
) -> Iterator[str]:
    """The warnings, the weightiest first, a sentence each without its full stop."""
    tasks, specs = len(studies), [spec for spec, _ in studies]
    needed = tasks_for_pairs(len(arms), alpha)
    if tasks < needed:
        yield f"{tasks} tasks cannot tell any two of {len(arms)} arms apart, whatever they find; it takes {needed}"
    yield "It holds on these tasks: that others are like them is an assumption, which no number of searches can test"
    for number, spec in enumerate(specs):
        same = [other.name for other in specs[:number] if spec.data_digest and other.data_digest == spec.data_digest]
        if same:
            yield f"{spec.name} is of the same data as {listing(same)}, so that the two count for less than two tasks"
    yield from trained_otherwise(studies)
    for spec, summary in studies:
        lost = [arm.name for arm in summary.arms if arm.confirm is None]
        if lost:
            yield f"{listing(lost)} never finished a tuning trial in {spec.name}, and is the last there"
    if signed is None:
        yield "The studies measure different things, so their differences are not put together: no signed-rank test"
    elif tasks <= FEW:
        most = most_probable(tasks, signed.rope)
        yield (
            f"Where {tasks} tasks agree the Bayesian signed-rank test says up to {most:.2f} for one of the two arms, "
            "and by chance they often do: read its probabilities as a summary of these tasks"
        )
    if signed is not None and not signed.rope:
        yield "No rope is named, neither here nor by the studies' margin, so every difference counts, however small"
    if not has_profiles:
        yield "A value is negative, so that there is no factor between it and the best: no performance profiles"
