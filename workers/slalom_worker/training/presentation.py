"""How an epoch presents the training examples to a net: how often each is drawn, and what its loss is multiplied by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from slalom_worker.emphasis.base import BY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom_worker.emphasis import Emphasis, ExampleState


class Presentation(NamedTuple):
    """How an epoch presents n training examples to one net.

    cumulated: probabilities [n] float64 to draw by, cumulated, or None where each example comes once
    weights: what an example's loss is multiplied by [n] float64, with mean 1 over the epoch, or None where it is 1
    """

    cumulated: Tensor | None = None
    weights: Tensor | None = None


def present(
    scheme: Emphasis, emphasis: Mapping[str, Any], state: ExampleState, bag: Tensor | None = None
) -> Presentation:
    """The presentation of an epoch by an emphasizing scheme.

    emphasis: {"scheme": name, "by": ..., **parameters}
    state: of the training examples when the epoch begins
    bag: the training examples [n] that the net is trained on, so that an example counts as often as it is in there
    """
    if scheme.weights is None:
        return Presentation()
    weights = torch.as_tensor(scheme.weights(state, emphasis), dtype=torch.float64)
    if emphasis.get("by", BY.default) == "weighting":
        return Presentation(weights=weights / (weights if bag is None else weights[bag]).mean())
    if bag is not None:
        weights = weights * torch.bincount(bag, minlength=len(weights))
    cumulated = weights.cumsum(0)
    return Presentation(cumulated=cumulated / cumulated[-1])
