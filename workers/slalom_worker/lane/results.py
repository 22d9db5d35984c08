"""The results of trials that ended in a lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.learned import NOTHING
from slalom.wire.trial import Outcome, TrialResult
from slalom_worker.serving import freeze
from slalom_worker.training.learning import learned

if TYPE_CHECKING:
    from slalom.wire.trial import Metrics, TrialSpec
    from slalom_worker.lane.kernels import Kernels
    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial


def ended_result(
    trained: TrainedTrial, objective: Objective, metrics: Metrics, kernels: Kernels, *, diverged: bool
) -> TrialResult:
    """The result of a trial that is complete or has diverged, with its nets' weights where the order asks for them.

    metrics: the trial's last metrics; the result of a diverged trial has none
    kernels: what the trial's lane has noted of its kernels
    """
    trial = trained.trial
    kept = trained.slots if trained.order.keep_weights and not diverged else []
    return TrialResult(
        trial.id,
        trial.attempt,
        Outcome.DIVERGED if diverged else Outcome.COMPLETE,
        trained.epoch,
        {} if diverged else metrics,
        weights=tuple(
            freeze({**objective.views(slot.best_parameters), **slot.state}, objective.data, trained.split.prepared)
            for slot in kept
        ),
        learned=learned(objective, trained) if kept else NOTHING,
        device=kernels.device,
        not_deterministic=kernels.of(objective.work.key),
    )


def failed_result(trial: TrialSpec, error: str) -> TrialResult:
    """The result of a trial that could not be trained, with the reason."""
    return TrialResult(trial.id, trial.attempt, Outcome.FAILED, 0, {}, error=error)
