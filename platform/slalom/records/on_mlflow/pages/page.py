"""What one MLflow run shows: tags, parameters and metric values, as plain values before any call to MLflow.

Numbers that are not finite are left out: MLflow stores infinity as 1.8e308, which flattens every chart, and NaN as a
number beside a flag. That a trial diverged is shown by the tag of its outcome.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

NOTE = "mlflow.note.content"
"""The tag that MLflow's web pages show as the description of a run or an experiment."""

METHODS = ("task", "model", "loss")
"""Settings of the form {"name": ..., **options}."""

LONGEST_TAG = 8000
"""The most characters that MLflow keeps of a tag."""


class MetricPoint(NamedTuple):
    """A metric's value at a step.

    seconds: when it was measured, since the epoch; None stands for the time at which it is written
    """

    name: str
    value: float
    step: int
    seconds: float | None = None


@dataclass(frozen=True)
class Page:
    """What one run shows."""

    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[MetricPoint, ...] = ()


def identity(fingerprint: str, kind: str, arm: str | None = None) -> dict[str, str]:
    """The tags by which the run of a study, an arm, a trial or a night is found again.

    kind: "study", "arm", "trial", "regression" or "model"
    """
    tags = {"slalom.kind": kind, "slalom.fingerprint": fingerprint}
    return tags if arm is None else {**tags, "slalom.arm": arm}


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Settings by dotted name: texts as they are, other values as JSON; distributions are left out."""
    found: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, str | int | float | list | tuple):
            found[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return found


def spelled(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as MLflow's parameters: `model` is the model's name, `model.hidden` one of its options.

    The task and the loss are spelled in the same way, see METHODS; all others by dotted name, see `flat`.
    """
    named: dict[str, Any] = {}
    for word, value in settings.items():
        if word in METHODS and isinstance(value, Mapping):
            named |= {word if name == "name" else f"{word}.{name}": option for name, option in value.items()}
        else:
            named[word] = "all" if word == "batch_size" and value is None else value
    return flat(named)


def cut(text: str) -> str:
    """The text, shortened to LONGEST_TAG characters, with a mark at its end where it was shortened."""
    mark = "\n\n(shortened)"
    return text if len(text) <= LONGEST_TAG else text[: LONGEST_TAG - len(mark)] + mark
