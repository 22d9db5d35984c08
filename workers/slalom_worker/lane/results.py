"""What a lane says of a trial that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.learned import NOTHING
from slalom.wire.trial import Outcome, TrialResult
from slalom_worker.serving import freeze
from slalom_worker.training.learning import learned

if TYPE_CHECKING:
    from slalom.wire.trial import Metrics, TrialSpec
    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial


def ended_result(
    trained: TrainedTrial, objective: Objective, metrics: Metrics, device: str, *, diverged: bool
) -> TrialResult:
    """The result of a trial that is complete or has diverged, with its nets where the order asks for them.

    metrics: its last ones; of a trial that has diverged none are told
    device: where it was trained, for people
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
        device=device,
    )


def failed_result(trial: TrialSpec, error: str) -> TrialResult:
    """The result of a trial that could not be trained, with the reason."""
    return TrialResult(trial.id, trial.attempt, Outcome.FAILED, 0, {}, error=error)
