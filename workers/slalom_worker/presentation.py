"""How a trial's epoch presents the training examples: which are drawn, and how big a step each takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from slalom_worker.emphasis import EMPHASIS, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class Presentation(NamedTuple):
    """What one net's emphasis makes of the n training examples in an epoch.

    cumulated: sampling probabilities [n] float64, cumulated, or None for each example once an epoch
    weights: what an example's loss is multiplied by [n] float64, of mean 1, or None for 1
    """

    cumulated: Tensor | None = None
    weights: Tensor | None = None


def reads_net(emphasis: Mapping[str, Any]) -> bool:
    """Whether the scheme {"scheme": name, **parameters} has to know what the net gets wrong."""
    return EMPHASIS[emphasis["scheme"]].reads_net


def present(emphasis: Mapping[str, Any], labels: np.ndarray, misses: Tensor | None, epoch: int) -> Presentation:
    """The presentation of an epoch; misses: [n] as in Standing, or None where none are known."""
    scheme = EMPHASIS[emphasis["scheme"]]
    if scheme.weights is None:
        return Presentation()
    known = np.zeros(len(labels)) if misses is None else misses.cpu().numpy()
    weights = torch.as_tensor(scheme.weights(Standing(labels, known, epoch), emphasis), dtype=torch.float64)
    if emphasis["by"] == "weighting":
        return Presentation(weights=weights / weights.mean())
    cumulated = weights.cumsum(0)
    return Presentation(cumulated=cumulated / cumulated[-1])
