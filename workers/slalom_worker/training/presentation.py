"""How an epoch presents the training examples to a net: how often each is drawn, and by what factor its loss counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from slalom.errors import InputError, quoted
from slalom_worker.emphasis.base import BY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom_worker.emphasis import Emphasis, ExampleState


class Presentation(NamedTuple):
    """How an epoch presents n training examples to one net.

    cumulated: cumulative probabilities [n] float64 to draw by, or None where each example comes once
    weights: the factor of each example's loss [n] float64, with mean 1 over the epoch, or None where it is 1
    """

    cumulated: Tensor | None = None
    weights: Tensor | None = None


def present(
    scheme: Emphasis, emphasis: Mapping[str, Any], state: ExampleState, bag: Tensor | None = None
) -> Presentation:
    """The presentation of an epoch by an emphasizing scheme.

    emphasis: {"scheme": name, "by": ..., **parameters}
    state: the training examples' state when the epoch begins
    bag: the training examples [n] that the net is trained on, in which an example may occur several times
    Raises InputError where the scheme's weights are no array [n] of finite numbers above 0.
    """
    if scheme.weights is None:
        return Presentation()
    weights = weights_of(scheme, emphasis, state)
    if emphasis.get("by", BY.default) == "weighting":
        return Presentation(weights=weights / (weights if bag is None else weights[bag]).mean())
    if bag is not None:
        weights = weights * torch.bincount(bag, minlength=len(weights))
    cumulated = weights.cumsum(0)
    return Presentation(cumulated=cumulated / cumulated[-1])


def weights_of(scheme: Emphasis, emphasis: Mapping[str, Any], state: ExampleState) -> Tensor:
    """The examples' weights [n] float64 by a scheme; InputError unless the scheme gives finite numbers above 0."""
    count, name = len(state.labels), emphasis["scheme"]
    found = None if scheme.weights is None else scheme.weights(state, emphasis)
    wanted = f"{name}: weights must give a numpy array [{count}] of finite numbers above 0, one for each example"
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiub":
        raise InputError(f"{wanted}, but gave {quoted(found)}")
    if found.shape != (count,):
        raise InputError(f"{wanted}, but gave one of the shape {[*found.shape]}")
    wrong = ~(np.isfinite(found) & (found > 0))
    if wrong.any():
        raise InputError(f"{wanted}, but gave {found[wrong][0]} for example {int(wrong.argmax())}")
    return torch.as_tensor(found, dtype=torch.float64)
