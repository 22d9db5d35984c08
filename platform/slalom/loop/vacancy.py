"""Finds the emptiest lane without looking at all lanes."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Vacancies:
    """A heap of lanes by load, the lower number first among equals, whose entries may be out of date.

    `load` gives a lane's present load, or None where it takes nothing more. `changed` must be called after each change
    of a load. Outdated entries are thrown away when they come up, so a look costs the logarithm of the number of lanes.
    """

    def __init__(self, load: Callable[[int], int | None]) -> None:
        self._load = load
        self._lanes: set[int] = set()
        self._heap: list[tuple[int, int]] = []

    def changed(self, lane: int) -> None:
        """Note that a lane is new or gone, or that its load may have changed."""
        self._lanes.add(lane)
        load = self._load(lane)
        if load is not None:
            heapq.heappush(self._heap, (load, lane))
        if len(self._heap) > 4 * len(self._lanes):
            self._count_anew()

    def emptiest(self) -> tuple[int, int] | None:
        """Load and number of the lane with the least load; None where no lane takes more."""
        while self._heap:
            load, lane = self._heap[0]
            if self._load(lane) == load:
                return load, lane
            heapq.heappop(self._heap)
        return None

    def _count_anew(self) -> None:
        loads = ((self._load(lane), lane) for lane in self._lanes)
        self._heap = [(load, lane) for load, lane in loads if load is not None]
        heapq.heapify(self._heap)
