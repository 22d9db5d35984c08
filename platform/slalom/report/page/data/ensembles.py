"""What ensembles gained: the error of their nets alone, and of all of them together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.search.choice import ended_of, final
from slalom.wire.trial import Phase, test

if TYPE_CHECKING:
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary


@dataclass(frozen=True)
class ArmEnsemble:
    """An arm whose trials train `nets` nets each; values are means over the `trainings` that completed.

    joint, member: the metric on test data of the nets together, and the mean over each net alone
    diversity: how often two of the nets disagree; None where they predict numbers
    """

    arm: str
    nets: int
    trainings: int
    joint: float
    member: float
    diversity: float | None


@dataclass(frozen=True)
class Ensembles:
    """The arms of ensembles; metric: "error" of classes, "loss" of numbers."""

    metric: str
    arms: tuple[ArmEnsemble, ...]


def ensembles(spec: StudySpec, summary: Summary, results: Results) -> Ensembles:
    """What the confirm trainings of ensembles reported; no arms where there are none."""
    found = []
    metric = "error"
    for arm in summary.arms:
        if arm.confirm is None or spec.arm(arm.name).nets < 2:
            continue
        trials = [
            trial
            for search in range(arm.confirm.searches)
            for trial in ended_of(arm.name, Phase.CONFIRM, search, spec.confirm_seeds, results)
        ]
        if not any(test("member_error") in trial.result.metrics for trial in trials):
            metric = "loss"
        values = [
            [final(trial, test(name)) for name in (metric, f"member_{metric}", "diversity")]
            for trial in trials
            if math.isfinite(final(trial, test(f"member_{metric}")))
        ]
        if values:
            joint, member, diversity = (math.fsum(column) / len(values) for column in zip(*values, strict=True))
            known = diversity if math.isfinite(diversity) else None
            found.append(ArmEnsemble(arm.name, spec.arm(arm.name).nets, len(values), joint, member, known))
    return Ensembles(metric, tuple(found))
