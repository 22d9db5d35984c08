"""What differs between a baseline and today: versions, settings, the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from slalom.regression.baseline import settings

if TYPE_CHECKING:
    from slalom.regression.baseline import Baseline
    from slalom.regression.retrain import Choices
    from slalom.study.model import StudySpec

NOTHING = "nothing"


class Change(NamedTuple):
    """What differs, by its dotted name, with its value in the baseline and today as text."""

    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before} -> {self.now}"


def changes(
    baseline: Baseline,
    today: StudySpec,
    versions: Mapping[str, str],
    device: str,
    chosen: Choices,
) -> tuple[Change, ...]:
    """What differs between a baseline and today, in the order of the names.

    today: the study as its file is now
    versions, device: today's
    chosen: the hyperparameters that were trained today, by arm
    """
    before = {
        "version": dict(baseline.versions),
        "device": baseline.device,
        "study": baseline.settings,
        "chosen": _numbered({arm.name: arm.params for arm in baseline.arms}),
    }
    now = {"version": versions, "device": device, "study": settings(today), "chosen": _numbered(chosen)}
    was, is_now = dict(_flat(before)), dict(_flat(now))
    names = sorted(was.keys() | is_now.keys())
    pairs = [Change(name, was.get(name, NOTHING), is_now.get(name, NOTHING)) for name in names]
    return tuple(pair for pair in pairs if pair.before != pair.now)


def _numbered(chosen: Choices) -> Mapping[str, Any]:
    """The choices of each arm by the number of their search."""
    return {arm: {str(search): params for search, params in enumerate(every)} for arm, every in chosen.items()}


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in _flat(item, f"{name}.{key}" if name else str(key))]
    return [(name, f"{value}")]
