"""What several nets say together, and how good it is: their mean or their vote, out of bag, and how they differ.

A vote has no finite loss, since it may be unanimous and wrong: the loss is that of the mean in either case. Numbers
have no votes; of them there is the mean alone.
Source: Breiman 1996, "Bagging predictors"; Breiman 1996, "Out-of-bag estimation".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from slalom_worker.net.examples import Examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from slalom_worker.net.objective import Objective


def say(predict: Callable[[Tensor], Tensor], outputs: Tensor, shares: Tensor, combine: str) -> Tensor:
    """Class probabilities or numbers [n, k] of several nets' outputs [M, n, k], or fractions of their votes.

    predict: what one net says, from its outputs
    shares: of each net in what is said of an example [M, n], of sum 1
    combine: "mean", or "vote"; where votes are equal, the class of the lowest number has it
    """
    each = _votes(outputs) if combine == "vote" else predict(outputs)
    return (each * shares.unsqueeze(-1)).sum(0)


def equal_shares(outputs: Tensor) -> Tensor:
    """Shares [M, n] of nets with outputs [M, n, k], the same for all."""
    return outputs.new_full(outputs.shape[:2], 1 / len(outputs))


def judge(objective: Objective, outputs: Tensor, split: Examples, combine: str) -> dict[str, float]:
    """Loss, error and accuracy of what nets with outputs [M, n, k] say together of a split, and what each is like.

    "member_error" is the mean of their own errors; "diversity" in [0, 1] is how often two of them disagree, over all
    pairs. Where numbers are predicted there are "loss" and "member_loss".
    """
    outputs = outputs.double()
    found = _together(objective, outputs, equal_shares(outputs), split, combine)
    labels = split.labels.expand(len(outputs), *split.labels.shape)
    if labels.is_floating_point():
        return {**found, "member_loss": _mean(split, objective.loss.each(outputs, labels, objective.work.loss))}
    return {
        **found,
        "member_error": _mean(split, outputs.max(-1).indices != labels),
        "diversity": _mean(split, _disagreement(_votes(outputs)).unsqueeze(0)),
    }


def out_of_bag(objective: Objective, outputs: Tensor, bags: Sequence[Tensor], combine: str) -> dict[str, float]:
    """The error where each training example is judged by those nets alone whose bag [n] lacks it, or the loss.

    outputs: [M, n, k]. Examples that are in every bag are left out, and so is the error where all are.
    """
    counts = torch.stack([torch.bincount(bag, minlength=outputs.shape[1]) for bag in bags])
    lacks = (counts == 0).to(outputs.device)
    judged = lacks.any(0)
    split = _part(objective.train, judged)
    if split is None:
        return {}
    own = lacks[:, judged].double()
    found = _together(objective, outputs[:, judged].double(), own / own.sum(0), split, combine)
    name = "error" if "error" in found else "loss"
    return {name: found[name]}


def _together(objective: Objective, outputs: Tensor, shares: Tensor, split: Examples, combine: str) -> dict[str, float]:
    loss, options = objective.loss, objective.work.loss
    found = {"loss": _mean(split, loss.together(outputs, shares, split.labels, options).unsqueeze(0))}
    if not split.labels.is_floating_point():
        wrong = (
            say(lambda outputs: loss.predict(outputs, options, False), outputs, shares, combine).max(-1).indices
            != split.labels
        )
        found["error"] = _mean(split, wrong.unsqueeze(0))
        found["accuracy"] = 1 - found["error"]
    return found


def _votes(outputs: Tensor) -> Tensor:
    """1 at each net's likeliest class, 0 at the others [M, n, classes]."""
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
    if split.weights is None:
        return Examples(split.inputs[rows], split.labels[rows], None) if rows.any() else None
    weights = split.weights[rows]
    return Examples(split.inputs[rows], split.labels[rows], weights / weights.sum()) if weights.sum() > 0 else None
