"""Every trial of a study as plain values, for other programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from slalom.wire.trial import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec
    from slalom.wire.net_size import NetSize
    from slalom.wire.trial import Ended, TrialId

PHASES = list(Phase)


def export(spec: StudySpec, ended: Mapping[TrialId, Ended]) -> list[dict[str, Any]]:
    """The trials by arm, search, phase and number; numbers that are not finite become None, as JSON wants."""
    arms = [arm.name for arm in spec.arms]
    order = sorted(
        ended,
        key=lambda trial: (arms.index(trial.arm), trial.search, PHASES.index(trial.phase), trial.number),
    )
    return [_row(ended[trial], spec.nets.size(ended[trial].spec.work)) for trial in order]


def _row(ended: Ended, net: NetSize | None) -> dict[str, Any]:
    trial, result = ended.spec, ended.result
    return {
        "arm": trial.id.arm,
        "search": trial.id.search,
        "number": trial.id.number,
        "phase": str(trial.id.phase),
        "seed": trial.seeds.weights,
        "attempt": result.attempt,
        "outcome": str(result.outcome),
        "epochs": result.epochs,
        "parameters": None if net is None else net.parameters,
        "connections": None if net is None else net.connections,
        "params": dict(sorted(trial.params.items())),
        "metrics": _finite(result.metrics),
        "history": [{"epoch": report.epoch, **_finite(report.metrics)} for report in result.history],
        "error": result.error,
    }


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}
