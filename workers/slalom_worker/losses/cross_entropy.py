"""Cross-entropy of the softmax: -log softmax(outputs)[label], the likelihood of classes.

Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.losses.base import Loss

if TYPE_CHECKING:
    from torch import Tensor

    from slalom_worker.losses.base import Options


def each(outputs: Tensor, labels: Tensor, _options: Options) -> Tensor:
    """Losses [E, B], computed by classes first, then examples, so that a sum over few classes is one over long rows."""
    return -outputs.mT.log_softmax(-2).gather(-2, labels.unsqueeze(-2)).squeeze(-2)


def of_mean(outputs: Tensor, shares: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [n] of the mean probability: -log of the mean of exp(-loss), in logarithms, for one may be 1e-400."""
    found: Tensor = -(shares.log() - each(outputs, labels.expand(len(outputs), -1), options)).logsumexp(0)
    return found


def second(outputs: Tensor, _options: Options) -> Tensor:
    """The second derivatives p (1 - p) [n, classes], computed by classes first, as the losses are."""
    p: Tensor = outputs.mT.softmax(-2).mT
    return p * (1 - p)


def predict(outputs: Tensor, _options: Options, _numbers: bool) -> Tensor:
    """Class probabilities [n, classes]."""
    return outputs.softmax(-1)


CROSS_ENTROPY = Loss(each, second, of_mean, predict, parameters={})
