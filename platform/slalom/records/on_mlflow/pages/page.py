"""What one run shows in MLflow: tags, parameters and metric values, before any call to MLflow.

Numbers that are not finite are left out: MLflow stores infinity as 1.8e308, which flattens every chart, and NaN
as a number beside a flag. That a trial diverged is its outcome, a tag.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

NOTE = "mlflow.note.content"
"""The tag that MLflow's browser shows as a description."""

METHODS = ("task", "model", "loss")
"""Settings {"name": ..., **options}."""

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


def spelled(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as MLflow's parameters: a task, model or loss under its own word, what it is set to behind that."""
    named: dict[str, Any] = {}
    for word, value in settings.items():
        if word in METHODS and isinstance(value, Mapping):
            named |= {word if name == "name" else f"{word}.{name}": option for name, option in value.items()}
        else:
            named[word] = "all" if word == "batch_size" and value is None else value
    return flat(named)


def cut(text: str) -> str:
    """The text, shortened to what MLflow keeps of a tag."""
    mark = "\n\n(shortened)"
    return text if len(text) <= LONGEST_TAG else text[: LONGEST_TAG - len(mark)] + mark
