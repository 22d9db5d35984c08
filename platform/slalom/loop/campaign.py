"""A study in training: the plans of all its arms, and how far they have come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.loop.plan import ArmPlan
from slalom.loop.progress import Packs, Progress, Stage, Tally
from slalom.loop.reuse import NOTHING_KNOWN, Reuse
from slalom.verdict.compare import summarise
from slalom.verdict.looks import undecided
from slalom.verdict.summary import State, Throughput
from slalom.wire.trial import Effort, Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slalom.errors import LaneLost
    from slalom.search.base import ProposeFor
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary, Widths
    from slalom.wire.trial import Order, Reply, TrialId, TrialResult, Turn


class Campaign:
    """The plans of all arms together; only `run` calls it."""

    def __init__(
        self,
        spec: StudySpec,
        ended: dict[TrialId, Ended],
        propose: ProposeFor,
        earlier: Throughput,
        clock: Callable[[], float],
        reuse: Reuse = NOTHING_KNOWN,
    ) -> None:
        """ended: trials of earlier runs; the campaign keeps and changes this dictionary.

        earlier: the throughput of earlier runs
        clock: gives seconds since the epoch
        reuse: trials of studies that this one extends
        """
        self.spec = spec
        self.ended = ended
        self._remarks: list[str] = []
        self._tallies = {arm.name: Tally(spec, arm.name) for arm in spec.arms}
        for one in ended.values():
            self._tallies[one.spec.id.arm].add(one)
        self._plans = {arm.name: ArmPlan(spec, arm, propose, ended) for arm in spec.arms}
        self._stage = 0
        self._earlier = earlier
        self._reuse = reuse
        self._effort = Effort()
        self._width: int | None = None
        self._widths = {device: dict(found) for device, found in earlier.widths.items()}
        self._measured = False
        self._unwritten: list[Ended] = []
        self._trials = 0
        self._reused: set[TrialId] = set()
        self._clock = clock
        self._began = clock()
        self._started: dict[TrialId, float] = {}
        self._devices: dict[TrialId, str] = {}

    @property
    def done(self) -> bool:
        """Whether nothing is left to train."""
        return all(plan.done for plan in self._plans.values())

    def due(self, vacant: int) -> list[Order]:
        """The orders that are new since the last call; arms begin further parts, in turn, to reach `vacant` orders."""
        while self._look():
            pass
        plans = list(self._plans.values())
        due = self._come_up(plans)
        while len(due) < vacant and plans:
            plans = [plan for plan in plans if plan.ahead()]
            due += self._come_up(plans)
        for order in due:
            self._started.setdefault(order.trial.id, self._clock())
        return due

    def _come_up(self, plans: Sequence[ArmPlan]) -> list[Order]:
        """The new orders of these plans that lanes must train; orders that `reuse` knows are answered at once."""
        due = []
        while orders := [order for plan in plans for order in plan.due()]:
            for order in orders:
                reply = self._reuse.answer(order)
                if reply is None:
                    self._reuse.trained_anew(order.trial.id)
                    due.append(order)
                else:
                    self.hear(reply, "", "")
        return due

    def _look(self) -> bool:
        """Where all allowed searches are over, allow undecided arms more searches, and close the plans of the others.

        Gives whether any arm was allowed more. Results that an earlier run has of later searches are left out, so that
        a resumed study decides as an uninterrupted one.
        """
        waiting = {name: plan for name, plan in self._plans.items() if not plan.closed}
        if not waiting or not all(plan.waits for plan in waiting.values()):
            return False
        stages = self.spec.tune.searches.stages
        known = {trial: ended for trial, ended in self.ended.items() if trial.search < stages[self._stage]}
        going_on = undecided(self.spec, known)
        self._stage += 1
        for name, plan in waiting.items():
            if name in going_on:
                plan.allow(stages[self._stage])
            else:
                plan.close()
        return bool(going_on)

    @property
    def trainable(self) -> int:
        """How many trials could train now, had they lanes enough."""
        return sum(plan.trainable for plan in self._plans.values())

    def hear(self, reply: Reply, lane: str, device: str) -> None:
        """Take in a lane's reply to a turn; `device` is the kind of the lane's device."""
        self._effort += reply.effort
        self._remarks += reply.told
        self._width = max(self._width or 0, reply.slots or 0) or None
        self._keep_widths(reply.widths, device)
        for report in reply.reports:
            self._plans[report.trial.arm].hear(report)
            self._devices[report.trial] = device
        for result in reply.results:
            self._plans[result.trial.arm].end(replace(result, lane=lane))

    def _keep_widths(self, found: Mapping[str, int], device: str) -> None:
        """Keep the pack widths that a lane has measured, unless a lane on that kind of device told one before."""
        for program, width in found.items():
            known = self._widths.setdefault(device, {})
            self._measured |= program not in known
            known.setdefault(program, width)

    def with_widths(self, turn: Turn, device: str) -> Turn:
        """The turn with the known pack widths of its orders' programs, for a lane on that kind of device."""
        known = self._widths.get(device)
        if not known:
            return turn
        programs = {order.trial.work.digest for order in turn.orders}
        return replace(turn, widths={program: known[program] for program in programs & known.keys()})

    def measured(self) -> Widths | None:
        """All known pack widths; None where lanes have told no new one since the last call."""
        if not self._measured:
            return None
        self._measured = False
        return self.throughput.widths

    def lost(self, trials: list[TrialId], loss: LaneLost) -> None:
        """Take in that a lane died while it trained these trials."""
        for trial in trials:
            self._plans[trial.arm].lost(trial, loss)

    def over(self) -> list[Ended]:
        """The trials that ended and were not yet passed to `written`."""
        over = [self._timed(ended) for plan in self._plans.values() for ended in plan.over()]
        for ended in over:
            self._tallies[ended.spec.id.arm].add(ended)
        self._unwritten += over
        return list(self._unwritten)

    def written(self, over: Sequence[Ended]) -> None:
        """Note that these trials, the first of `over`, are in the store and on record."""
        del self._unwritten[: len(over)]
        self._trials += sum(one.spec.id not in self._reused for one in over)

    def _timed(self, ended: Ended) -> Ended:
        trained = self._reuse.as_trained(ended)
        if trained is not None:
            self._devices.pop(ended.spec.id, None)
            self._reused.add(ended.spec.id)
            return trained
        started = self._started.pop(ended.spec.id, None)
        device = self._devices.pop(ended.spec.id, "")  # no lane's result tells the device of a pruned trial
        result = replace(ended.result, started=started, ended=self._clock(), device=ended.result.device or device)
        return replace(ended, result=result)

    def remarked(self) -> list[str]:
        """The remarks of lanes since the last call."""
        remarks, self._remarks = self._remarks, []
        return remarks

    def kept(self) -> list[tuple[Ended, TrialResult]]:
        """Each arm's best confirm trial and the result with its weights, as soon as there is one; each given once."""
        kept = [plan.kept() for plan in self._plans.values()]
        return [one for one in kept if one is not None]

    @property
    def reproduced(self) -> dict[str, bool]:
        """By arm, whether the best confirm trial came out the same when it was trained again."""
        return {name: plan.reproduced for name, plan in self._plans.items() if plan.reproduced is not None}

    @property
    def throughput(self) -> Throughput:
        """The throughput of all runs of the study."""
        return Throughput(
            self._earlier.trials + self._trials,
            self._earlier.seconds + self._clock() - self._began,
            self._earlier.effort + self._effort,
            self._width or self._earlier.pack_width,
            {device: dict(found) for device, found in self._widths.items()},
        )

    def summary(self, state: State) -> Summary:
        """The study's summary so far."""
        return summarise(self.spec, self.ended, state, self.throughput)

    def progress(self, lanes: int, told: Sequence[str] = ()) -> Progress:
        """How far the study has come, on `lanes` open lanes; `told` are lines about lanes, for people."""
        arms = tuple(tally.progress(self._plans[name].budget) for name, tally in self._tallies.items())
        now = self._clock()
        return Progress(arms, now - self._began, self._trials, lanes, tuple(told), self._where(), self._packs(), now)

    def _where(self) -> Stage:
        plans = self._plans.values()
        parts = tuple(part for plan in plans for part in plan.parts)
        return Stage(parts, max(plan.allowed for plan in plans), self.spec.resampled)

    def _packs(self) -> Packs | None:
        if self._width is None or self._width < 2 or not self._effort.available:
            return None
        return Packs(self._width, self._effort.trained / self._effort.available)
