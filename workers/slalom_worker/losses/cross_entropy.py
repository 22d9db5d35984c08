"""Cross-entropy of the softmax: -log softmax(outputs)[label], the likelihood of classes.

With label smoothing s, the target of k classes is s / k for each, and 1 - s more for the example's own:
    (1 - s) * -log p[label] + s * mean(-log p)
as torch.nn.CrossEntropyLoss. Sources: Bridle 1990, "Probabilistic interpretation of feedforward classification network
outputs"; Szegedy et al. 2016, "Rethinking the inception architecture", section 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction
from slalom_worker.losses.base import Loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from slalom_worker.losses.base import Options


def each(outputs: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [E, B], computed with classes before examples, so that a sum over few classes adds up long rows."""
    return _smoothed(outputs.mT.log_softmax(-2), labels, options)


def _smoothed(logs: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [.., n] from logarithms of probabilities [.., classes, n]."""
    own: Tensor = -logs.gather(-2, labels.unsqueeze(-2)).squeeze(-2)
    smoothing = options["label_smoothing"]
    return own if smoothing == 0 else own * (1 - smoothing) - logs.mean(-2) * smoothing


def of_mean(outputs: Tensor, shares: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [n] of the mean probability, computed in logarithms, since a probability may be 1e-400."""
    logs = (shares.log().unsqueeze(1) + outputs.mT.log_softmax(-2)).logsumexp(0)
    return _smoothed(logs, labels, options)


def second(outputs: Tensor, _options: Options) -> Tensor:
    """The second derivatives p (1 - p) [n, classes], computed with classes before examples, as the losses are."""
    p: Tensor = outputs.mT.softmax(-2).mT
    return p * (1 - p)


def predict(outputs: Tensor, _options: Options, _numbers: bool) -> Tensor:
    """Class probabilities [n, classes]."""
    return outputs.softmax(-1)


def average(outputs: Sequence[Tensor], _options: Options) -> Tensor:
    """Logarithms of the mean probabilities [.., n, classes]: outputs that predict these probabilities."""
    logs = [one.mT.log_softmax(-2) for one in outputs]
    # one after the other: the rounding of a sum over stacked outputs may depend on their number
    most, *rest = logs
    for one in rest:
        most = most.maximum(one)
    total = (logs[0] - most).exp()
    for one in logs[1:]:
        total = total + (one - most).exp()
    found: Tensor = (total / len(logs)).log() + most
    return found.mT


CROSS_ENTROPY = Loss(each, second, of_mean, predict, parameters={"label_smoothing": fraction(0.0)}, average=average)
