"""What a metric is: a number that says how good the predictions on a part of a split are.

The files here work on numpy arrays and load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from slalom.wire.kinds import Number


@dataclass(frozen=True)
class Metric:
    """One way of judging predictions.

    value: (labels [n] (classes) or [n, k] (numbers), predictions [n, k], weights [n] of sum 1) -> a finite number; all
        arrays are float64 except classes; predictions are class probabilities, or numbers. None for a metric that every
        trial reports anyway, or that follows from all reports of a trial
    goal: which direction is better
    of: what is predicted, "classes" or "numbers", or None for both
    worst: the worst possible value, as which a diverged training counts; None where there is none
    options: what a study sets of the metric, by name; a metric with options can only be the one that decides
    """

    value: Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], float] | None
    goal: Literal["minimize", "maximize"]
    of: Literal["classes", "numbers"] | None = None
    worst: float | None = None
    options: Mapping[str, Number] = field(default_factory=dict)
