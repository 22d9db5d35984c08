"""The working half of a lane: keeps a pack full, turn by turn, and says what came of it."""

from __future__ import annotations

import math
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from slalom.errors import SlalomError
from slalom.trial import Effort, Outcome, Phase, Reply, Report, TrialResult
from slalom_worker.device import describe, open_device
from slalom_worker.objective import Objective
from slalom_worker.pack import Pack
from slalom_worker.recording import recorded
from slalom_worker.serving import freeze
from slalom_worker.slot import Slot
from slalom_worker.tasks import open_task
from slalom_worker.width import best_width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slalom.trial import Metrics, Order, TrialId, TrialSpec, Turn


class LaneWorker:
    """Trains what it is ordered, one pack at a time; refills a freed slot before the pack's next epoch."""

    def __init__(
        self,
        folder: Path | str = ".",
        width: int | None = None,
        turn_seconds: float = 0.25,
        device: torch.device | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """folder: where a user's task file lies; width: slots of a pack, or None for the best, by measurement.

        device: instead of the best there is
        """
        self.device = device or open_device()
        self.device_name = describe(self.device)
        self.folder = Path(folder)
        self.width = width
        self.turn_seconds = turn_seconds
        self.clock = clock
        self.waiting: dict[str, deque[Order]] = {}
        self.parked: dict[TrialId, Slot] = {}
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
        return Reply(tuple(reports), tuple(results), effort, self.widths.get(self.key) if self.key else None)

    def _forget(self, drops: set[TrialId]) -> None:
        """Let go of trials that were pruned or are trained elsewhere."""
        if not drops:
            return
        for trial in drops:
            self.parked.pop(trial, None)
        left = {key: deque(o for o in orders if o.trial.id not in drops) for key, orders in self.waiting.items()}
        self.waiting = {key: orders for key, orders in left.items() if orders}
        for pack in self.packs.values():
            if any(slot.trial.id in drops for slot in pack.slots):
                pack.seat([slot for slot in pack.slots if slot.trial.id not in drops])

    def _refill(self) -> list[TrialResult]:
        """Seat waiting trials of the pack's key in free slots; an empty pack gives way to the next key."""
        failed = self._seat()
        while self.waiting and (self.key is None or not self.packs[self.key].slots):
            failed += self._open(next(iter(self.waiting)))
            failed += self._seat()
        return failed

    def _seat(self) -> list[TrialResult]:
        """Fill the pack's free slots with trials of its key; one that the net is not made for has failed."""
        if self.key is None or self.key not in self.waiting:
            return []
        pack, orders = self.packs[self.key], self.waiting[self.key]
        seated, failed = list(pack.slots), []
        while orders and len(seated) < self.widths[self.key]:
            order = orders.popleft()
            try:
                seated.append(self._slot(order, pack.objective))
            except SlalomError as exc:
                failed.append(_failure(order.trial, str(exc)))
        if not orders:
            del self.waiting[self.key]
        if len(seated) > len(pack.slots):
            pack.seat(seated)
        return failed

    def _open(self, key: str) -> list[TrialResult]:
        """Turn to a key, whose pack is made where it is new; where it cannot be, its trials have failed."""
        if key not in self.packs:
            work = self.waiting[key][0].trial.work
            try:
                task = open_task(work.task, self.folder)
                objective = Objective(work, task.load(), task, self.device)
            except SlalomError as exc:
                return [_failure(order.trial, str(exc)) for order in self.waiting.pop(key)]
            self.packs[key] = Pack(objective)
            self.widths[key] = self.width or best_width(objective)
        self.key = key
        return []

    def _slot(self, order: Order, objective: Objective) -> Slot:
        """The trial's parked state, or its start; a parked state of an earlier attempt is the same numbers."""
        slot = self.parked.pop(order.trial.id, None)
        if slot is None or slot.epoch > order.until:
            return Slot.start(order, objective)
        return slot.aim(order)

    def _judge(self, pack: Pack) -> tuple[list[Report], list[TrialResult]]:
        """Report the epoch where it is due, and take out of the pack what has reached its end."""
        due = [slot for slot in pack.slots if slot.epoch >= slot.stop or not math.isfinite(slot.loss)]
        if not due:
            return [], []
        reports: list[Report] = []
        results: list[TrialResult] = []
        gone: set[int] = set()
        besides = recorded(pack.objective, due)
        for slot, metrics, more in zip(due, self._metrics(pack, due), besides, strict=True):
            diverged = not all(map(math.isfinite, metrics.values()))
            found = {**metrics, **more}
            if not diverged:
                reports.append(Report(slot.trial.id, slot.trial.attempt, slot.epoch, found))
            if diverged or slot.complete:
                results.append(self._result(slot, pack.objective, found, diverged=diverged))
                gone.add(id(slot))
            elif slot.epoch >= slot.order.until:
                self.parked[slot.trial.id] = slot.park()
                gone.add(id(slot))
            else:
                slot.aim(slot.order)
        if gone:
            pack.seat([slot for slot in pack.slots if id(slot) not in gone])
        return reports, results

    def _metrics(self, pack: Pack, slots: list[Slot]) -> Iterable[Metrics]:
        """What each of these slots has reached; test data is looked at by confirm trials alone, at their end."""
        objective = pack.objective
        found: list[dict[str, float]] = [{"train.loss": slot.loss} for slot in slots]
        ends = [row for row, slot in enumerate(slots) if slot.complete]
        tests = [row for row in ends if slots[row].trial.id.phase is Phase.CONFIRM]
        splits = [("validation", objective.validation, list(range(len(slots)))), ("train", objective.train, ends)]
        if tests:
            splits.append(("test", objective.test, tests))
        for name, split, rows in splits:
            if rows:
                parameters = torch.stack([slots[row].found for row in rows])
                for metric, column in objective.evaluate(parameters, split).items():
                    for row, value in zip(rows, column.tolist(), strict=True):
                        # "train.loss" is the mean over the epoch's batches; the loss after it has a name of its own.
                        key = "train.final_loss" if (name, metric) == ("train", "loss") else f"{name}.{metric}"
                        found[row][key] = value
        return found

    def _result(self, slot: Slot, objective: Objective, metrics: Metrics, *, diverged: bool) -> TrialResult:
        trial = slot.trial
        weights = None
        if slot.order.keep_weights and not diverged:
            weights = freeze(objective.views(slot.found), objective.data.shape, objective.data.classes)
        return TrialResult(
            trial.id,
            trial.attempt,
            Outcome.DIVERGED if diverged else Outcome.COMPLETE,
            slot.epoch,
            {} if diverged else metrics,
            weights=weights,
            device=self.device_name,
        )


def _failure(trial: TrialSpec, error: str) -> TrialResult:
    return TrialResult(trial.id, trial.attempt, Outcome.FAILED, 0, {}, error=error)
