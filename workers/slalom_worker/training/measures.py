"""The metrics that trials report: loss; error and accuracy in classification; and those that a trial asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slalom.errors import InputError, quoted
from slalom.wire.trial import Phase, reported
from slalom_worker.net.ensemble import combined_prediction, ensemble_metrics, equal_shares, out_of_bag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slalom_worker.metrics import Metric
    from slalom_worker.net.examples import Examples
    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial


def measure(objective: Objective, trials: Sequence[TrainedTrial]) -> list[dict[str, float]]:
    """The metrics of each trial by name, such as "validation.error", each on the trial's own split.

    Every trial has its training loss and its metrics on validation data. Complete trials and trials with a target have
    metrics on training data, too. A complete confirm trial has metrics on test data; no other trial sees test data.
    """
    found = [{"train.loss": trial.loss} for trial in trials]
    ends = [row for row, trial in enumerate(trials) if trial.complete or trial.trial.target is not None]
    tests = [row for row in ends if trials[row].complete and trials[row].trial.id.phase is Phase.CONFIRM]
    for name, rows in (("validation", list(range(len(trials)))), ("train", ends), ("test", tests)):
        for row, metrics in zip(rows, _on(objective, name, [trials[row] for row in rows]), strict=True):
            for metric, value in metrics.items():
                # "train.loss" is the mean over the epoch's batches; the loss after it has a name of its own.
                key = "train.final_loss" if (name, metric) == ("train", "loss") else f"{name}.{metric}"
                found[row][key] = value
    for trial, metrics in zip(trials, found, strict=True):
        if trial.trial.target is not None:
            parts = [part for part in ("validation", "test") if f"{part}.error" in metrics]
            metrics.update(dict.fromkeys((f"{part}.passes" for part in parts), trial.passes(metrics["train.error"])))
        if trial.bags:
            train = trial.split.train
            outputs = objective.outputs(trial.best_parameters, train, trial.state)
            oob = out_of_bag(objective, outputs, train, trial.bags, trial.combine)
            metrics.update({f"oob.{metric}": value for metric, value in oob.items()})
    return found


def _on(objective: Objective, name: str, trials: Sequence[TrainedTrial]) -> list[dict[str, float]]:
    """Each trial's metrics on a part of its own split.

    Single nets are measured at once, whatever their splits, and ensembles one by one.
    """
    parts: list[Examples] = [getattr(trial.split, name) for trial in trials]
    alone = [row for row, trial in enumerate(trials) if trial.combine == "none"]
    single = iter(_single(objective, [parts[row] for row in alone], [trials[row] for row in alone]))
    return [
        {
            **(
                next(single)
                if trial.combine == "none"
                else ensemble_metrics(
                    objective, objective.outputs(trial.best_parameters, part, trial.state), part, trial.combine
                )
            ),
            **further(objective, trial, part),
        }
        for trial, part in zip(trials, parts, strict=True)
    ]


def further(objective: Objective, trial: TrainedTrial, part: Examples) -> dict[str, float]:
    """The metrics that a trial asks for, on a part of its split, of its nets' combined prediction, by reported name.

    Metrics are NaN where a net's outputs are not finite. Raises InputError where a metric of finite outputs is not
    finite, or raises.
    """
    metrics = trial.trial.metrics
    if not metrics:
        return {}
    outputs = objective.outputs(trial.best_parameters, part, trial.state).double()
    if not outputs.isfinite().all():
        return {reported(name): math.nan for name in metrics}
    numbers, loss = part.labels.is_floating_point(), objective.work.loss
    predictions = combined_prediction(
        lambda each: objective.loss.predict(each, loss, numbers), outputs, equal_shares(outputs), trial.combine
    )
    labels, count = (part.labels.double() if numbers else part.labels).cpu().numpy(), len(part)
    weights = np.full(count, 1 / count) if part.weights is None else part.weights.double().cpu().numpy()
    given = (labels, predictions.cpu().numpy(), weights)
    return {reported(name): value_of(name, objective.methods.metric[name], given) for name in metrics}


def value_of(name: str, metric: Metric, given: tuple[NDArray[Any], ...]) -> float:
    """A metric's value for (labels, predictions, weights); InputError where it is no finite number."""
    if metric.value is None:
        raise InputError(f"metric {name} is reported by every trial, and not measured by itself")
    value = metric.value(*given)
    if not isinstance(value, int | float | np.integer | np.floating) or not math.isfinite(value):
        raise InputError(f"metric {name} must give a finite number, but gave {quoted(value)}")
    return float(value)


def _single(objective: Objective, parts: Sequence[Examples], trials: Sequence[TrainedTrial]) -> list[dict[str, float]]:
    if not trials:
        return []
    parameters = torch.cat([trial.best_parameters for trial in trials])
    each = [trial.state for trial in trials]
    state = {name: torch.cat([one[name] for one in each]) for name in each[0]}
    columns = objective.evaluate(parameters, objective.side_by_side(parts), state)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
