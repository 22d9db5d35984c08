"""Where the order of two arms changes with effort: one is ahead after few trials, the other after many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slalom.verdict.family import Uncorrected, correct
from slalom.verdict.paired import paired_test

if TYPE_CHECKING:
    from slalom.verdict.effort import EffortCurve


@dataclass(frozen=True)
class Lead:
    """The arm that is ahead after `trials` trials, by its mean over searches; p: of no difference, corrected."""

    trials: int
    ahead: str
    p: float


@dataclass(frozen=True)
class Crossing:
    """A change of order: one arm is surely ahead after few trials, another one after more."""

    early: Lead
    late: Lead


def checkpoints(trials: int) -> tuple[int, ...]:
    """The numbers of trials at which arms are compared: 1, 2, 4, ... and all."""
    return tuple(sorted({2**power for power in range(trials.bit_length())} | {trials}))


def leads(
    arms: tuple[str, str], curves: tuple[EffortCurve, EffortCurve], *, minimize: bool, alpha: float, pairs: int = 1
) -> tuple[Lead, ...]:
    """The leads at those `checkpoints` where one of two arms is surely ahead, paired over searches.

    pairs: how many pairs of arms are asked about; the correction is over the checkpoints of all pairs
    Raises ValueError where the curves differ in searches or trials.
    """
    one, two = (np.asarray(curve.searches) for curve in curves)
    if one.shape != two.shape:
        raise ValueError(f"both curves must have the same searches and trials (got {one.shape} and {two.shape})")
    at = checkpoints(one.shape[1])
    gains = [(two - one)[:, n - 1] if minimize else (one - two)[:, n - 1] for n in at]
    corrected = correct([Uncorrected(paired_test(gain).p()) for gain in gains], alpha, pairs * len(at))
    found = zip(at, gains, corrected, strict=True)
    return tuple(Lead(n, arms[int(gain.mean() < 0)], of.p) for n, gain, of in found if of.p < alpha)


def crossing(
    arms: tuple[str, str], curves: tuple[EffortCurve, EffortCurve], *, minimize: bool, alpha: float, pairs: int = 1
) -> Crossing | None:
    """The first sure lead and the first later one of the other arm; None where the order does not surely change.

    Arguments as for `leads`.
    """
    sure = leads(arms, curves, minimize=minimize, alpha=alpha, pairs=pairs)
    late = next((lead for lead in sure if lead.ahead != sure[0].ahead), None)
    return Crossing(sure[0], late) if late else None
