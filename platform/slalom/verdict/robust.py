"""The interquartile mean and the test beside it: what a comparison says when no search counts for more than others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slalom.verdict.paired import paired_test

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.arrays import FloatArray
    from slalom.verdict.stages import Looks


@dataclass(frozen=True)
class Robust:
    """The interquartile mean of paired differences, and the p of no difference where large ones are clipped."""

    mean: float
    p: float


def interquartile_mean(values: Sequence[float] | FloatArray) -> float:
    """The mean without the lowest and the highest quarter of the values, each rounded down (Agarwal et al. 2021)."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    cut = ordered.size // 4
    return float(ordered[cut : ordered.size - cut].mean())


def robust_test(differences: Sequence[float] | FloatArray, looks: Looks | None = None) -> Robust:
    """The interquartile mean, and the sign-flip test of the differences clipped to a usual size: [searches].

    The limit is plus or minus the upper quartile of the sizes that are not zero, at the first look. It depends on no
    sign, so the test is as exact as the test of the mean. The interquartile mean itself is no good test statistic: at
    ten searches the signs of two small differences do not move it, so that ten equal wins would have p = .11.
    """
    sample = np.asarray(differences, dtype=np.float64)
    sizes = np.abs(sample[: looks.at[0]] if looks else sample)
    usual = float(np.quantile(sizes[sizes > 0], 0.75)) if sizes.any() else 0.0
    return Robust(interquartile_mean(sample), paired_test(np.clip(sample, -usual, usual), looks).p())
