"""Several tasks for a reader in a terminal: table rows and lines of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.verdict.wording import equation, short

if TYPE_CHECKING:
    from slalom.report.tables import Rows
    from slalom.verdict.tasks.several import Several


def rank_rows(found: Several) -> Rows:
    """Each arm's average rank, how probably it is worse than the best, its profile's score and its values.

    The best arm comes first.
    """
    best = found.ranked[0].name
    places = {arm.name: place for place, arm in enumerate(found.arms)}
    header = ("arm", "average rank", f"P({best} better)", "profile", *(task.study for task in found.tasks))
    rows = []
    for arm in found.ranked:
        place = places[arm.name]
        score = "-" if found.profiles is None else f"{found.profiles[place].score:.2f}"
        values = [short(task.values[place]) for task in found.tasks]
        rows.append((arm.name, short(arm.rank), _best_better(found, best, arm.name), score, *values))
    return header, rows


def _best_better(found: Several, best: str, arm: str) -> str:
    if found.signed_rank is None or arm == best:
        return "-"
    pair = next(one for one in found.signed_rank.pairs if {one.arm, one.other} == {best, arm})
    return f"{pair.better if pair.arm == best else pair.worse:.2f}"


def tests(found: Several) -> str:
    """What was tested, in one paragraph, and how to read the table."""
    friedman, critical = found.friedman, found.nemenyi.critical_difference
    f = "infinite" if math.isinf(friedman.f) else f"{friedman.f:.3g}"
    degrees = " and ".join(map(str, friedman.degrees))
    side = "Lower" if found.goal == "minimize" else "Higher"
    rope = "" if found.signed_rank is None else f", by more than the rope of {found.signed_rank.rope:g}"
    return (
        f"{side} {found.metric} is better. Friedman: {equation(friedman.p)} by permutations (chi-squared "
        f"{friedman.chi2:.3g}; F {f} of {degrees} degrees of freedom, {equation(friedman.p_f)}). Nemenyi: average "
        f"ranks that differ by {critical:.2f} are told apart. P: Bayesian signed-rank test{rope}. Profile: the mean "
        "share of tasks in which an arm comes within a factor of 1 to 4 of the best."
    )
