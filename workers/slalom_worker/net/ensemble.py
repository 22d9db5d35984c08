"""An ensemble's combined prediction, by the nets' mean or their vote, and its metrics.

A unanimous wrong vote would have an infinite loss, so the loss is that of the mean in either case. A regression has no
votes, only a mean.
Source: Breiman 1996, "Bagging predictors"; Breiman 1996, "Out-of-bag estimation".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from slalom_worker.net.examples import Examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from slalom_worker.net.objective import Objective


def combined_prediction(predict: Callable[[Tensor], Tensor], outputs: Tensor, shares: Tensor, combine: str) -> Tensor:
    """The prediction [n, k] of M nets with outputs [M, n, k]: class probabilities, numbers, or fractions of votes.

    predict: gives a net's prediction [.., n, k] from its outputs
    shares: each net's weight in the prediction for each example [M, n], of sum 1 over the nets
    combine: "vote", or anything else for the mean; a net with several likeliest classes votes for the first of them
    """
    each = _votes(outputs) if combine == "vote" else predict(outputs)
    return (each * shares.unsqueeze(-1)).sum(0)


def equal_shares(outputs: Tensor) -> Tensor:
    """Equal shares [M, n] for nets with outputs [M, n, k]."""
    return outputs.new_full(outputs.shape[:2], 1 / len(outputs))


def ensemble_metrics(objective: Objective, outputs: Tensor, split: Examples, combine: str) -> dict[str, float]:
    """Metrics of an ensemble whose nets have the outputs [M, n, k] on a part of a split.

    In classification: "loss", "error" and "accuracy" of the combined prediction, "member_error", the mean of the nets'
    own errors, and "diversity" in [0, 1], how often two nets disagree, over all pairs. In regression: "loss" and
    "member_loss".
    """
    outputs = outputs.double()
    found = _combined_metrics(objective, outputs, equal_shares(outputs), split, combine)
    labels = split.labels.expand(len(outputs), *split.labels.shape)
    if labels.is_floating_point():
        return {**found, "member_loss": _mean(split, objective.loss.each(outputs, labels, objective.work.loss))}
    return {
        **found,
        "member_error": _mean(split, outputs.max(-1).indices != labels),
        "diversity": _mean(split, _disagreement(_votes(outputs)).unsqueeze(0)),
    }


def out_of_bag(
    objective: Objective, outputs: Tensor, split: Examples, bags: Sequence[Tensor], combine: str
) -> dict[str, float]:
    """The out-of-bag "error", or in regression the "loss": each net predicts the training examples that its bag lacks.

    Examples that are in every bag are left out; there is no metric where none is left.
    outputs: [M, n, k]; split: the training examples; bags: [n] each
    """
    counts = torch.stack([torch.bincount(bag, minlength=outputs.shape[1]) for bag in bags])
    lacks = (counts == 0).to(outputs.device)
    judged = lacks.any(0)
    part = _part(split, judged)
    if part is None:
        return {}
    own = lacks[:, judged].double()
    found = _combined_metrics(objective, outputs[:, judged].double(), own / own.sum(0), part, combine)
    name = "error" if "error" in found else "loss"
    return {name: found[name]}


def _combined_metrics(
    objective: Objective, outputs: Tensor, shares: Tensor, split: Examples, combine: str
) -> dict[str, float]:
    """The combined prediction's loss and, in classification, error and accuracy on a part of a split."""
    loss, options = objective.loss, objective.work.loss
    found = {"loss": _mean(split, loss.of_mean(outputs, shares, split.labels, options).unsqueeze(0))}
    if not split.labels.is_floating_point():
        predicted = combined_prediction(lambda each: loss.predict(each, options, False), outputs, shares, combine)
        wrong = predicted.max(-1).indices != split.labels
        found["error"] = _mean(split, wrong.unsqueeze(0))
        found["accuracy"] = 1 - found["error"]
    return found


def _votes(outputs: Tensor) -> Tensor:
    """Votes [M, n, classes]: 1 for each net's likeliest class, 0 for the others."""
    return torch.zeros_like(outputs).scatter_(-1, outputs.max(-1, keepdim=True).indices, 1.0)


def _disagreement(votes: Tensor) -> Tensor:
    """The share [n] of pairs of nets that give an example different classes."""
    counts, nets = votes.sum(0), len(votes)
    return 1 - (counts * (counts - 1)).sum(-1) / (nets * (nets - 1))


def _mean(split: Examples, values: Tensor) -> float:
    """The mean over nets of the weighted means of values [M, n] over the examples."""
    return float(split.mean(values).mean())


def _part(split: Examples, rows: Tensor) -> Examples | None:
    """The examples in these rows, a mask [n]; None where there are none, or all weigh 0."""
    some = partial(Examples, split.source, split.rows[rows], split.labels[rows])
    if split.weights is None:
        return some() if rows.any() else None
    weights = split.weights[rows]
    return some(weights / weights.sum()) if weights.sum() > 0 else None
