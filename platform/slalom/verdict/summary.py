"""What a study has found so far: the values that the terminal, the JSON and MLflow show."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from slalom.wire.trial import Effort, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.verdict.answers import Comparison
    from slalom.verdict.effort import EffortCurve
    from slalom.verdict.interval import Interval


class State(StrEnum):
    """Where a study stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Tuning:
    """An arm's tuning so far.

    trials: those of all searches that ended, however they did; pruned, diverged and failed are among them
    best: the best final validation metric of a completed trial
    duplicates: trials whose hyperparameters an earlier trial of their search had
    """

    trials: int
    pruned: int
    diverged: int
    failed: int
    duplicates: int
    best: float | None


@dataclass(frozen=True)
class Confirmed:
    """An arm's confirm results.

    searches, seeds: searches whose choice was confirmed, and seeds of each
    values: the test metric of each training, [searches, seeds]; NaN where the training diverged or failed
    worst: what such a training counts as in the mean (see compare.py)
    mean: over the searches, each the mean over its seeds
    interval: of that mean, over the unit of the verdict
    robust: the interquartile mean of the searches
    diverged: how many trainings diverged or failed; at_most: the largest rate that this does not exclude
    """

    searches: int
    seeds: int
    values: tuple[tuple[float, ...], ...]
    worst: float
    mean: float
    interval: Interval
    robust: float
    diverged: int
    at_most: float


@dataclass(frozen=True)
class ArmSummary:
    """One arm; what has not been reached is None.

    budget: tuning trials of all searches that are allowed so far
    chosen: the hyperparameters that each search ended with, None for one that completed no trial; the searches that
        are over, by number
    difference: from the baseline
    effort: what a search has reached after 1, 2, ... trials
    kept: the search and the number of the confirm trial whose weights are kept
    reproduced: whether that trial came out the same, bit for bit, when it was trained again
    """

    name: str
    budget: int
    chosen: tuple[Mapping[str, Scalar] | None, ...]
    tuning: Tuning
    confirm: Confirmed | None = None
    difference: Comparison | None = None
    effort: EffortCurve | None = None
    kept: tuple[int, int] | None = None
    reproduced: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer.

    sentence: to quote; warnings: what a reader must know before doing so, a sentence each
    winner: the arm that is better than every other one, if there is one
    about: "way" of training, or "choice", the settings that one search found
    split: "resampled" where every search had its own, "fixed" where all numbers are of one split
    searches: how many the verdict rests on
    comparisons: every arm against the baseline, one family; pairs: every pair of arms, another family. Both in the
        order of the study's arms, which makes no other verdict
    """

    sentence: str
    winner: str | None
    about: str = "way"
    split: str = "resampled"
    searches: int = 0
    warnings: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = field(default=(), repr=False, compare=False)
    pairs: tuple[Comparison, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class Throughput:
    """How fast the study went, over all its runs: trials and seconds, and the packs' effort.

    pack_width: slots of the widest pack of the last run that trained
    """

    trials: int = 0
    seconds: float = 0.0
    effort: Effort = field(default_factory=Effort)
    pack_width: int | None = None

    @property
    def trials_per_second(self) -> float | None:
        """Trials that ended, over the seconds from the first order to the last result."""
        return self.trials / self.seconds if self.seconds > 0 else None

    @property
    def slot_utilisation(self) -> float | None:
        """Slot-epochs that trained a trial, over those that packs of their full width had; see docs/performance.md."""
        return self.effort.trained / self.effort.available if self.effort.available else None


@dataclass(frozen=True)
class Summary:
    """A study as it stands; the verdict is None until every arm is confirmed."""

    state: State
    arms: tuple[ArmSummary, ...]
    verdict: Verdict | None = None
    throughput: Throughput = field(default_factory=Throughput)
