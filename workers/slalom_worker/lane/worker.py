"""The working half of a lane: keeps a pack full, turn by turn, and says what came of it."""

from __future__ import annotations

import math
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import SlalomError
from slalom.wire.trial import Effort, Outcome, Reply, Report, TrialResult
from slalom_worker.lane.device import describe, memory, open_device
from slalom_worker.lane.width import best_width
from slalom_worker.net.objective import Objective
from slalom_worker.serving import freeze
from slalom_worker.tasks import open_task
from slalom_worker.training.measures import measure
from slalom_worker.training.nets import Nets, count_nets
from slalom_worker.training.pack import Pack
from slalom_worker.training.recording import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from slalom.wire.trial import Metrics, Order, TrialId, TrialSpec, Turn
    from slalom_worker.tasks import Data


class LaneWorker:
    """Trains what it is ordered, one pack at a time; refills a freed slot before the pack's next epoch."""

    def __init__(
        self,
        folder: Path | str = ".",
        width: int | None = None,
        turn_seconds: float = 0.25,
        device: torch.device | None = None,
        clock: Callable[[], float] = time.monotonic,
        data: Data | None = None,
    ) -> None:
        """folder: where a user's task file lies; width: slots of a pack, or None for the best, by measurement.

        device: instead of the best there is
        data: of the one task that all orders have, shared with other lanes and so never written to; without, the worker
            loads them itself
        """
        self.device = device or open_device()
        self.device_name = describe(self.device)
        self.folder = Path(folder)
        self.width = width
        self.turn_seconds = turn_seconds
        self.clock = clock
        self.data = data
        self.waiting: dict[str, deque[Order]] = {}
        self.parked: dict[TrialId, Nets] = {}
        self.seated: list[Nets] = []
        self.packs: dict[str, Pack] = {}
        self.widths: dict[str, int] = {}
        self.key: str | None = None

    def turn(self, turn: Turn) -> Reply:
        """Take the orders, then train for about `turn_seconds`, or until nothing is left."""
        reports: list[Report] = []
        results: list[TrialResult] = []
        effort = Effort()
        self._forget(set(turn.drops))
        for order in turn.orders:
            self.waiting.setdefault(order.trial.work.key, deque()).append(order)
        deadline = self.clock() + self.turn_seconds
        while True:
            results += self._refill()
            if self.key is None or not self.packs[self.key].slots:
                break
            pack = self.packs[self.key]
            pack.advance()
            filled = len(pack.slots)
            effort += Effort(filled, max(self.widths[self.key], filled))
            told, ended = self._judge(pack)
            reports += told
            results += ended
            if self.clock() >= deadline:
                break
        width = self.widths.get(self.key) if self.key else None
        return Reply(tuple(reports), tuple(results), effort, width, memory(self.device))

    def _forget(self, drops: set[TrialId]) -> None:
        """Let go of trials that were pruned or are trained elsewhere."""
        if not drops:
            return
        for trial in drops:
            self.parked.pop(trial, None)
        left = {key: deque(o for o in orders if o.trial.id not in drops) for key, orders in self.waiting.items()}
        self.waiting = {key: orders for key, orders in left.items() if orders}
        if any(nets.trial.id in drops for nets in self.seated):
            self._seat([nets for nets in self.seated if nets.trial.id not in drops])

    def _refill(self) -> list[TrialResult]:
        """Seat waiting trials of the pack's key in free slots; an empty pack gives way to the next key."""
        failed = self._admit()
        while self.waiting and (self.key is None or not self.packs[self.key].slots):
            failed += self._open(next(iter(self.waiting)))
            failed += self._admit()
        return failed

    def _admit(self) -> list[TrialResult]:
        """Seat the first that wait for the pack's key, each as a whole; what is wider than the pack is seated alone.

        A trial that the net is not made for has failed.
        """
        if self.key is None or self.key not in self.waiting:
            return []
        pack, orders = self.packs[self.key], self.waiting[self.key]
        admitted, failed = list(self.seated), []
        free = self.widths[self.key] - len(pack.slots)
        while orders and (count_nets(orders[0].trial) <= free or not admitted):
            order = orders.popleft()
            try:
                admitted.append(self._nets(order, pack.objective))
            except SlalomError as exc:
                failed.append(_failure(order.trial, str(exc)))
                continue
            free -= len(admitted[-1].slots)
        if len(admitted) > len(self.seated):
            self._seat(admitted)
        if not orders:
            del self.waiting[self.key]
        return failed

    def _seat(self, trials: Sequence[Nets]) -> None:
        """Train these trials from now on, and no others; all are of the pack's key."""
        self.seated = list(trials)
        if self.key is not None:
            self.packs[self.key].seat([slot for nets in trials for slot in nets.slots])

    def _open(self, key: str) -> list[TrialResult]:
        """Turn to a key, whose pack is made where it is new; where it cannot be, its trials have failed."""
        if key not in self.packs:
            work = self.waiting[key][0].trial.work
            try:
                task = open_task(work.task, self.folder)
                objective = Objective(work, task.load() if self.data is None else self.data, task, self.device)
            except SlalomError as exc:
                return [_failure(order.trial, str(exc)) for order in self.waiting.pop(key)]
            self.packs[key] = Pack(objective)
            self.widths[key] = self.width or best_width(objective)
        self.key = key
        return []

    def _nets(self, order: Order, objective: Objective) -> Nets:
        """The trial's parked state, or its start; a parked state of an earlier attempt is the same numbers."""
        nets = self.parked.pop(order.trial.id, None)
        if nets is None or nets.epoch > order.until:
            return Nets.start(order, objective)
        return nets.aim(order)

    def _judge(self, pack: Pack) -> tuple[list[Report], list[TrialResult]]:
        """Report the epoch where it is due, and take out of the pack what has reached its end."""
        due = [nets for nets in self.seated if nets.epoch >= nets.stop or not math.isfinite(nets.loss)]
        if not due:
            return [], []
        reports: list[Report] = []
        results: list[TrialResult] = []
        gone: set[int] = set()
        besides = recorded(pack.objective, due)
        for nets, metrics, more in zip(due, measure(pack.objective, due), besides, strict=True):
            trial = nets.trial
            diverged = not all(map(math.isfinite, metrics.values()))
            found = {**metrics, **more}
            if not diverged:
                reports.append(Report(trial.id, trial.attempt, nets.epoch, found))
            if diverged or nets.complete:
                results.append(self._result(nets, pack.objective, found, diverged=diverged))
                gone.add(id(nets))
            elif nets.epoch >= nets.order.until:
                self.parked[trial.id] = nets.park()
                gone.add(id(nets))
            else:
                nets.aim(nets.order)
        if gone:
            self._seat([nets for nets in self.seated if id(nets) not in gone])
        return reports, results

    def _result(self, nets: Nets, objective: Objective, metrics: Metrics, *, diverged: bool) -> TrialResult:
        trial = nets.trial
        kept = nets.slots if nets.order.keep_weights and not diverged else []
        return TrialResult(
            trial.id,
            trial.attempt,
            Outcome.DIVERGED if diverged else Outcome.COMPLETE,
            nets.epoch,
            {} if diverged else metrics,
            weights=tuple(freeze(objective.views(slot.found), objective.data, objective.prepared) for slot in kept),
            device=self.device_name,
        )


def _failure(trial: TrialSpec, error: str) -> TrialResult:
    return TrialResult(trial.id, trial.attempt, Outcome.FAILED, 0, {}, error=error)
