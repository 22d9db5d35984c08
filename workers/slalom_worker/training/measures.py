"""What trials in training have reached: the metrics that they report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slalom.wire.trial import Phase
from slalom_worker.net.ensemble import judge, out_of_bag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom_worker.net.examples import Examples
    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import Nets


def measure(objective: Objective, trials: Sequence[Nets]) -> list[dict[str, float]]:
    """The metrics of each trial; test data is looked at by confirm trials alone, at their end."""
    found = [{"train.loss": nets.loss} for nets in trials]
    ends = [row for row, nets in enumerate(trials) if nets.complete]
    tests = [row for row in ends if trials[row].trial.id.phase is Phase.CONFIRM]
    splits = [("validation", objective.validation, list(range(len(trials)))), ("train", objective.train, ends)]
    if tests:
        splits.append(("test", objective.test, tests))
    for name, split, rows in splits:
        for row, metrics in zip(rows, _on(objective, split, [trials[row] for row in rows]), strict=True):
            for metric, value in metrics.items():
                # "train.loss" is the mean over the epoch's batches; the loss after it has a name of its own.
                key = "train.final_loss" if (name, metric) == ("train", "loss") else f"{name}.{metric}"
                found[row][key] = value
    for nets, metrics in zip(trials, found, strict=True):
        if nets.bags:
            outputs = objective.outputs(nets.found, objective.train)
            oob = out_of_bag(objective, outputs, nets.bags, nets.combine)
            metrics.update({f"oob.{metric}": value for metric, value in oob.items()})
    return found


def _on(objective: Objective, split: Examples, trials: Sequence[Nets]) -> list[dict[str, float]]:
    """Each trial's metrics on a split: single nets side by side, an ensemble by itself."""
    single = iter(_single(objective, split, [nets for nets in trials if nets.combine == "none"]))
    return [
        next(single)
        if nets.combine == "none"
        else judge(objective, objective.outputs(nets.found, split), split, nets.combine)
        for nets in trials
    ]


def _single(objective: Objective, split: Examples, trials: Sequence[Nets]) -> list[dict[str, float]]:
    if not trials:
        return []
    columns = objective.evaluate(torch.cat([nets.found for nets in trials]), split)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
