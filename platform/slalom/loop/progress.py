"""How far a study has come, counted as its trials end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slalom.wire.trial import Outcome, Phase, validation

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.study.model import StudySpec
    from slalom.wire.trial import Ended


@dataclass(frozen=True)
class ArmProgress:
    """How far an arm has come: trials that ended, of its whole budget, and the best tuning trial's metric so far."""

    name: str
    done: int
    budget: int
    pruned: int
    diverged: int
    failed: int
    best: float | None


@dataclass(frozen=True)
class Stage:
    """Which part of a study is under way.

    parts: the number and the phase of each search under way, of any arm; none while the best nets are trained once more
    searches: how many an arm is allowed so far; resampled: whether each has a split of its own
    """

    parts: tuple[tuple[int, Phase], ...]
    searches: int
    resampled: bool


@dataclass(frozen=True)
class Packs:
    """The slots of this run's widest pack, and the share of all packs' slots that has trained a trial."""

    width: int
    filled: float


@dataclass(frozen=True)
class Progress:
    """How far a study has come.

    seconds: since this run began; trials: how many ended in this run; lanes: how many are open
    told: lines about lanes for people, each given once
    packs: None before the first reply, or where trials train alone
    now: seconds since the epoch, or None where it is not known
    """

    arms: tuple[ArmProgress, ...]
    seconds: float
    trials: int
    lanes: int
    told: tuple[str, ...] = ()
    stage: Stage | None = None
    packs: Packs | None = None
    now: float | None = None

    @property
    def trials_per_second(self) -> float:
        """Trials that ended in this run, over its seconds."""
        return self.trials / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """The time to the end at this run's pace so far; None before a trial has ended."""
        left = sum(arm.budget - arm.done for arm in self.arms)
        return left / self.trials_per_second if self.trials else None


class Telling:
    """Passes progress on to `watch`, with lines for people from other parts of a run; `tell` is safe in any thread."""

    def __init__(self, watch: Callable[[Progress], None]) -> None:
        self._watch = watch
        self._lines: list[str] = []
        self._last: Progress | None = None

    def tell(self, line: str) -> None:
        """Show a line with the progress that comes next."""
        self._lines.append(line)

    def __call__(self, progress: Progress) -> None:
        """Show progress, and the lines that were told since the last one."""
        lines = [self._lines.pop(0) for _ in range(len(self._lines))]
        self._last = progress
        self._watch(replace(progress, told=(*progress.told, *lines)))

    def end(self) -> None:
        """Show the lines that were told since the last progress."""
        if self._lines and self._last is not None:
            self(replace(self._last, told=()))


class Tally:
    """Counts an arm's trials by outcome and keeps its best tuning metric, so that no call looks at all trials."""

    def __init__(self, spec: StudySpec, arm: str) -> None:
        self._arm = arm
        self._metric = spec.metric
        self._outcomes: Counter[Outcome] = Counter()
        self._best: float | None = None
        self._shown: ArmProgress | None = None

    def add(self, ended: Ended) -> None:
        """Count a trial that ended."""
        self._shown = None
        outcome = ended.result.outcome
        self._outcomes[outcome] += 1
        if ended.spec.id.phase is Phase.TUNE and outcome is Outcome.COMPLETE:
            value = ended.result.metrics[validation(self._metric.name)]
            if self._best is None or self._metric.better(value, self._best):
                self._best = value

    def progress(self, budget: int) -> ArmProgress:
        """The arm's progress, with a budget of so many trials."""
        if self._shown is None or self._shown.budget != budget:
            self._shown = self._count(budget)
        return self._shown

    def _count(self, budget: int) -> ArmProgress:
        return ArmProgress(
            self._arm,
            self._outcomes.total(),
            budget,
            self._outcomes[Outcome.PRUNED],
            self._outcomes[Outcome.DIVERGED],
            self._outcomes[Outcome.FAILED],
            self._best,
        )
