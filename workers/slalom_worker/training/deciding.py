"""What a kept net decides over the plane, for tasks of classes of points in it: a file among its trial's artifacts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slalom.wire.learned import DECISIONS
from slalom_worker.net.ensemble import combined_prediction, equal_shares
from slalom_worker.net.examples import in_precision
from slalom_worker.tasks.plane import grid, is_plane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from slalom_worker.net.objective import Objective
    from slalom_worker.training.nets import TrainedTrial

MOST_POINTS = 2000
"""Most training points that are kept, evenly spread over all."""

DIGITS = 4


def decided(objective: Objective, trained: TrainedTrial) -> dict[str, bytes]:
    """The file DECISIONS with its content; {} where the task's inputs are no points in the plane, or have no classes.

    A JSON object: `xs` and `ys`, the places along both axes; `classes`, their number; `probability`, of class 1 of two
    [ys, xs], null where the net gives no number, or of more classes; `likeliest`, the likeliest of more than two
    classes [ys, xs], or null of two; `best`, the true probability of class 1 where it is known, null elsewhere and
    where no point can be; `points`, [x, y, class] of training points; `trained`, their whole number. Of an ensemble it
    is what its nets say together.
    """
    data = objective.data
    if not is_plane(data):
        return {}
    places, train = grid(data), trained.split.given
    said = _predicted(objective, trained, places.points()).reshape(len(places.ys), len(places.xs), -1)
    some = np.linspace(0, len(train.labels) - 1, min(MOST_POINTS, len(train.labels))).astype(int)
    found: Mapping[str, Any] = {
        "classes": data.classes,
        "xs": places.xs.tolist(),
        "ys": places.ys.tolist(),
        "probability": _plain(said[..., 1]) if data.classes == 2 else None,
        "likeliest": None if data.classes == 2 else said.argmax(axis=-1).tolist(),
        "best": None if places.best is None else _plain(places.best),
        "points": [[*map(float, train.inputs[row]), int(train.labels[row])] for row in some],
        "trained": len(train.labels),
    }
    return {DECISIONS: json.dumps(found).encode()}


@torch.no_grad()
def _predicted(objective: Objective, trained: TrainedTrial, points: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the trial's nets say together of points [n, 2] as the task gives them: [n, classes]."""
    prepared = trained.split.prepared
    given = points if prepared is None else prepared.apply(points)
    inputs = in_precision(torch.as_tensor(given).to(objective.device), objective.dtype)
    nets = [{**objective.views(slot.best_parameters), **slot.state} for slot in trained.slots]
    outputs = torch.stack([objective.forward.in_evaluation(net, inputs)[0] for net in nets]).double()
    loss, options = objective.loss, objective.work.loss
    combine = trained.trial.settings["ensemble"]["combine"]
    said = combined_prediction(lambda each: loss.predict(each, options, False), outputs, equal_shares(outputs), combine)
    found: NDArray[np.float64] = said.cpu().numpy()
    return found


def _plain(probabilities: NDArray[np.float64]) -> list[list[float | None]]:
    """Probabilities [ys, xs], rounded; None for NaN, which JSON lacks: a net may give it far from its examples."""
    return [[None if np.isnan(one) else float(one) for one in row] for row in probabilities.round(DIGITS)]
