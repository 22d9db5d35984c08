"""How often trainings diverged or failed, arm by arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import ArmSummary, Summary


@dataclass(frozen=True)
class ArmDivergence:
    """An arm's trainings that diverged or failed.

    tuning: of `trials` tuning trials; confirm: of `trainings` confirm trainings, None before the arm is confirmed
    share: of the confirm trainings; at_most: the largest share that they do not exclude, at one-sided level 1 - alpha
    p: of divergence as frequent as the baseline's, None of the baseline itself
    """

    arm: str
    tuning: int
    trials: int
    confirm: int | None
    trainings: int | None
    share: float | None
    at_most: float | None
    p: float | None


@dataclass(frozen=True)
class Divergence:
    """The arms in the order of the study; level: of `at_most`."""

    level: float
    arms: tuple[ArmDivergence, ...]


def divergence(spec: StudySpec, summary: Summary) -> Divergence:
    """What diverged in a study."""
    return Divergence(1 - spec.compare.alpha, tuple(map(_arm, summary.arms)))


def _arm(arm: ArmSummary) -> ArmDivergence:
    found, tuning = arm.confirm, arm.tuning
    trainings = found.searches * found.seeds if found else None
    return ArmDivergence(
        arm=arm.name,
        tuning=tuning.diverged + tuning.failed,
        trials=tuning.trials,
        confirm=found.diverged if found else None,
        trainings=trainings,
        share=found.diverged / trainings if found and trainings else None,
        at_most=found.at_most if found else None,
        p=arm.difference.divergence_p if arm.difference else None,
    )
