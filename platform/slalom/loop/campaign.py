"""A study under way: the plans of all its arms, and how far they have come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.loop.plan import ArmPlan
from slalom.loop.progress import Progress, Tally
from slalom.loop.reuse import NOTHING_KNOWN, Reuse
from slalom.verdict.compare import summarise
from slalom.verdict.looks import undecided
from slalom.verdict.summary import State, Throughput
from slalom.wire.trial import Effort, Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slalom.errors import LaneLost
    from slalom.search.base import ProposeFor
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Order, Reply, TrialId, TrialResult


class Campaign:
    """All arms' plans together; only `run` drives it."""

    def __init__(
        self,
        spec: StudySpec,
        ended: dict[TrialId, Ended],
        propose: ProposeFor,
        earlier: Throughput,
        clock: Callable[[], float],
        reuse: Reuse = NOTHING_KNOWN,
    ) -> None:
        """ended: trials of earlier runs, from now on the campaign's own; earlier: what those runs achieved.

        clock: seconds since the epoch
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
        """Orders that have come up; with room for `vacant` trials, arms begin what they can to fill it, all alike."""
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
        """Orders of these plans that lanes must train; what a study that this one extends has trained is answered."""
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
        """Where all searches that are allowed are over, allow more to the arms that are not decided, or close all.

        Gives whether any arm was allowed more. What an earlier run found in further searches is not looked at, so that
        a resumed study takes the same way.
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
        """Trials that could be trained now, given the lanes."""
        return sum(plan.trainable for plan in self._plans.values())

    def hear(self, reply: Reply, lane: str, device: str) -> None:
        """A lane's turn came back; `device` is the kind that it trains on."""
        self._effort += reply.effort
        self._remarks += reply.told
        self._width = max(self._width or 0, reply.slots or 0) or None
        for report in reply.reports:
            self._plans[report.trial.arm].hear(report)
            self._devices[report.trial] = device
        for result in reply.results:
            self._plans[result.trial.arm].end(replace(result, lane=lane))

    def lost(self, trials: list[TrialId], loss: LaneLost) -> None:
        """A lane died while it trained these trials."""
        for trial in trials:
            self._plans[trial.arm].lost(trial, loss)

    def over(self) -> list[Ended]:
        """Trials that ended and are not `written` yet."""
        over = [self._timed(ended) for plan in self._plans.values() for ended in plan.over()]
        for ended in over:
            self._tallies[ended.spec.id.arm].add(ended)
        self._unwritten += over
        return list(self._unwritten)

    def written(self, over: Sequence[Ended]) -> None:
        """These, the first that were over, are in the store and on record."""
        del self._unwritten[: len(over)]
        self._trials += sum(one.spec.id not in self._reused for one in over)

    def _timed(self, ended: Ended) -> Ended:
        trained = self._reuse.as_trained(ended)
        if trained is not None:
            self._devices.pop(ended.spec.id, None)
            self._reused.add(ended.spec.id)
            return trained
        started = self._started.pop(ended.spec.id, None)
        device = self._devices.pop(ended.spec.id, "")  # of one that was pruned, no lane tells it
        result = replace(ended.result, started=started, ended=self._clock(), device=ended.result.device or device)
        return replace(ended, result=result)

    def remarked(self) -> list[str]:
        """What lanes had to tell since the last call."""
        remarks, self._remarks = self._remarks, []
        return remarks

    def kept(self) -> list[tuple[Ended, TrialResult]]:
        """The arms' best confirm trials, each with the result that has its weights, told once."""
        kept = [plan.kept() for plan in self._plans.values()]
        return [one for one in kept if one is not None]

    @property
    def reproduced(self) -> dict[str, bool]:
        """By arm, whether the best confirm trial came out the same when it was trained again."""
        return {name: plan.reproduced for name, plan in self._plans.items() if plan.reproduced is not None}

    @property
    def throughput(self) -> Throughput:
        """Of all runs of the study."""
        return Throughput(
            self._earlier.trials + self._trials,
            self._earlier.seconds + self._clock() - self._began,
            self._earlier.effort + self._effort,
            self._width or self._earlier.pack_width,
        )

    def summary(self, state: State) -> Summary:
        """What has been found so far."""
        return summarise(self.spec, self.ended, state, self.throughput)

    def progress(self, lanes: int, told: Sequence[str] = ()) -> Progress:
        """How far it has come, on so many lanes; `told` of lanes are lines for people."""
        arms = tuple(tally.progress(self._plans[name].budget) for name, tally in self._tallies.items())
        return Progress(arms, self._clock() - self._began, self._trials, lanes, tuple(told))
