"""What the MLflow run of a trial shows: its settings as parameters, its reports as metrics, its end as tags."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from slalom.records.on_mlflow.pages.page import MetricPoint, Page, cut, flat, identity, spelled
from slalom.wire.trial import PROGRAM, Outcome

if TYPE_CHECKING:
    from slalom.wire.net_size import NetSize
    from slalom.wire.trial import Ended, Report, TrialResult

MOST_POINTS = 1000
"""The most metric values that MLflow takes in one request."""

STATUS = {
    Outcome.COMPLETE: "FINISHED",
    Outcome.PRUNED: "FINISHED",
    Outcome.DIVERGED: "FAILED",
    Outcome.FAILED: "FAILED",
}
"""The status of the MLflow run: a pruned trial went as planned, a diverged one should be seen without a search."""


def trial_page(fingerprint: str, trial: Ended, net: NetSize | None = None) -> Page:
    """The page of a trial that ended; tags without a text are left out.

    net: the size of its net, or None where that is not known
    """
    spec, result = trial.spec, trial.result
    tags = {
        **identity(fingerprint, "trial", spec.id.arm),
        "slalom.search": str(spec.id.search),
        "slalom.phase": str(spec.id.phase),
        "slalom.trial": str(spec.id.number),
        "slalom.attempt": str(result.attempt),
        "slalom.outcome": str(result.outcome),
        "slalom.epochs": str(result.epochs),
        "slalom.seed": " ".join(f"{name}={seed}" for name, seed in spec.seeds._asdict().items()),
        "slalom.lane": result.lane,
        "slalom.device": result.device,
        "slalom.not_deterministic": cut(", ".join(result.not_deterministic)),
        "slalom.error": cut(result.error or ""),
    }
    shown = ("task", "precision", *PROGRAM) if spec.work.model else ("task",)  # a training function has no program
    program = {name: getattr(spec.work, name) for name in shown}
    params = spelled({**program, "epochs": spec.epochs, **spec.settings, **_size(net)})
    return Page({name: tag for name, tag in tags.items() if tag}, {**params, **flat(spec.params)}, _points(result))


def _points(result: TrialResult) -> tuple[MetricPoint, ...]:
    """The metrics of the reports, and those final metrics that the last report lacks.

    What has one value, such as the test error, is no curve: it has the step 0, for which MLflow draws a bar, where at
    another one it draws a dot.
    """
    reports = _thinned(result.history, len(result.metrics))
    shown = reports[-1].metrics if reports and reports[-1].epoch == result.epochs else {}
    late = {name: value for name, value in result.metrics.items() if shown.get(name) != value}
    numbers = [(name, value, report.epoch) for report in reports for name, value in report.metrics.items()]
    numbers += [(name, value, result.epochs) for name, value in late.items()]
    times = Counter(name for name, _, _ in numbers)
    return tuple(
        MetricPoint(name, value, epoch if times[name] > 1 else 0, _moment(result, epoch))
        for name, value, epoch in numbers
        if math.isfinite(value)
    )


def _size(net: NetSize | None) -> dict[str, int]:
    return {} if net is None else {"net.parameters": net.parameters, "net.connections": net.connections}


def _thinned(history: tuple[Report, ...], reserved: int) -> list[Report]:
    """As many reports as fit one request with `reserved` further values: evenly spread, with the first and the last."""
    widest = max((len(report.metrics) for report in history), default=1)
    room = max(2, (MOST_POINTS - reserved) // max(1, widest))
    if len(history) <= room:
        return list(history)
    return [history[round(place * (len(history) - 1) / (room - 1))] for place in range(room)]


def _moment(result: TrialResult, epoch: int) -> float | None:
    """When an epoch was over, in seconds since 1970, as if all epochs had taken the same time."""
    if result.started is None or result.ended is None:
        return None
    return result.started + (result.ended - result.started) * min(1.0, epoch / max(1, result.epochs))
