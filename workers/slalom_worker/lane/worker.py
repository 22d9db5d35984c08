"""The worker of a lane that trains packs: it keeps a pack full, turn by turn, and returns reports and results."""

from __future__ import annotations

import math
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import SlalomError
from slalom.wire.trial import Effort, Reply, Report, TrialResult
from slalom_worker.lane.checkpoints import LaneCheckpoints
from slalom_worker.lane.device import describe, memory, open_device, out_of_memory
from slalom_worker.lane.kernels import Kernels
from slalom_worker.lane.packs import OpenPacks
from slalom_worker.lane.results import ended_result, failed_result
from slalom_worker.lane.width import best_width
from slalom_worker.methods import Methods
from slalom_worker.own_file import aside
from slalom_worker.training.measures import measure
from slalom_worker.training.nets import TrainedTrial, count_nets
from slalom_worker.training.pack import Pack
from slalom_worker.training.recording import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

    from slalom.wire.checkpoints import Checkpoints
    from slalom.wire.trial import Order, TrialId, Turn
    from slalom_worker.lane.width import Width
    from slalom_worker.net.objective import Objective
    from slalom_worker.tasks import Data


HUNGRY, EAGER = 4, 16
"""Factors by which a turn is shorter while the pack has free slots, and where a trial has just left the pack: the loop
sends further trials only after the turn's reply.
"""


class LaneWorker:
    """Trains the ordered trials, one pack at a time; a freed slot is filled before the pack's next epoch.

    waiting: orders for trials that have no slot yet, by pack key
    parked: trials that have reached the end of their order and wait to be judged
    seated: the trials in the pack of `key`
    packs: the open packs, by pack key; widths: the slots of every pack that was opened so far
    owed: reports from before a checkpoint, which the loop may never have had; shrunk: remarks on packs out of memory
    """

    def __init__(
        self,
        folder: Path | str = ".",
        width: int | Callable[[Objective, Order], Width] = best_width,
        turn_seconds: float = 0.25,
        device: torch.device | None = None,
        clock: Callable[[], float] = time.monotonic,
        data: Data | None = None,
        digests: Mapping[str, str] | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        """folder: where the user's own files lie.

        width: slots of a pack, or a function that finds their number from a pack's objective and an order for it
        turn_seconds: about how long a turn takes
        device: the lane's device, or None to open the best there is
        data: of the one task that all orders have, shared with other lanes and so never written to; or None, where the
            worker loads them itself
        digests: what data that the worker loads must have, by `task_key`; those of no other task are checked
        checkpoints: where and how often the study's checkpoints are written, or None for no checkpoints; InputError
            where their folder does not exist
        """
        self.device = device or open_device()
        self.device_name = describe(self.device)
        self.kernels = Kernels(self.device_name)
        self.turn_seconds = turn_seconds
        self.clock = clock
        self.waiting: dict[str, deque[Order]] = {}
        self.parked: dict[TrialId, TrainedTrial] = {}
        self.seated: list[TrainedTrial] = []
        self.opened = OpenPacks(Path(folder), Methods.beside(Path(folder)), self.device, width, data, digests or {})
        self.packs, self.widths = self.opened.packs, self.opened.widths
        self.key: str | None = None
        self.owed: list[Report] = []
        self.shrunk: list[str] = []
        self.checkpoints = None if checkpoints is None else LaneCheckpoints(checkpoints, self.device_name)

    @property
    def progress(self) -> tuple[int, ...]:
        """The steps that each open pack has trained."""
        return tuple(pack.steps for pack in tuple(self.packs.values()))

    def turn(self, turn: Turn) -> Reply:
        """Take orders and drops, train for about `turn_seconds` or until nothing is left, and return what came of it.

        A trial that cannot be trained is in the reply as failed, and raises nothing. What the user's code prints goes
        to standard error.
        """
        with aside():
            return self._turn(turn)

    def _turn(self, turn: Turn) -> Reply:
        reports: list[Report] = []
        results: list[TrialResult] = []
        effort = Effort()
        self._forget(set(turn.drops))
        for order in turn.orders:
            self.waiting.setdefault(order.trial.work.key, deque()).append(order)
        first, began = self.opened.measures and not self.widths, self.clock()
        self.opened.take(turn)
        while True:
            results += self._refill()
            reports += self.owed
            self.owed = []
            if self.key is None or not self.packs[self.key].slots:
                break
            pack = self.packs[self.key]
            if first and self._starves():  # the loop has yet to hear how many trials a pack takes
                break
            if not self._advance(pack):
                continue
            for trained in self.seated:
                trained.skip()
            filled = len(pack.slots)
            effort += Effort(filled, max(self.widths[self.key], filled))
            seated = self.seated
            told, ended = self._judge(pack)
            reports += told
            results += ended
            if self.checkpoints is not None:
                over = {result.trial for result in ended}
                self.checkpoints.save(one for one in seated if one.trial.id not in over)
            if self.clock() - began >= self.turn_seconds / self._haste(len(seated)):
                break
        width = self.widths.get(self.key) if self.key else None
        remarks, self.shrunk = [*self.shrunk, *self.kernels.told()], []
        remarks += () if self.checkpoints is None else self.checkpoints.told()
        taken, found = memory(self.device), self.opened.told()
        return Reply(tuple(reports), tuple(results), effort, width, taken, tuple(remarks), found)

    def _haste(self, before: int) -> int:
        """The factor by which the turn is to be shorter, after an epoch before which `before` trials were seated."""
        if not self._starves():
            return 1
        return EAGER if len(self.seated) < before else HUNGRY

    def _starves(self) -> bool:
        """Whether the pack has free slots, and no trial waits for them here."""
        return self.key is not None and self.key not in self.waiting and self._free() > 0

    def _free(self) -> int:
        """The number of the pack's slots that are free."""
        return 0 if self.key is None else self.widths[self.key] - len(self.packs[self.key].slots)

    def _advance(self, pack: Pack) -> bool:
        """Train the pack's next epoch.

        Returns False where memory is short: the pack's width is halved, and its trials wait to begin anew.
        """
        try:
            with self.kernels.heard(pack.objective.work.key):
                pack.advance()
        except Exception as exc:
            if not out_of_memory(exc) or len(self.seated) == 1 or self.key is None:
                raise
            orders, width = [trained.order for trained in self.seated], len(pack.slots)
        else:
            return True
        self.opened.shrink(self.key, max(1, width // 2))
        self.shrunk += [f"a pack of {width} nets did not fit into memory: it goes on with half of them at once"]
        self.packs[self.key], self.seated = Pack(pack.objective), []
        self.waiting[self.key] = deque([*orders, *self.waiting.get(self.key, ())])
        return False

    def _forget(self, drops: set[TrialId]) -> None:
        """Drop trials that were pruned or are trained elsewhere."""
        if not drops:
            return
        for trial in drops:
            self.parked.pop(trial, None)
        left = {key: deque(o for o in orders if o.trial.id not in drops) for key, orders in self.waiting.items()}
        self.waiting = {key: orders for key, orders in left.items() if orders}
        if any(trained.trial.id in drops for trained in self.seated):
            self._seat([trained for trained in self.seated if trained.trial.id not in drops])

    def _refill(self) -> list[TrialResult]:
        """Seat waiting trials in free slots; an empty pack gives way to the pack of the next key.

        Returns failed results for the trials that cannot be trained.
        """
        failed = self._admit()
        while self.waiting and (self.key is None or not self.packs[self.key].slots):
            failed += self._open(next(iter(self.waiting)))
            failed += self._admit()
        return failed

    def _admit(self) -> list[TrialResult]:
        """Seat the first trials that wait for the pack's key, each with all its nets.

        A trial with more nets than the pack has slots is seated alone. Returns failed results for the trials that
        cannot be trained.
        """
        if self.key is None or self.key not in self.waiting:
            return []
        pack, orders = self.packs[self.key], self.waiting[self.key]
        admitted, failed = list(self.seated), []
        free = self._free()
        while orders and (count_nets(orders[0].trial) <= free or not admitted):
            order = orders.popleft()
            try:
                trained = self._resume(order, pack.objective)
            except SlalomError as exc:
                failed.append(failed_result(order.trial, str(exc)))
                continue
            self.owed += trained.owed()
            if trained.epoch >= order.until:  # an earlier attempt was further: its report is the answer
                self.parked[order.trial.id] = trained
                continue
            admitted.append(trained)
            free -= len(trained.slots)
        if len(admitted) > len(self.seated):
            self._seat(admitted)
        if not orders:
            del self.waiting[self.key]
        return failed

    def _seat(self, trials: Sequence[TrainedTrial]) -> None:
        """Train these trials of the pack's key from now on, and no others."""
        self.seated = list(trials)
        if self.key is not None:
            self.packs[self.key].seat([slot for trained in trials for slot in trained.slots])

    def _open(self, key: str) -> list[TrialResult]:
        """Turn to a pack key that trials wait for; returns failed results for the trials that cannot be trained."""
        with self.kernels.heard(key):  # its width is measured by training
            failed = self.opened.open(key, self.waiting[key])
        if not self.waiting[key]:
            del self.waiting[key]
        else:
            self.key = key
        return failed

    def _resume(self, order: Order, objective: Objective) -> TrainedTrial:
        """The order's trial as it was parked, else as of its checkpoint, else before its first epoch.

        A trial that an earlier attempt parked or saved may be used, since numbers do not depend on the attempt, unless
        it is at or after the order's end and has no report of that epoch.
        """
        known = self.parked.pop(order.trial.id, None)
        if self.checkpoints is not None and (known is None or not known.can_follow(order)):
            known = self.checkpoints.load(order, objective)
        if known is None or not known.can_follow(order):
            return TrainedTrial.start(order, objective)
        return known.follow(order)

    def _judge(self, pack: Pack) -> tuple[list[Report], list[TrialResult]]:
        """Reports and results that are due after an epoch; trials that end or wait to be judged leave the pack."""
        due = [trained for trained in self.seated if trained.epoch >= trained.stop or not math.isfinite(trained.loss)]
        if not due:
            return [], []
        reports: list[Report] = []
        results: list[TrialResult] = []
        gone: set[int] = set()
        with self.kernels.heard(pack.objective.work.key):
            besides, measured = recorded(pack.objective, due), measure(pack.objective, due)
        for trained, metrics, more in zip(due, measured, besides, strict=True):
            trial = trained.trial
            diverged = not all(map(math.isfinite, metrics.values()))
            found = {**metrics, **more}
            if not diverged:
                reports.append(Report(trial.id, trial.attempt, trained.epoch, found))
                trained.told = trained.epoch
                if self.checkpoints is not None:
                    trained.reports.append(reports[-1])
            if diverged or trained.complete:
                results.append(ended_result(trained, pack.objective, found, self.kernels, diverged=diverged))
                gone.add(id(trained))
            elif trained.epoch >= trained.order.until:
                self.parked[trial.id] = trained.park()
                gone.add(id(trained))
            else:
                trained.follow(trained.order)
        if gone:
            self._seat([trained for trained in self.seated if id(trained) not in gone])
        return reports, results
