"""What a loss is to a pack: it gives each example a number, from a net's outputs and the example's label.

Like the optimizers, the files here load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from slalom.wire.kinds import Kinds

    Options = Mapping[str, Any]


@dataclass(frozen=True)
class Loss:
    """What training minimises. Each function's `options` are those of the study file's `loss:`.

    each: (outputs [E, B, k], labels [E, B] (classes) or [E, B, k] (numbers), options) -> losses [E, B]
    second: (outputs [n, k], options) -> second derivatives [n, k] of each example's loss by the outputs, as on a
        Gauss-Newton matrix's diagonal
    of_mean: (outputs [M, n, k], shares [M, n] of sum 1, labels [n] or [n, k], options) -> losses [n] of the mean of
        what M nets predict, weighted by the shares
    predict: (outputs [n, k], options, whether the task is a regression) -> predictions [n, k]: numbers, or class
        probabilities
    parameters: what a study may set of the loss
    slope: (outputs [n, k], options) -> the sum [n] of the loss's first derivatives by an example's outputs, where that
        is the same for every label; None where the sum is 0, or depends on the label
    average: (T outputs [.., n, k], options) -> outputs [.., n, k] that predict the mean of what these T predict; None
        where no outputs predict that mean
    """

    each: Callable[[Tensor, Tensor, Options], Tensor]
    second: Callable[[Tensor, Options], Tensor]
    of_mean: Callable[[Tensor, Tensor, Tensor, Options], Tensor]
    predict: Callable[[Tensor, Options, bool], Tensor]
    parameters: Kinds
    slope: Callable[[Tensor, Options], Tensor] | None = None
    average: Callable[[Sequence[Tensor], Options], Tensor] | None = None
