"""The models a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.models.base import Model
from slalom_worker.models.mlp import MLP

if TYPE_CHECKING:
    from collections.abc import Mapping

MODELS: Mapping[str, Model] = {"mlp": MLP}

__all__ = ["MODELS", "Model"]
