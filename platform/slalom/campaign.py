"""A study under way: the plans of all its arms, and how far they have come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slalom.compare import summarise
from slalom.plan import ArmPlan
from slalom.summary import State, Throughput
from slalom.trial import Effort, Ended, Outcome, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slalom.errors import LaneLost
    from slalom.plan import Propose
    from slalom.spec.model import Arm, StudySpec
    from slalom.summary import Summary
    from slalom.trial import Order, Reply, TrialId


@dataclass(frozen=True)
class ArmProgress:
    """How far an arm has come: trials that ended, of its whole budget, and the best tuning metric so far."""

    name: str
    done: int
    budget: int
    pruned: int
    diverged: int
    failed: int
    best: float | None


@dataclass(frozen=True)
class Progress:
    """How far a study has come.

    seconds: since this run began; trials: that ended in it
    """

    arms: tuple[ArmProgress, ...]
    seconds: float
    trials: int

    @property
    def trials_per_second(self) -> float:
        """Of this run."""
        return self.trials / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None while nothing has ended."""
        left = sum(arm.budget - arm.done for arm in self.arms)
        return left / self.trials_per_second if self.trials else None


class Campaign:
    """All arms' plans together; only `run` drives it."""

    def __init__(
        self,
        spec: StudySpec,
        known: Mapping[TrialId, Ended],
        propose: Callable[[StudySpec, Arm], Propose],
        earlier: Throughput,
        clock: Callable[[], float],
    ) -> None:
        """known: trials that ended in earlier runs; earlier: what those achieved; clock: seconds since the epoch."""
        self.spec = spec
        self._plans = {arm.name: ArmPlan(spec, arm, propose(spec, arm), known) for arm in spec.arms}
        self._earlier = earlier
        self._effort = Effort()
        self._unwritten: list[Ended] = []
        self._trials = 0
        self._clock = clock
        self._began = clock()
        self._started: dict[TrialId, float] = {}

    @property
    def done(self) -> bool:
        """Whether nothing is left to train."""
        return all(plan.done for plan in self._plans.values())

    def due(self) -> list[Order]:
        """Orders that have come up."""
        due = [order for plan in self._plans.values() for order in plan.due()]
        for order in due:
            self._started.setdefault(order.trial.id, self._clock())
        return due

    def hear(self, reply: Reply, lane: str) -> None:
        """A lane's turn came back."""
        self._effort += reply.effort
        for report in reply.reports:
            self._plans[report.trial.arm].hear(report)
        for result in reply.results:
            self._plans[result.trial.arm].end(replace(result, lane=lane))

    def lost(self, trials: list[TrialId], loss: LaneLost) -> None:
        """A lane died while it trained these trials."""
        for trial in trials:
            self._plans[trial.arm].lost(trial, loss)

    def over(self) -> list[Ended]:
        """Trials that ended and are not `written` yet."""
        self._unwritten += [self._timed(ended) for plan in self._plans.values() for ended in plan.over()]
        return list(self._unwritten)

    def written(self, over: Sequence[Ended]) -> None:
        """These, the first that were over, are in the store and on record."""
        del self._unwritten[: len(over)]
        self._trials += len(over)

    def _timed(self, ended: Ended) -> Ended:
        started = self._started.pop(ended.spec.id, None)
        return replace(ended, result=replace(ended.result, started=started, ended=self._clock()))

    def kept(self) -> list[tuple[Ended, bytes]]:
        """The arms' best confirm trials with their weights, each told once."""
        kept = [plan.kept() for plan in self._plans.values()]
        return [one for one in kept if one is not None]

    @property
    def reproduced(self) -> dict[str, bool]:
        """By arm, whether the best confirm trial came out the same when it was trained again."""
        return {name: plan.reproduced for name, plan in self._plans.items() if plan.reproduced is not None}

    @property
    def ended(self) -> dict[TrialId, Ended]:
        """Every trial that ended, of this run and earlier ones."""
        return {trial: ended for plan in self._plans.values() for trial, ended in plan.ended.items()}

    @property
    def throughput(self) -> Throughput:
        """Of all runs of the study."""
        return Throughput(
            self._earlier.trials + self._trials,
            self._earlier.seconds + self._clock() - self._began,
            self._earlier.effort + self._effort,
        )

    def summary(self, state: State) -> Summary:
        """What has been found so far."""
        return summarise(self.spec, self.ended, state, self.throughput)

    def progress(self) -> Progress:
        """How far it has come."""
        arms = tuple(self._arm_progress(name, plan) for name, plan in self._plans.items())
        return Progress(arms, self._clock() - self._began, self._trials)

    def _arm_progress(self, name: str, plan: ArmPlan) -> ArmProgress:
        outcomes = [ended.result.outcome for ended in plan.ended.values()]
        metric = self.spec.metric
        found = [
            ended.result.metrics[f"validation.{metric.name}"]
            for trial, ended in plan.ended.items()
            if trial.phase is Phase.TUNE and ended.result.outcome is Outcome.COMPLETE
        ]
        return ArmProgress(
            name,
            len(outcomes),
            self.spec.tune.trials + self.spec.confirm_seeds,
            outcomes.count(Outcome.PRUNED),
            outcomes.count(Outcome.DIVERGED),
            outcomes.count(Outcome.FAILED),
            (min if metric.goal == "minimize" else max)(found, default=None),
        )
