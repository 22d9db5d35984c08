"""How many passes over the training examples bring the training error down to a target.

Source: Krizhevsky et al. 2012, Figure 1, which compares units by the passes to a training error of 25 %.
"""

from __future__ import annotations

from slalom.wire.kinds import Number
from slalom_worker.metrics.base import Metric

PASSES = Metric(None, "minimize", "classes", options={"to": Number(0.25, low=0.0, high=1.0, open_high=True)})


def passes(target: float, epoch: int, error: float, before: tuple[int, float] | None) -> float | None:
    """The passes after which the training error first came down to the target, or None where it has not yet.

    epoch, error: this report's epoch and training error
    before: epoch and error of the report before, where the error was above the target; None where there is none.
        Between two reports the error is interpolated linearly
    """
    if error > target:
        return None
    if before is None:
        return float(epoch)
    first, above = before
    return first + (epoch - first) * (above - target) / (above - error)
