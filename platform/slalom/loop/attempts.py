"""Counts the attempts of the trials in training: what a lost lane costs, and when a trial has failed."""

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
"""Attempts at a trial that raises or loops, after which it has failed. The last one runs alone in its lane, so that no
neighbour can be to blame.
"""

DEATHS = 10
"""Attempts at a trial whose lanes die, after which it has failed: a lost machine is not the trial's fault, but a trial
that kills every process must end too. It runs alone from attempt ATTEMPTS on, not counting attempts that ended because
a whole node left, and in any case from attempt DEATHS / 2 on.
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
        """The TrialSpec of the trial's present attempt."""
        return self._trials[trial]

    def begin(self, trial: TrialSpec) -> None:
        """Note that the trial is in training from now on."""
        self._trials[trial.id] = trial

    def end(self, trial: TrialId) -> None:
        """Note that the trial is no longer in training."""
        del self._trials[trial]
        self._blamed.pop(trial, None)

    def is_present(self, trial: TrialId, attempt: int) -> bool:
        """Whether a reply of that attempt counts: the trial is in training, and the attempt is its present one."""
        found = self._trials.get(trial)
        return found is not None and found.attempt == attempt

    def lose(self, trial: TrialId, loss: LaneLost) -> bool:
        """Count the next attempt of a trial whose lane is gone; whether that attempt may be made."""
        spec = self._trials[trial] = replace(self._trials[trial], attempt=self._trials[trial].attempt + 1)
        self._blamed[trial] += not loss.left
        return spec.attempt < DEATHS and not ((loss.raised or loss.looped) and self._blamed[trial] >= ATTEMPTS)

    def order(self, order: Order) -> Order:
        """The order for its trial's present attempt, and with `alone` set where the trial must train alone."""
        trial = self._trials[order.trial.id]
        alone = self._blamed[trial.id] >= ATTEMPTS - 1 or trial.attempt >= DEATHS // 2
        return order if trial is order.trial and not alone else replace(order, trial=trial, alone=alone)

    def failure(self, order: Order, error: str) -> TrialResult:
        """The result of a trial that was lost too often: failed at the last rung it passed; later epochs are chance."""
        trial = self._trials[order.trial.id]
        passed = [rung for rung in self._rungs if rung < order.until and trial.id.phase is Phase.TUNE]
        return TrialResult(trial.id, trial.attempt - 1, Outcome.FAILED, max(passed, default=0), {}, error=error)
