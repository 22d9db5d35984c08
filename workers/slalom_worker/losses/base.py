"""What a loss is to a pack: a number for each example, from a net's outputs and the example's label.

Like the optimizers, the files here load without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from slalom.wire.kinds import Kinds

    Options = Mapping[str, Any]


@dataclass(frozen=True)
class Loss:
    """What is minimised.

    each: losses [E, B] from outputs [E, B, k], labels [E, B] (classes) or [E, B, k] (numbers), and the options
    second: the second derivatives [n, k] of an example's loss by a net's outputs [n, k], as a Gauss-Newton matrix has
        them on its diagonal
    together: losses [n] of what several nets say together, from their outputs [M, n, k] and their shares [M, n] in it
        (of sum 1), labels [n] or [n, k], and the options
    predict: (outputs [n, k], options, numbers) -> what the net says [n, k]: numbers, or class probabilities
    parameters: what a study may set of it
    """

    each: Callable[[Tensor, Tensor, Options], Tensor]
    second: Callable[[Tensor, Options], Tensor]
    together: Callable[[Tensor, Tensor, Tensor, Options], Tensor]
    predict: Callable[[Tensor, Options, bool], Tensor]
    parameters: Kinds
