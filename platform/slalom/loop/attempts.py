"""The trials in training, each with its present attempt: what a lost lane costs, and when a trial has failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.wire.trial import Outcome, Phase, TrialResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.errors import LaneLost
    from slalom.wire.trial import Order, TrialId, TrialSpec

ATTEMPTS = 3
"""Tries at a trial that raises or loops before it has failed; the last is made alone: no neighbour is to blame."""

DEATHS = 10
"""Tries at a trial whose lanes die: machines that go are not the trial's fault, but one that brings down every process
must end too. From the last of ATTEMPTS on it is alone; tries that ended because a whole node left are not counted among
those, but after half of DEATHS it is alone all the same.
"""


class Attempts:
    """Keeps, for every trial in training, its spec with the number of its present attempt."""

    def __init__(self, rungs: Sequence[int]) -> None:
        """rungs: the epochs at which the study judges tuning trials, ascending."""
        self._rungs = rungs
        self._trials: dict[TrialId, TrialSpec] = {}
        self._blamed: Counter[TrialId] = Counter()

    def __contains__(self, trial: TrialId) -> bool:
        """Whether the trial is in training."""
        return trial in self._trials

    def __getitem__(self, trial: TrialId) -> TrialSpec:
        """The trial as its present attempt trains it."""
        return self._trials[trial]

    def begin(self, trial: TrialSpec) -> None:
        """The trial is in training from now on."""
        self._trials[trial.id] = trial

    def end(self, trial: TrialId) -> None:
        """The trial is in training no more."""
        del self._trials[trial]
        self._blamed.pop(trial, None)

    def is_present(self, trial: TrialId, attempt: int) -> bool:
        """Whether an answer of that attempt counts; one of an earlier attempt, or of a trial that is over, does not."""
        found = self._trials.get(trial)
        return found is not None and found.attempt == attempt

    def lose(self, trial: TrialId, loss: LaneLost) -> bool:
        """The lane that trained the trial is gone: begin its next attempt; whether that may be made."""
        spec = self._trials[trial] = replace(self._trials[trial], attempt=self._trials[trial].attempt + 1)
        self._blamed[trial] += not loss.left
        return spec.attempt < DEATHS and not ((loss.raised or loss.looped) and self._blamed[trial] >= ATTEMPTS)

    def order(self, order: Order) -> Order:
        """The order as one for its trial's present attempt, in company or alone."""
        trial = self._trials[order.trial.id]
        alone = self._blamed[trial.id] >= ATTEMPTS - 1 or trial.attempt >= DEATHS // 2
        return order if trial is order.trial and not alone else replace(order, trial=trial, alone=alone)

    def failure(self, order: Order, error: str) -> TrialResult:
        """How a trial ends that was lost too often: at the rung it had passed, since what came later is chance."""
        trial = self._trials[order.trial.id]
        passed = [rung for rung in self._rungs if rung < order.until and trial.id.phase is Phase.TUNE]
        return TrialResult(trial.id, trial.attempt - 1, Outcome.FAILED, max(passed, default=0), {}, error=error)
