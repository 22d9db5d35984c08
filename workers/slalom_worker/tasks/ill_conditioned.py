"""A quadratic loss with a chosen condition number, which alone makes gradient descent slow.

Linear regression, y = x . w, without noise and for a model without bias. Example i is x_i = sqrt(n lambda_i) e_i with
n = `dimensions`, so that half the mean squared error, 1/(2n) sum_i (y_i - x_i . w)^2, has the Hessian
diag(lambda_1, ..., lambda_n), spread evenly on a log scale from 1 to `condition`. The optimum is w_i = 1/lambda_i:
at w = 0 every component of the gradient is -1.
Sources: Y. LeCun, L. Bottou, G. Orr, K.-R. Mueller 1998, "Efficient BackProp", 5.1 and 5.2; for the best constants,
B. Polyak 1964, "Some methods of speeding up the convergence of iteration methods".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slalom.wire.kinds import Integer, Number
from slalom_worker.tasks.base import TaskKind
from slalom_worker.tasks.data import Data, Split

if TYPE_CHECKING:
    from slalom_worker.tasks.parts import Splits

WORST = 1e12
"""The largest condition number: far more than descent can handle, while inputs and targets stay well within float32."""
MOST_DIMENSIONS = 1000


@dataclass(frozen=True)
class IllConditioned:
    """Inputs [dimensions], one target; training, validation and test are the same examples.

    condition: the Hessian's largest eigenvalue over its smallest, which is 1
    dimensions: number of inputs, and of examples
    """

    splits: ClassVar[Splits] = "one"
    condition: float = 100.0
    dimensions: int = 2

    def load(self) -> Data:
        """The data, with the fact "condition", which the examples have to float32 accuracy."""
        # Python's powers: numpy's round differently on a processor with AVX-512
        shares = [number / (self.dimensions - 1) for number in range(self.dimensions)]
        eigenvalues = np.array([float(self.condition) ** share for share in shares])
        lengths = np.sqrt(self.dimensions * eigenvalues)
        examples = Split(
            np.diag(lengths).astype(np.float32),
            (lengths / eigenvalues).astype(np.float32)[:, None],
        )
        return Data(examples, examples, examples, classes=None, facts={"condition": float(self.condition)})


ILL_CONDITIONED = TaskKind(
    IllConditioned,
    {"condition": Number(100.0, low=1.0, high=WORST), "dimensions": Integer(2, low=2, high=MOST_DIMENSIONS)},
)
