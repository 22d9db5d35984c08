"""What one run shows in MLflow: tags, parameters and metric values, before any call to MLflow.

Numbers that are not finite are left out: MLflow stores infinity as 1.8e308, which flattens every chart, and NaN
as a number beside a flag. That a trial diverged is its outcome, a tag.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from slalom.trial import Work

NOTE = "mlflow.note.content"
"""The tag that MLflow's browser shows as a description."""

LONGEST_TAG = 8000
"""Characters that MLflow keeps of a tag."""


class Point(NamedTuple):
    """A metric's value; seconds since the epoch, or None for now."""

    name: str
    value: float
    step: int
    seconds: float | None = None


@dataclass(frozen=True)
class Page:
    """What one run shows."""

    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[Point, ...] = ()


def identity(fingerprint: str, kind: str, arm: str | None = None) -> dict[str, str]:
    """The tags by which the run of a study, an arm or a trial is found again."""
    tags = {"slalom.kind": kind, "slalom.fingerprint": fingerprint}
    return tags if arm is None else {**tags, "slalom.arm": arm}


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Settings by dotted name: words as they are, other values as JSON, distributions left out."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, str | int | float | list | tuple):
            found[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return found


def program(work: Work) -> dict[str, Any]:
    """What shapes the program; the names of task and model stand under "task" and "model"."""
    named = {
        kind if name == "name" else f"{kind}.{name}": value
        for kind, settings in (("task", work.task), ("model", work.model))
        for name, value in settings.items()
    }
    batch_size = "all" if work.batch_size is None else work.batch_size
    return {**named, "batch_size": batch_size, "precision": work.precision}


def cut(text: str) -> str:
    """The text, shortened to what MLflow keeps of a tag."""
    mark = "\n\n(shortened)"
    return text if len(text) <= LONGEST_TAG else text[: LONGEST_TAG - len(mark)] + mark
