"""What a study has found so far: the values that the terminal, the JSON and MLflow show."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from slalom.wire.trial import Effort, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a study stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Tuning:
    """An arm's tuning so far.

    trials: those that ended, however they did; pruned, diverged and failed are among them
    best: the best final validation metric of a completed trial
    duplicates: trials whose hyperparameters an earlier trial of the arm had
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

    seeds: confirm trials that ended
    values: the test metric of each, by number; a trial that diverged or failed has the worst value (see compare.py)
    diverged: how many of them diverged or failed
    interval: of the mean, by bootstrap over the seeds
    """

    seeds: int
    values: tuple[float, ...]
    diverged: int
    mean: float
    interval: Interval


@dataclass(frozen=True)
class Difference:
    """An arm against the baseline, over paired seeds.

    mean: arm minus baseline, in the metric's unit
    interval: of the mean, by bootstrap over the pairs
    p: of no difference, two-sided, corrected by Holm over the arms
    superiority: the share of the pairs in which the arm is better, a tie counting half
    superiority_interval: by bootstrap over the pairs
    better: True or False where the difference is told apart from none (p < alpha), else None
    """

    mean: float
    interval: Interval
    p: float
    superiority: float
    superiority_interval: Interval
    better: bool | None


@dataclass(frozen=True)
class ArmSummary:
    """One arm; what has not been reached is None.

    best_seed: the confirm trial whose weights are kept
    reproduced: whether that trial came out the same, bit for bit, when it was trained again
    """

    name: str
    budget: int
    chosen: Mapping[str, Scalar] | None
    tuning: Tuning
    confirm: Confirmed | None = None
    difference: Difference | None = None
    best_seed: int | None = None
    reproduced: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer in one sentence, and the arm that beats every other one, if there is one."""

    sentence: str
    winner: str | None


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
