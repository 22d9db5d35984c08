"""How each arm differs from the baseline: the rows of the forest plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom.verdict.answers import Comparison
    from slalom.verdict.summary import Summary


@dataclass(frozen=True)
class Forest:
    """Every other arm against the baseline, in the order of the study.

    metric: what people read, such as "test error"; goal: "minimize" or "maximize"
    margin: a difference up to which two arms count as equivalent, or None where the study names none
    """

    metric: str
    goal: str
    baseline: str
    margin: float | None
    rows: tuple[Comparison, ...]


def forest(spec: StudySpec, summary: Summary) -> Forest:
    """The rows of the arms that were compared; none before the first look."""
    rows = tuple(arm.difference for arm in summary.arms if arm.difference is not None)
    return Forest(spec.metric.on("test"), spec.metric.goal, spec.compare.baseline, spec.compare.margin, rows)
