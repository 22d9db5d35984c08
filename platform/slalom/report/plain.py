"""A study as it stands, for a program: the object that `--json` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary


def as_json(spec: StudySpec, summary: Summary, where: Mapping[str, str]) -> dict[str, Any]:
    """The object that `--json` prints; numbers that are not finite become null.

    where: "home", "storage" and "tracking_uri", without passwords
    """
    throughput = summary.throughput
    found = {
        "study": spec.name,
        "question": spec.question,
        "about": spec.about,
        "fingerprint": spec.fingerprint,
        "state": summary.state.value,
        **{name: where.get(name) for name in ("home", "storage", "tracking_uri")},
        "metric": {"name": spec.metric.name, "goal": spec.metric.goal},
        "baseline": spec.compare.baseline,
        "alpha": spec.compare.alpha,
        "facts": spec.facts,
        "arms": summary.arms,
        "verdict": summary.verdict,
        "throughput": {
            "trials_per_second": throughput.trials_per_second,
            "slot_utilisation": throughput.slot_utilisation,
            "pack_width": throughput.pack_width,
        },
    }
    made: dict[str, Any] = plain(found)
    if summary.verdict is not None:
        for name in ("comparisons", "pairs"):  # the first are the arms' differences
            del made["verdict"][name]
    return made


def plain(value: Any) -> Any:
    """The value in JSON's own types."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
