"""The models a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.models.alexnet import ALEXNET
from slalom_worker.models.alexnet_single import ALEXNET_SINGLE
from slalom_worker.models.alexnet_small import ALEXNET_SMALL
from slalom_worker.models.base import Model
from slalom_worker.models.convnet import CONVNET
from slalom_worker.models.deepobs_2c2d import DEEPOBS_2C2D
from slalom_worker.models.lenet5 import LENET5
from slalom_worker.models.lenet5_modern import LENET5_MODERN
from slalom_worker.models.lenet1989 import LENET1989
from slalom_worker.models.mlp import MLP

if TYPE_CHECKING:
    from collections.abc import Mapping

MODELS: Mapping[str, Model] = {
    "mlp": MLP,
    "convnet": CONVNET,
    "lenet1989": LENET1989,
    "lenet5": LENET5,
    "lenet5_modern": LENET5_MODERN,
    "2c2d": DEEPOBS_2C2D,
    "alexnet": ALEXNET,
    "alexnet_single": ALEXNET_SINGLE,
    "alexnet_small": ALEXNET_SMALL,
}

__all__ = ["MODELS", "Model"]
