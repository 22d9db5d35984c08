"""What the nets of an ensemble predict together, by their mean or their vote, and how good that is.

A vote has no finite loss, since it may be unanimous and wrong, so the loss is that of the mean in either case. Numbers
have no votes, only a mean.
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

    predict: what a net predicts [.., n, k], from its outputs
    shares: the weight of each net in the prediction for each example [M, n], of sum 1 over the nets
    combine: "vote", or anything else for the mean; a net with several likeliest classes votes for the first of them
    """
    each = _votes(outputs) if combine == "vote" else predict(outputs)
    return (each * shares.unsqueeze(-1)).sum(0)


def equal_shares(outputs: Tensor) -> Tensor:
    """Equal shares [M, n] for nets with outputs [M, n, k]."""
    return outputs.new_full(outputs.shape[:2], 1 / len(outputs))


def ensemble_metrics(objective: Objective, outputs: Tensor, split: Examples, combine: str) -> dict[str, float]:
    """Metrics on a split of an ensemble whose nets have the outputs [M, n, k].

    Of classes: "loss", "error" and "accuracy" of the combined prediction, "member_error", the mean of the nets' own
    errors, and "diversity" in [0, 1], how often two of them disagree, over all pairs. Of numbers: "loss" and
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
    """The "error" out of bag on training data, or the "loss" of numbers: nets predict the examples their bags lack.

    Examples that are in every bag are left out. Where all of them are, there is no metric.
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
    """Loss of the combined prediction for a split, and of classes error and accuracy."""
    loss, options = objective.loss, objective.work.loss
    found = {"loss": _mean(split, loss.of_mean(outputs, shares, split.labels, options).unsqueeze(0))}
    if not split.labels.is_floating_point():
        predicted = combined_prediction(lambda each: loss.predict(each, options, False), outputs, shares, combine)
        wrong = predicted.max(-1).indices != split.labels
        found["error"] = _mean(split, wrong.unsqueeze(0))
        found["accuracy"] = 1 - found["error"]
    return found


def _votes(outputs: Tensor) -> Tensor:
    """Votes [M, n, classes]: 1 at each net's likeliest class, 0 at the others."""
    return torch.zeros_like(outputs).scatter_(-1, outputs.max(-1, keepdim=True).indices, 1.0)


def _disagreement(votes: Tensor) -> Tensor:
    """The share of pairs of nets that give an example another class [n]."""
    counts, nets = votes.sum(0), len(votes)
    return 1 - (counts * (counts - 1)).sum(-1) / (nets * (nets - 1))


def _mean(split: Examples, values: Tensor) -> float:
    """The mean over nets of the weighted means over a split of values [M, n]."""
    return float(split.mean(values).mean())


def _part(split: Examples, rows: Tensor) -> Examples | None:
    """Those examples of a split alone; None where nothing is left."""
    some = partial(Examples, split.source, split.rows[rows], split.labels[rows])
    if split.weights is None:
        return some() if rows.any() else None
    weights = split.weights[rows]
    return some(weights / weights.sum()) if weights.sum() > 0 else None
