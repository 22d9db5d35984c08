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
from slalom_worker.serving import freeze
from slalom_worker.slot import Slot
from slalom_worker.tasks import open_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slalom.trial import Metrics, Order, TrialId, TrialSpec, Turn, Work

PACK_BYTES = 256 << 20
WIDEST = 128


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
        """folder: where a user's task file lies; width: slots of a pack, or None to go by its size in memory.

        device: instead of the best there is
        """
        self.device = device or open_device()
        self.device_name = describe(self.device)
        self.folder = Path(folder)
        self.width = width
        self.turn_seconds = turn_seconds
        self.clock = clock
        self.waiting: deque[Order] = deque()
        self.parked: dict[TrialId, Slot] = {}
        self.packs: dict[str, Pack] = {}
        self.key: str | None = None

    def turn(self, turn: Turn) -> Reply:
        """Take the orders, then train for about `turn_seconds`, or until nothing is left."""
        reports: list[Report] = []
        results: list[TrialResult] = []
        effort = Effort()
        self._forget(set(turn.drops))
        self.waiting.extend(turn.orders)
        deadline = self.clock() + self.turn_seconds
        while True:
            results += self._refill()
            pack = self.packs.get(self.key) if self.key else None
            if pack is None or not pack.slots:
                break
            width = self._width(pack)
            pack.advance()
            effort += Effort(len(pack.slots), max(width, len(pack.slots)) if self.waiting else len(pack.slots))
            told, ended = self._judge(pack)
            reports += told
            results += ended
            if self.clock() >= deadline:
                break
        slots = self._width(self.packs[self.key]) if self.key else None
        return Reply(tuple(reports), tuple(results), effort, slots)

    def _forget(self, drops: set[TrialId]) -> None:
        """Let go of trials that were pruned or are trained elsewhere."""
        for trial in drops:
            self.parked.pop(trial, None)
        self.waiting = deque(order for order in self.waiting if order.trial.id not in drops)
        for pack in self.packs.values():
            if any(slot.trial.id in drops for slot in pack.slots):
                pack.seat([slot for slot in pack.slots if slot.trial.id not in drops])

    def _refill(self) -> list[TrialResult]:
        """Seat waiting trials of the pack's key in free slots; an empty pack gives way to the next key."""
        failed: list[TrialResult] = []
        while self.waiting:
            pack = self.packs.get(self.key) if self.key else None
            if pack is None or not pack.slots:
                pack, error = self._open(self.waiting[0].trial.work)
                if pack is None:
                    failed.append(_failure(self.waiting.popleft().trial, error))
                    continue
            free = self._width(pack) - len(pack.slots)
            chosen = [order for order in self.waiting if order.trial.work.key == self.key][: max(0, free)]
            if chosen:
                taken = {order.trial.id for order in chosen}
                self.waiting = deque(order for order in self.waiting if order.trial.id not in taken)
                pack.seat([*pack.slots, *(self._slot(order, pack.objective) for order in chosen)])
            break
        return failed

    def _open(self, work: Work) -> tuple[Pack | None, str]:
        """The pack of a key, opened where it is new; or why it cannot be."""
        if work.key not in self.packs:
            try:
                task = open_task(work.task, self.folder)
                self.packs[work.key] = Pack(Objective(work, task.load(), task, self.device))
            except SlalomError as exc:
                return None, str(exc)
        self.key = work.key
        return self.packs[work.key], ""

    def _slot(self, order: Order, objective: Objective) -> Slot:
        """The trial's parked state, or its start; a parked state of an earlier attempt is the same numbers."""
        slot = self.parked.pop(order.trial.id, None)
        if slot is None or slot.epoch > order.until:
            return Slot.start(order, objective)
        slot.order = order
        return slot

    def _judge(self, pack: Pack) -> tuple[list[Report], list[TrialResult]]:
        """Report the epoch where it is due, and take out of the pack what has reached its end."""
        due = [slot for slot in pack.slots if slot.reports or not math.isfinite(slot.loss)]
        metrics = dict(zip((id(slot) for slot in due), self._metrics(pack, due), strict=True))
        reports: list[Report] = []
        results: list[TrialResult] = []
        stay: list[Slot] = []
        for slot in pack.slots:
            found = metrics.get(id(slot), {})
            diverged = not all(map(math.isfinite, (slot.loss, *found.values())))
            if found and not diverged:
                reports.append(Report(slot.trial.id, slot.trial.attempt, slot.epoch, found))
            if diverged or slot.complete:
                results.append(self._result(slot, pack.objective, found, diverged=diverged))
            elif slot.epoch >= slot.order.until:
                self.parked[slot.trial.id] = slot.park()
            else:
                stay.append(slot)
        if len(stay) < len(pack.slots):
            pack.seat(stay)
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
                parameters = torch.stack([slots[row].tensors["parameters"] for row in rows])
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
            weights = freeze(objective.views(slot.tensors["parameters"]), objective.data.shape, objective.data.classes)
        return TrialResult(
            trial.id,
            trial.attempt,
            Outcome.DIVERGED if diverged else Outcome.COMPLETE,
            slot.epoch,
            {} if diverged else metrics,
            weights=weights,
            device=self.device_name,
        )

    def _width(self, pack: Pack) -> int:
        """Slots of a pack: as asked for, else as many as PACK_BYTES hold parameters, gradients and buffers of."""
        if self.width is not None:
            return self.width
        per_slot = 6 * sum(pack.objective.sizes) * pack.objective.dtype.itemsize
        return max(1, min(WIDEST, PACK_BYTES // per_slot))


def _failure(trial: TrialSpec, error: str) -> TrialResult:
    return TrialResult(trial.id, trial.attempt, Outcome.FAILED, 0, {}, error=error)
