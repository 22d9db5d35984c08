"""The first line of a study's description: who won, by how much, how sure, with a link to the arm's mean curve.

MLflow shows two lines of an experiment's description and six of a run's before it folds the rest, and the beginning of
the first one in its list of experiments, as plain text.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from slalom.verdict.wording import equation, with_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec
    from slalom.verdict.answers import Comparison
    from slalom.verdict.summary import ArmSummary, Summary


def curves_link(experiment: str, run_id: str) -> str:
    """Where MLflow's pages draw the metrics of a run, within the pages' own address."""
    return f"#/experiments/{experiment}/runs/{run_id}/model-metrics"


def headline(spec: StudySpec, summary: Summary, links: Mapping[str, str]) -> str | None:
    """The line as Markdown, or None before the verdict.

    links: of each arm, to its mean curve
    """
    if summary.verdict is None:
        return None
    best = _best(spec, summary)
    if best is None or best.confirm is None:
        return None
    said = f"{best.name} wins" if summary.verdict.winner else f"No arm wins; {best.name} has the best mean"
    reached = f"{spec.metric.on('test')} {with_bounds(best.confirm.mean, best.confirm.interval)}"
    return f"{said}: {reached}{_compared(spec, summary, best)}. [Mean curve of {best.name}]({links[best.name]})"


def _best(spec: StudySpec, summary: Summary) -> ArmSummary | None:
    """The winner, or the arm with the best mean, the first of several, of those with the most searches."""
    if summary.verdict and summary.verdict.winner:
        return next(arm for arm in summary.arms if arm.name == summary.verdict.winner)
    confirmed = [(arm, arm.confirm) for arm in summary.arms if arm.confirm]
    most = max((found.searches for _, found in confirmed), default=0)
    sign = 1 if spec.metric.goal == "minimize" else -1
    whole = [(sign * found.mean, arm) for arm, found in confirmed if found.searches == most]
    return min(whole, key=itemgetter(0))[1] if whole else None


def _compared(spec: StudySpec, summary: Summary, arm: ArmSummary) -> str:
    """How the arm differs from the baseline; of the baseline, how the next best arm does."""
    if arm.difference is not None:
        return f"; against {arm.difference.other} {_difference(arm.difference)}"
    if arm.name != spec.compare.baseline:
        return ""
    sign = 1 if spec.metric.goal == "minimize" else -1
    others = [other.difference for other in summary.arms if other.difference is not None]
    nearest = min(others, key=lambda found: sign * found.mean, default=None)
    return ", the baseline" if nearest is None else f", the baseline; {nearest.arm} {_difference(nearest)}"


def _difference(found: Comparison) -> str:
    return f"{with_bounds(found.mean, found.interval, '+')}, {equation(found.p)}, {found.answer}"
