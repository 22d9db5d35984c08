"""The emphasizing schemes a study can name: one file each, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.emphasis.base import Emphasis, ExampleState
from slalom_worker.emphasis.class_balanced import CLASS_BALANCED
from slalom_worker.emphasis.focal import FOCAL
from slalom_worker.emphasis.misclassified import MISCLASSIFIED
from slalom_worker.emphasis.uniform import UNIFORM

if TYPE_CHECKING:
    from collections.abc import Mapping

EMPHASIS: Mapping[str, Emphasis] = {
    "uniform": UNIFORM,
    "class_balanced": CLASS_BALANCED,
    "misclassified": MISCLASSIFIED,
    "focal": FOCAL,
}

__all__ = ["EMPHASIS", "Emphasis", "ExampleState"]
