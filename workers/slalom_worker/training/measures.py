"""The metrics that trials report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slalom.wire.trial import Phase
from slalom_worker.net.ensemble import ensemble_metrics, out_of_bag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom_worker.net.examples import Examples
    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial


def measure(objective: Objective, trials: Sequence[TrainedTrial]) -> list[dict[str, float]]:
    """The metrics of each trial by name, such as "validation.error", each on the trial's own split.

    Every trial has its training loss and its metrics on validation data. A complete one has those on training data too,
    and a complete confirm trial those on test data; no other trial sees test data.
    """
    found = [{"train.loss": trial.loss} for trial in trials]
    ends = [row for row, trial in enumerate(trials) if trial.complete]
    tests = [row for row in ends if trials[row].trial.id.phase is Phase.CONFIRM]
    for name, rows in (("validation", list(range(len(trials)))), ("train", ends), ("test", tests)):
        for row, metrics in zip(rows, _on(objective, name, [trials[row] for row in rows]), strict=True):
            for metric, value in metrics.items():
                # "train.loss" is the mean over the epoch's batches; the loss after it has a name of its own.
                key = "train.final_loss" if (name, metric) == ("train", "loss") else f"{name}.{metric}"
                found[row][key] = value
    for trial, metrics in zip(trials, found, strict=True):
        if trial.bags:
            train = trial.split.train
            outputs = objective.outputs(trial.best_parameters, train, trial.state)
            oob = out_of_bag(objective, outputs, train, trial.bags, trial.combine)
            metrics.update({f"oob.{metric}": value for metric, value in oob.items()})
    return found


def _on(objective: Objective, name: str, trials: Sequence[TrainedTrial]) -> list[dict[str, float]]:
    """Each trial's metrics on a part of its own split.

    Those of single nets are measured at once, whatever their splits, and those of ensembles one by one.
    """
    parts: list[Examples] = [getattr(trial.split, name) for trial in trials]
    alone = [row for row, trial in enumerate(trials) if trial.combine == "none"]
    single = iter(_single(objective, [parts[row] for row in alone], [trials[row] for row in alone]))
    return [
        next(single)
        if trial.combine == "none"
        else ensemble_metrics(
            objective, objective.outputs(trial.best_parameters, part, trial.state), part, trial.combine
        )
        for trial, part in zip(trials, parts, strict=True)
    ]


def _single(objective: Objective, parts: Sequence[Examples], trials: Sequence[TrainedTrial]) -> list[dict[str, float]]:
    if not trials:
        return []
    parameters = torch.cat([trial.best_parameters for trial in trials])
    each = [trial.state for trial in trials]
    state = {name: torch.cat([one[name] for one in each]) for name in each[0]}
    columns = objective.evaluate(parameters, objective.side_by_side(parts), state)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
