"""The packs that a lane keeps open: each made when trials wait for it, the oldest closed when there are too many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slalom.errors import SlalomError
from slalom_worker.lane.data import checked_split
from slalom_worker.lane.results import failed_result
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import open_task
from slalom_worker.training.pack import Pack

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch

    from slalom.wire.trial import Order, TrialResult, Turn
    from slalom_worker.lane.width import Width
    from slalom_worker.methods import Methods
    from slalom_worker.tasks import Data

MOST_PACKS = 16
"""Most packs that a lane keeps open, each with its data: an arm that searches an option of its task needs a pack for
each value. A closed pack is opened again where trials wait for it.
"""


@dataclass
class OpenPacks:
    """A lane's packs, each under the pack key of its trials.

    width, data, digests: see `LaneWorker`
    packs: the open packs; widths: the slots of every pack that was opened so far; both by pack key
    found: measured numbers of slots that were not told yet, by the program's digest
    """

    folder: Path
    methods: Methods
    device: torch.device
    width: int | Callable[[Objective, Order], Width]
    data: Data | None
    digests: Mapping[str, str]
    packs: dict[str, Pack] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    _most: dict[str, int] = field(default_factory=dict)

    @property
    def measures(self) -> bool:
        """Whether a pack's width is measured when its first trials come."""
        return not isinstance(self.width, int)

    def take(self, turn: Turn) -> None:
        """Take over the widths that the study has noted, unless the width is given.

        A pack that did not fit into memory at the noted width stays narrower.
        """
        if not self.measures:
            return
        for order in turn.orders:
            work = order.trial.work
            if work.digest in turn.widths:
                noted = turn.widths[work.digest]
                self.widths[work.key] = min(noted, self._most.get(work.key, noted))

    def shrink(self, key: str, slots: int) -> None:
        """Give the key's packs no more than these slots from now on, whatever width the study notes."""
        self.widths[key] = self._most[key] = slots

    def told(self) -> dict[str, int]:
        """The numbers of slots that were measured since the last call, by the program's digest."""
        found, self.found = self.found, {}
        return found

    def open(self, key: str, orders: deque[Order]) -> list[TrialResult]:
        """Make the key's pack, for the orders that wait for it, unless the pack is open.

        Returns results for the trials that failed, and removes their orders: all orders where the pack cannot be made.
        """
        if key in self.packs:
            return []
        work = orders[0].trial.work
        try:
            task = open_task(work.task, self.folder)
            data = checked_split(task, work, self.digests) if self.data is None else self.data
            if orders[0].trial.split is not None:
                data = data.pooled()  # here, so that what was loaded is not kept beside it
            objective = Objective(work, data, task, self.device, self.methods)
        except SlalomError as exc:
            failed = [failed_result(order.trial, str(exc)) for order in orders]
            orders.clear()
            return failed
        failed = self._find_width(key, objective, orders)
        if orders:
            self.packs[key] = Pack(objective)
            for oldest in list(self.packs)[: max(0, len(self.packs) - MOST_PACKS)]:
                del self.packs[oldest]
        return failed

    def _find_width(self, key: str, objective: Objective, orders: deque[Order]) -> list[TrialResult]:
        """Set the width of a new pack, measured by the first of its orders that can be trained.

        Returns failed results for the orders before that one, which are removed from `orders`. The width is not set
        where no order is left.
        """
        if isinstance(self.width, int):
            self.widths.setdefault(key, self.width)
            return []
        failed: list[TrialResult] = []
        while orders and key not in self.widths:
            try:
                width = self.width(objective, orders[0])
            except SlalomError as exc:
                failed.append(failed_result(orders.popleft().trial, str(exc)))
                continue
            self.widths[key] = width.slots
            if width.lasting:
                self.found[objective.work.digest] = width.slots
        return failed
