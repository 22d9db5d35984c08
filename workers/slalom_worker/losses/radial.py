"""LeNet-5's loss: -log of the label's probability among the classes and a rubbish class whose output is -j.

    -o[label] + log(exp(-j) + sum_i exp(o_i))

where the outputs o are minus the penalties (distances to the classes' codes). The second term keeps the trained units
from making all penalties small; a class whose penalty is far above j is not pushed further away. The source does not
say what j is.
Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", equation 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.wire.kinds import positive
from slalom_worker.losses.base import Loss

if TYPE_CHECKING:
    from torch import Tensor

    from slalom_worker.losses.base import Options


def each(outputs: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [E, B]."""
    return -_logs(outputs, options).gather(-2, labels.unsqueeze(-2)).squeeze(-2)


def _logs(outputs: Tensor, options: Options) -> Tensor:
    """Logarithms of the classes' probabilities [.., classes, n] from outputs [.., n, classes]."""
    import torch

    by_class = outputs.mT
    rubbish = torch.full_like(by_class[..., :1, :], -float(options["j"]))
    logs: Tensor = torch.cat([by_class, rubbish], -2).log_softmax(-2)[..., :-1, :]
    return logs


def of_mean(outputs: Tensor, shares: Tensor, labels: Tensor, options: Options) -> Tensor:
    """Losses [n] of the mean probability, computed in logarithms, since a probability may be 1e-400."""
    logs = (shares.log().unsqueeze(1) + _logs(outputs, options)).logsumexp(0)
    return -logs.gather(-2, labels.unsqueeze(-2)).squeeze(-2)


def second(outputs: Tensor, options: Options) -> Tensor:
    """The second derivatives p (1 - p) [n, classes]."""
    p = _logs(outputs, options).exp().mT
    return p * (1 - p)


def slope(outputs: Tensor, options: Options) -> Tensor:
    """The sum [n] of the first derivatives: minus the probability of the rubbish class."""
    return _logs(outputs, options).exp().sum(-2) - 1


def predict(outputs: Tensor, _options: Options, _numbers: bool) -> Tensor:
    """Class probabilities [n, classes], without the rubbish class."""
    return outputs.softmax(-1)


RADIAL = Loss(each, second, of_mean, predict, parameters={"j": positive(1.0)}, slope=slope)
