"""Nights of a regression study, driven straight through a lane's packs: many baselines, and what is said of each.

Every night has a baseline of its own, from a study seed of its own, so that nights are independent of each other: the
share of alarms is then that of a night whose baseline is as lucky or unlucky as they come. Nothing is searched: every
search has the same choice, and where splits are drawn, a split of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import slalom
from slalom.regression.baseline import Baseline, PinnedArm
from slalom.regression.gate import Answer, Design, Finding, judge, overall
from slalom.regression.replicates import reached, replicates
from slalom.study.model import StudySpec
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Order, Phase, Report, TrialId, Turn
from slalom_worker.lane.worker import LaneWorker
from tests.benchmarks.injections import Injection, unchanged

WIDTH = 128
SEARCHES = 10
STRIDE = 1 << 20
"""Between the numbers of two nights' searches in a lane."""

Results = Mapping[TrialId, Ended]


def study(name: str, **document: object) -> StudySpec:
    """A study without a search, of which the confirm phase alone is ever trained."""
    rest = {
        "tune": {"trials": 1, "searches": SEARCHES, "pick": "none"},
        "confirm": {"seeds": 6},
        "question": "Is it still what it was?",
    }
    return slalom.Study(name=name, **{"resample": {"split": "fixed"}, **rest, **document})


@dataclass
class Bench:
    """A study and the baselines that its nights are held against, each of `trainings` trainings of every arm."""

    spec: StudySpec
    trainings: int
    baselines: dict[int, Baseline] = field(default_factory=dict)
    width: int = WIDTH

    def pin(self, numbers: Sequence[int]) -> None:
        """Make the baselines of these numbers, where they are missing."""
        missing = [number for number in numbers if number not in self.baselines]
        found = self.train({number: range(self.trainings) for number in missing}, unchanged)
        self.baselines |= {number: self._pinned(number, found[number]) for number in missing}

    def nights(self, numbers: Sequence[int], injection: Injection) -> list[Night]:
        """What is said on the nights of these numbers, with the injection at work; trained stage by stage, together."""
        self.pin(numbers)
        nights = {number: Night(self.baselines[number], Design.of(self.baselines[number])) for number in numbers}
        stages = next(iter(nights.values())).design.stages
        for before, trainings in zip((0, *stages), stages, strict=False):
            due = {number: range(before, trainings) for number, night in nights.items() if not night.decided}
            for number, found in self.train(due, injection).items():
                nights[number].hear(self.spec, found, trainings)
        return list(nights.values())

    def train(self, due: Mapping[int, range], injection: Injection) -> dict[int, dict[TrialId, Ended]]:
        """Confirm trials at these places of the baseline's order, by the night's number."""
        found: dict[int, dict[TrialId, Ended]] = {number: {} for number in due}
        orders = [
            self._order(number, arm.name, place) for arm in self.spec.arms for number in due for place in due[number]
        ]
        for ended in _trained(orders, self.width, injection) if orders else ():
            number, search = divmod(ended.spec.id.search, STRIDE)
            trial = ended.spec.id._replace(search=search)
            found[number][trial] = replace(ended, spec=replace(ended.spec, id=trial))
        return found

    def _order(self, number: int, arm: str, place: int) -> Order:
        """The training at a place of the order in which a baseline pins them, with the random numbers of its night."""
        spec, search, seed = replace(self.spec, seed=number), place % SEARCHES, place // SEARCHES
        trial = trial_spec(spec, TrialId(arm, Phase.CONFIRM, seed, search), {})
        return Order(replace(trial, id=trial.id._replace(search=number * STRIDE + search)), trial.epochs)

    def _pinned(self, number: int, results: Results) -> Baseline:
        arms = []
        for arm in self.spec.arms:
            target = reached(self.spec, arm.name, results, self.trainings)
            found = replicates(self.spec, arm.name, results, self.trainings, target)
            arms.append(PinnedArm(arm.name, ({},) * SEARCHES, target, found))
        metric = self.spec.metric
        name, night = self.spec.name, f"night {number}"
        return Baseline(name, night, number, "", metric.name, metric.goal, "cpu", {}, {}, tuple(arms), "")


@dataclass
class Night:
    """A night as it goes on: what has been trained, and what was said of it after the last stage."""

    baseline: Baseline
    design: Design
    results: dict[TrialId, Ended] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    trainings: int = 0

    def hear(self, spec: StudySpec, found: Results, trainings: int) -> None:
        """The stage of so many trainings is over."""
        self.results |= found
        self.trainings = trainings
        tonight = {
            arm.name: replicates(spec, arm.name, self.results, trainings, arm.target) for arm in self.baseline.arms
        }
        self.findings = judge(self.baseline, self.design, trainings, tonight, {}, self.findings)

    @property
    def answer(self) -> Answer:
        """Of the night."""
        return overall(self.findings) if self.findings else Answer.UNDECIDED

    @property
    def decided(self) -> bool:
        """Whether no further stage is needed."""
        return self.answer is not Answer.UNDECIDED


def answers(nights: Sequence[Night]) -> Counter[Answer]:
    """How many nights ended how."""
    return Counter(night.answer for night in nights)


def _trained(orders: Sequence[Order], width: int, injection: Injection) -> list[Ended]:
    """Train them, all of one program, in packs of so many slots, with the injection at work."""
    worker = LaneWorker(Path(), width, turn_seconds=math.inf)
    first = orders[0]
    # the first is trained for an epoch at least to open the lane's pack, and starts again below
    worker.turn(Turn((replace(first, until=1),)))
    objective = worker.packs[first.trial.work.key].objective
    with injection(objective, first.trial.work.batch_size or objective.count):
        reply = worker.turn(Turn(tuple(orders), (first.trial.id,)))
    reports: dict[TrialId, list[Report]] = {order.trial.id: [] for order in orders}
    for report in reply.reports:
        reports[report.trial].append(report)
    specs = {order.trial.id: order.trial for order in orders}
    return [Ended(specs[one.trial], replace(one, history=tuple(reports[one.trial]))) for one in reply.results]
