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
    """How far an arm has come: trials that ended, of its whole budget, and the best tuning metric so far."""

    name: str
    done: int
    budget: int
    pruned: int
    diverged: int
    failed: int
    best: float | None


@dataclass(frozen=True)
class Progress:
    """How far a study has come.

    seconds: since this run began; trials: that ended in it; lanes: that are open
    told: lines about lanes that people should read, each told once
    """

    arms: tuple[ArmProgress, ...]
    seconds: float
    trials: int
    lanes: int
    told: tuple[str, ...] = ()

    @property
    def trials_per_second(self) -> float:
        """Of this run."""
        return self.trials / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None while nothing has ended."""
        left = sum(arm.budget - arm.done for arm in self.arms)
        return left / self.trials_per_second if self.trials else None


class Telling:
    """Passes progress on, with lines that other parts of a run have for people; they may be told from any thread."""

    def __init__(self, watch: Callable[[Progress], None]) -> None:
        self._watch = watch
        self._lines: list[str] = []
        self._last: Progress | None = None

    def tell(self, line: str) -> None:
        """Show a line with the progress that comes next."""
        self._lines.append(line)

    def __call__(self, progress: Progress) -> None:
        """Show progress, and the lines that were told since."""
        lines = [self._lines.pop(0) for _ in range(len(self._lines))]
        self._last = progress
        self._watch(replace(progress, told=(*progress.told, *lines)))

    def end(self) -> None:
        """Show the lines that were told since the last progress."""
        if self._lines and self._last is not None:
            self(replace(self._last, told=()))


class Tally:
    """An arm's counts and its best tuning metric, so that to tell them takes no look at the trials that ended."""

    def __init__(self, spec: StudySpec, arm: str) -> None:
        self._arm = arm
        self._metric = spec.metric
        self._outcomes: Counter[Outcome] = Counter()
        self._best: float | None = None
        self._shown: ArmProgress | None = None

    def add(self, ended: Ended) -> None:
        """One more trial ended."""
        self._shown = None
        outcome = ended.result.outcome
        self._outcomes[outcome] += 1
        if ended.spec.id.phase is Phase.TUNE and outcome is Outcome.COMPLETE:
            value = ended.result.metrics[validation(self._metric.name)]
            if self._best is None or self._metric.better(value, self._best):
                self._best = value

    def progress(self, budget: int) -> ArmProgress:
        """What is shown of it, of a budget of so many trials."""
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
