"""The wait for a study's first lane, and when it is given up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure
from slalom.lanes.hangs import GAP_SECONDS
from slalom.lanes.on_ray.sharing.allotment import GROW_SECONDS
from slalom.lanes.on_ray.sharing.ledger import has_place
from slalom.lanes.on_ray.sharing.room import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from slalom.lanes.on_ray.lane import Lane
    from slalom.lanes.on_ray.sharing.allotment import Allotment


class FirstLane:
    """Watches whether some lane opens in time. The loop's thread alone calls it.

    A lane for which the cluster has no room is waited for as long as the study's allotment says. One that has a place
    is waited for GROW_SECONDS: on a busy machine a process may import for minutes. Ray's client cannot tell the two
    apart. Time goes on from one `look` to the next, by GAP_SECONDS at most, since the loop may have been stopped.
    """

    def __init__(
        self, ray: Any, allotment: Allotment, *, client: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ray = ray
        self._allotment = allotment
        self._client = client
        self._clock = clock
        self._looked, self._waited = clock(), 0.0

    def look(self, lanes: Collection[Lane]) -> None:
        """Raise Infrastructure where none of the lanes is open and the time in which one must have opened is over."""
        now = self._clock()
        step, self._looked = min(now - self._looked, GAP_SECONDS), now
        if self._allotment.waits or any(lane.opening is None for lane in lanes):
            self._waited = 0.0
            return
        self._waited += step
        limit = self._allotment.patience
        if limit < self._waited <= GROW_SECONDS and not self._client:
            limit = GROW_SECONDS if has_place((lane.actor for lane in lanes), self._allotment.need.bundle) else limit
        if self._waited > limit:
            raise Infrastructure(
                f"no lane has opened within {limit:g} s: {self._allotment}; the cluster's free resources are "
                f"{brief(self._ray.available_resources())}"
            )
