"""The half of a lane that trains: it keeps a pack full, turn by turn, and returns reports and results."""

from __future__ import annotations

import math
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import SlalomError
from slalom.wire.trial import Effort, Reply, Report, TrialResult
from slalom_worker.lane.checkpoints import LaneCheckpoints
from slalom_worker.lane.data import checked_split
from slalom_worker.lane.device import describe, memory, open_device, out_of_memory
from slalom_worker.lane.results import ended_result, failed_result
from slalom_worker.lane.width import best_width
from slalom_worker.methods import Methods
from slalom_worker.net.objective import Objective
from slalom_worker.own_file import aside
from slalom_worker.tasks import open_task
from slalom_worker.training.measures import measure
from slalom_worker.training.nets import TrainedTrial, count_nets
from slalom_worker.training.pack import Pack
from slalom_worker.training.recording import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from slalom.wire.checkpoints import Checkpoints
    from slalom.wire.trial import Order, TrialId, Turn
    from slalom_worker.tasks import Data


MOST_PACKS = 16
"""The packs that a lane keeps open, with the data of each: an arm that searches an option of its task has one for each
value. One that is closed is opened again where trials wait for it.
"""


class LaneWorker:
    """Trains the trials it is ordered to, one pack at a time; a freed slot is filled before the pack's next epoch.

    waiting: orders for trials that have no slot yet, by pack key
    parked: trials that have reached the end of their order and wait to be judged
    seated: the trials in the pack of `key`
    packs: those that are open, by pack key; widths: of all that were opened so far
    owed: reports from before a checkpoint, which the loop may never have had; shrunk: remarks on packs out of memory
    """

    def __init__(
        self,
        folder: Path | str = ".",
        width: int | Callable[[Objective, Order], int] = best_width,
        turn_seconds: float = 0.25,
        device: torch.device | None = None,
        clock: Callable[[], float] = time.monotonic,
        data: Data | None = None,
        digest: str | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        """folder: where the user's own files lie.

        width: slots of a pack, or a function that finds their number from a pack's objective and an order for it
        turn_seconds: about how long a turn takes
        device: the lane's device, or None to open the best there is
        data: of the one task that all orders have, shared with other lanes and so never written to; or None, where the
            worker loads them itself
        digest: of data that each node makes for itself, where all orders have the same; None checks nothing
        checkpoints: of the study, or None where it keeps none; InputError where their folder is not there
        """
        self.digest = digest
        self.device = device or open_device()
        self.device_name = describe(self.device)
        self.folder = Path(folder)
        self.methods = Methods.beside(self.folder)
        self.width = width
        self.turn_seconds = turn_seconds
        self.clock = clock
        self.data = data
        self.waiting: dict[str, deque[Order]] = {}
        self.parked: dict[TrialId, TrainedTrial] = {}
        self.seated: list[TrainedTrial] = []
        self.packs: dict[str, Pack] = {}
        self.widths: dict[str, int] = {}
        self.key: str | None = None
        self.owed: list[Report] = []
        self.shrunk: list[str] = []
        self.checkpoints = None if checkpoints is None else LaneCheckpoints(checkpoints, self.device_name)

    @property
    def progress(self) -> tuple[int, ...]:
        """The steps that each open pack has trained."""
        return tuple(pack.steps for pack in tuple(self.packs.values()))

    def turn(self, turn: Turn) -> Reply:
        """Take orders and drops, train for about `turn_seconds` or until nothing is left, and say what came of it.

        A trial that cannot be trained is in the reply as failed; nothing is raised for it. What the user's code prints
        goes to standard error.
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
        deadline = self.clock() + self.turn_seconds
        while True:
            results += self._refill()
            reports += self.owed
            self.owed = []
            if self.key is None or not self.packs[self.key].slots:
                break
            pack = self.packs[self.key]
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
            if self.clock() >= deadline:
                break
        width = self.widths.get(self.key) if self.key else None
        remarks, self.shrunk = self.shrunk, []
        remarks += () if self.checkpoints is None else self.checkpoints.told()
        return Reply(tuple(reports), tuple(results), effort, width, memory(self.device), tuple(remarks))

    def _advance(self, pack: Pack) -> bool:
        """Train the pack's next epoch; False where memory is short: half the slots are left, and all begin anew."""
        try:
            pack.advance()
        except Exception as exc:
            if not out_of_memory(exc) or len(self.seated) == 1 or self.key is None:
                raise
            orders, width = [trained.order for trained in self.seated], len(pack.slots)
        else:
            return True
        self.widths[self.key] = max(1, width // 2)
        self.shrunk += [f"a pack of {width} trials did not fit into memory: it goes on with half of them at once"]
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
        """Seat waiting trials in free slots; an empty pack gives way to that of the next key.

        Returns results for the trials that cannot be trained, which have failed.
        """
        failed = self._admit()
        while self.waiting and (self.key is None or not self.packs[self.key].slots):
            failed += self._open(next(iter(self.waiting)))
            failed += self._admit()
        return failed

    def _admit(self) -> list[TrialResult]:
        """Seat the first trials that wait for the pack's key, each with all its nets.

        A trial with more nets than the pack has slots is seated alone. Returns results for the trials that failed.
        """
        if self.key is None or self.key not in self.waiting:
            return []
        pack, orders = self.packs[self.key], self.waiting[self.key]
        admitted, failed = list(self.seated), []
        free = self.widths[self.key] - len(pack.slots)
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
        """Turn to a pack key that trials wait for, and make the key's pack where there is none yet.

        Returns results for the trials that failed: all that wait for the key where its pack cannot be made.
        """
        failed: list[TrialResult] = []
        if key not in self.packs:
            orders = self.waiting[key]
            work = orders[0].trial.work
            try:
                task = open_task(work.task, self.folder)
                data = checked_split(task, work.split, self.digest) if self.data is None else self.data
                if orders[0].trial.split is not None:
                    data = data.pooled()  # here, so that what was loaded is not kept beside it
                objective = Objective(work, data, task, self.device, self.methods)
            except SlalomError as exc:
                return [failed_result(order.trial, str(exc)) for order in self.waiting.pop(key)]
            width, failed = self._measure_width(objective, orders)
            if width is None:
                del self.waiting[key]
                return failed
            self.packs[key], self.widths[key] = Pack(objective), width
            for oldest in list(self.packs)[: max(0, len(self.packs) - MOST_PACKS)]:
                del self.packs[oldest]
        self.key = key
        return failed

    def _measure_width(self, objective: Objective, orders: deque[Order]) -> tuple[int | None, list[TrialResult]]:
        """The width of a new pack, by the first of its orders that can be trained; those before it have failed.

        The width is None where no order can be trained. Failed orders are taken out of `orders`.
        """
        failed: list[TrialResult] = []
        if isinstance(self.width, int):
            return self.width, failed
        if objective.work.key in self.widths:
            return self.widths[objective.work.key], failed
        while orders:
            try:
                return self.width(objective, orders[0]), failed
            except SlalomError as exc:
                failed.append(failed_result(orders.popleft().trial, str(exc)))
        return None, failed

    def _resume(self, order: Order, objective: Objective) -> TrainedTrial:
        """The order's trial, as it was parked, else as its checkpoint has it, else before its first epoch.

        A trial that an earlier attempt parked or saved will do, since its numbers do not depend on the attempt, unless
        it is at or after the order's end and has no report of it.
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
        besides = recorded(pack.objective, due)
        for trained, metrics, more in zip(due, measure(pack.objective, due), besides, strict=True):
            trial = trained.trial
            diverged = not all(map(math.isfinite, metrics.values()))
            found = {**metrics, **more}
            if not diverged:
                reports.append(Report(trial.id, trial.attempt, trained.epoch, found))
                trained.told = trained.epoch
                if self.checkpoints is not None:
                    trained.reports.append(reports[-1])
            if diverged or trained.complete:
                results.append(ended_result(trained, pack.objective, found, self.device_name, diverged=diverged))
                gone.add(id(trained))
            elif trained.epoch >= trained.order.until:
                self.parked[trial.id] = trained.park()
                gone.add(id(trained))
            else:
                trained.follow(trained.order)
        if gone:
            self._seat([trained for trained in self.seated if id(trained) not in gone])
        return reports, results
