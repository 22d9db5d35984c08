"""What people are shown of a net whose weights are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Learned:
    """What is shown of a trial's nets beside their weights; no number of the study depends on it.

    metrics: numbers by name, such as "filters.orientation"
    files: contents by place among the trial's artifacts, such as "filters/first_layer.png"
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


NOTHING = Learned()

DECISIONS = "decisions/plane.json"
"""The file with what nets decide over the plane; `slalom_worker.training.deciding` says what it holds."""
