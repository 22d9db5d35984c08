"""The tests of `make quick`: those that are neither `slow` nor `thorough`, which are some of every room's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

LEFT_OUT = ("slow", "thorough")
"""The marks of what `make quick` leaves out."""

ROOMS: pytest.StashKey[dict[str, int]] = pytest.StashKey()
"""The tests of `make quick` in each room of which all files were collected; see `rooms`."""


def few(cases: Iterable, quick: int = 1) -> list:
    """The cases of a parameter, all but the first so many marked as thorough."""
    cases = list(cases)
    return [*cases[:quick], *(pytest.param(*_values(case), marks=pytest.mark.thorough) for case in cases[quick:])]


def _values(case) -> tuple:
    """Those of one case: a tuple is of several parameters at once."""
    return tuple(case) if type(case) is tuple else (case,)


def rooms(tests: Path, items: Iterable[pytest.Item]) -> dict[str, int]:
    """How many tests of `make quick` each folder below `tests` has, of those whose every file was collected."""
    collected, quick = set(), {}
    for item in items:
        collected.add(item.path)
        if not any(item.get_closest_marker(mark) for mark in LEFT_OUT):
            quick[item.path.parent] = quick.get(item.path.parent, 0) + 1
    whole = {}
    for folder in {file.parent for file in collected}:
        if folder.is_relative_to(tests) and collected >= set(folder.glob("test_*.py")):
            whole[folder.relative_to(tests).as_posix()] = quick.get(folder, 0)
    return whole
