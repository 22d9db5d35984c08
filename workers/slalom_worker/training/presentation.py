"""How a trial's epoch presents the training examples: which are drawn, and how big a step each takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from slalom_worker.emphasis import EMPHASIS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom_worker.emphasis import Standing


class Presentation(NamedTuple):
    """What one net's emphasis makes of the n training examples in an epoch.

    cumulated: sampling probabilities [n] float64, cumulated, or None for each example once an epoch
    weights: what an example's loss is multiplied by [n] float64, of mean 1 over what an epoch presents, or None for 1
    """

    cumulated: Tensor | None = None
    weights: Tensor | None = None


def reads_net(emphasis: Mapping[str, Any]) -> bool:
    """Whether the scheme {"scheme": name, **parameters} has to know what the net gets wrong."""
    return EMPHASIS[emphasis["scheme"]].reads_net


def present(emphasis: Mapping[str, Any], standing: Standing, bag: Tensor | None = None) -> Presentation:
    """The presentation of an epoch.

    bag: the examples [n] that stand in place of the training examples, so that one is drawn as often as it is in there
    """
    scheme = EMPHASIS[emphasis["scheme"]]
    if scheme.weights is None:
        return Presentation()
    weights = torch.as_tensor(scheme.weights(standing, emphasis), dtype=torch.float64)
    if emphasis["by"] == "weighting":
        return Presentation(weights=weights / (weights if bag is None else weights[bag]).mean())
    if bag is not None:
        weights = weights * torch.bincount(bag, minlength=len(weights))
    cumulated = weights.cumsum(0)
    return Presentation(cumulated=cumulated / cumulated[-1])
