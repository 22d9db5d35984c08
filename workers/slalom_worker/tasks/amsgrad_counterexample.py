"""A convex problem on which Adam goes to the worst point of the domain, and AMSGrad to the best.

The gradient is 1010 once in 101 examples and -10 otherwise, on [-1, 1]: on average 10/101, so w = -1 is the optimum.
Adam divides the rare large gradient by its own size, takes the frequent small ones almost as they are, and climbs
to +1. It is posed as linear regression for a model of one weight, without bias, that starts at w = 0: for an input e
and the target -c/e half the squared error has the gradient c + e^2 w. With batches of one, each epoch in a new order,
this is the stochastic form of the problem. Half the squared error of the validation's only example is (w + 1)^2 / 2:
0 at the optimum, 2 at the wrong end.
Source: S. Reddi, S. Kale, S. Kumar 2018, "On the convergence of Adam and beyond", section 5 (beta 0.9 and 0.99).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.data import Data, Split

if TYPE_CHECKING:
    from slalom_worker.tasks.parts import Splits

EPOCH = 101
RARE, FREQUENT = 1010.0, -10.0
BOUND = 1.0
INPUT = 1 / 32
"""The input e: a power of two, so that inputs and targets are exact in float32; e^2 w is at most 1 % of the mean
gradient. A smaller e would leave fewer digits of the gradient.
"""


@dataclass(frozen=True)
class AmsgradCounterexample:
    """Inputs [1], one target; 101 training examples, the rare one first."""

    splits: ClassVar[Splits] = "one"

    def load(self) -> Data:
        """The problem's data. Targets lie beyond the domain, so the loss of every training example is far from 0."""
        gradients = np.full((EPOCH, 1), FREQUENT, np.float32)
        gradients[0] = RARE
        measured = Split(np.ones((1, 1), np.float32), np.full((1, 1), -BOUND, np.float32))
        return Data(
            train=Split(np.full((EPOCH, 1), INPUT, np.float32), -gradients / np.float32(INPUT)),
            validation=measured,
            test=measured,
            classes=None,
            bound=BOUND,
        )


AMSGRAD_COUNTEREXAMPLE = TaskKind(AmsgradCounterexample)
