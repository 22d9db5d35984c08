"""The summary of a study so far: the values that the terminal, the JSON output and MLflow show."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from slalom.wire.trial import Effort, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    Widths = Mapping[str, Mapping[str, int]]

    from slalom.verdict.answers import Comparison
    from slalom.verdict.effort import EffortCurve
    from slalom.verdict.interval import Interval


class State(StrEnum):
    """The state of a study."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Tuning:
    """An arm's tuning so far.

    trials: how many of all searches ended, whatever their outcome; pruned, diverged, failed: how many of these
    best: the best final validation metric of a completed trial
    duplicates: how many have the hyperparameters of an earlier trial of their search
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
    worst: what such a training counts as in the mean (see results.py)
    mean: over the searches, each the mean over its seeds
    interval: of that mean, over the verdict's units (see scope.py)
    robust: the interquartile mean over these units
    diverged: how many trainings diverged or failed; at_most: the largest rate that this number does not exclude
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
    """One arm's summary; a part that is not known yet is None.

    budget: tuning trials of all searches that are allowed so far
    chosen: for each search that is over, by number, the hyperparameters that it ended with, or None where it completed
        no trial
    difference: the comparison with the baseline
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
    """The answer of a study.

    sentence: to quote; warnings: what a reader must know before quoting it, a sentence each
    winner: the arm that is better than every other one, if there is one
    about: "way" of training, or "choice", the settings that one search found
    split: "resampled" where every search had a split of its own, "fixed" where all numbers are of one split
    searches: how many searches of an arm the verdict rests on
    comparisons: every arm against the baseline, one family; pairs: every pair of arms, another family. Both are in the
        order of the study's arms, on which no verdict depends
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
    """How fast a study went, over all its runs: trials and seconds, and the packs' effort.

    pack_width: slots of the widest pack of the last run that trained
    widths: slots of packs as lanes found them, by kind of device and by their program's digest
    """

    trials: int = 0
    seconds: float = 0.0
    effort: Effort = field(default_factory=Effort)
    pack_width: int | None = None
    widths: Widths = field(default_factory=dict)

    @property
    def trials_per_second(self) -> float | None:
        """Trials that ended, over the seconds that all runs took; None before any run."""
        return self.trials / self.seconds if self.seconds > 0 else None

    @property
    def slot_utilisation(self) -> float | None:
        """Slot-epochs that trained a trial, over those of packs at their full width; see docs/performance.md."""
        return self.effort.trained / self.effort.available if self.effort.available else None


@dataclass(frozen=True)
class Summary:
    """A study as it stands; the verdict is None until every arm is confirmed."""

    state: State
    arms: tuple[ArmSummary, ...]
    verdict: Verdict | None = None
    throughput: Throughput = field(default_factory=Throughput)
