"""The plan of one search, part by part: its generations rung by rung, its pick, the confirm trials of its choice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from slalom.search.choice import choose, contenders, most_picked, picked
from slalom.search.halving import generations, rungs, survivors
from slalom.study.trials import trial_spec
from slalom.wire.trial import Order, Phase, TrialId, validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slalom.search.base import Propose
    from slalom.study.model import Arm, StudySpec
    from slalom.wire.trial import Ended, Report, Scalar, TrialSpec

    Script = Iterator[list[Order]]
    """Lists of orders, one for each step: the next step is taken when all orders of the step before are answered."""


class Desk(Protocol):
    """What a search needs of its arm's plan: the trials that ended, reports, and a way to begin and prune trials."""

    ended: dict[TrialId, Ended]

    def begin(self, trial: TrialSpec) -> None:
        """Note that a trial is in training from now on, unless it has ended."""
        ...

    def reports(self, trial: TrialId) -> Mapping[int, Report]:
        """A trial's reports, by epoch."""
        ...

    def prune(self, trial: TrialSpec, rung: int) -> None:
        """End a trial as pruned at a rung."""
        ...

    def spare(self, trials: int) -> None:
        """Note that so many trials of the search's budget are not needed."""
        ...

    def lay_away(self, trial: TrialId) -> Ended:
        """Give a trial that ended with its history, and keep it without from now on."""
        ...


class SearchPlan:
    """What one search trains, as parts: `next_part` gives one after the other, `generation` some to train side by side.

    unproposed: how many tuning trials were not proposed yet
    under_way: how many parts have begun and not ended
    phase: of the part that was begun last
    """

    def __init__(self, spec: StudySpec, arm: Arm, search: int, propose: Propose, desk: Desk) -> None:
        self.spec = spec
        self.arm = arm
        self.search = search
        self.unproposed = spec.tune.trials
        self.under_way = 0
        self.phase = Phase.TUNE
        self._propose = propose
        self._desk = desk
        self._generations = generations(spec.tune)
        self._rungs = rungs(spec)
        self._new: list[Ended] = []
        self._closing = iter((self._pick, self._confirm))

    def next_part(self) -> Script | None:
        """The part that follows when all parts so far are over; None where the search is over."""
        script = self.generation()
        if script is not None:
            return script
        part = next(self._closing, None)
        return None if part is None else part()

    def generation(self) -> Script | None:
        """The next generation of which a trial has not ended; None where there is none."""
        for numbers in self._generations:
            self.unproposed -= len(numbers)
            ids = self._ids(Phase.TUNE, numbers)
            if not all(trial in self._desk.ended for trial in ids):
                new, self._new = self._new, []
                return self._tune(ids, self._propose(new, numbers))
            self._new += map(self._desk.lay_away, ids)
        return None

    def _ids(self, phase: Phase, numbers: range) -> list[TrialId]:
        return [TrialId(self.arm.name, phase, number, self.search) for number in numbers]

    def _tune(self, ids: Sequence[TrialId], proposals: Sequence[Mapping[str, Scalar]]) -> Script:
        """The orders of a generation, rung by rung."""
        left = [self._begun(trial, params) for trial, params in zip(ids, proposals, strict=True)]
        for rung in self._rungs:
            yield [Order(trial, rung) for trial in left]
            left = self._judged(left, rung)
        self._new += map(self._desk.lay_away, ids)

    def _pick(self) -> Script:
        """The orders of the pick: the best few tuning trials once more, from fresh seeds."""
        self.phase = Phase.PICK
        self._new.clear()
        found = contenders(self.spec, self.arm.name, self.search, self._desk.ended) or []
        ids = picked(self.spec, self.arm.name, self.search, len(found))
        seeds = self.spec.tune.pick.seeds
        self._desk.spare(most_picked(self.spec, self.arm) - len(ids))
        yield [Order(self._begun(trial, found[trial.number // seeds].spec.params), self.spec.epochs) for trial in ids]
        for trial in ids:
            self._desk.lay_away(trial)

    def _confirm(self) -> Script:
        """The orders of the confirm trials of the search's choice; none where it has no choice."""
        self.phase = Phase.CONFIRM
        chosen = choose(self.spec, self.arm.name, self.search, self._desk.ended)
        if chosen is None:
            self._desk.spare(self.spec.confirm_seeds)
            return
        ids = self._ids(Phase.CONFIRM, range(self.spec.confirm_seeds))
        yield [Order(self._begun(trial, chosen.spec.params), self.spec.epochs) for trial in ids]
        for trial in ids:
            self._desk.lay_away(trial)

    def _begun(self, trial: TrialId, params: Mapping[str, Scalar]) -> TrialSpec:
        spec = trial_spec(self.spec, trial, params)
        self._desk.begin(spec)
        return spec

    def _judged(self, contenders: list[TrialSpec], rung: int) -> list[TrialSpec]:
        """Prune contenders at a rung, and give those that go on. Ties go to the lower number."""
        if rung == self.spec.epochs:
            return []
        keep = survivors(len(contenders), self.spec.tune.factor)
        ranked = sorted(contenders, key=lambda trial: (self._standing(trial.id, rung), trial.id.number))
        stay = {trial.id for trial in ranked[:keep]}
        for trial in contenders:
            if trial.id not in stay and trial.id not in self._desk.ended:
                self._desk.prune(trial, rung)
        return [trial for trial in contenders if trial.id in stay and self._standing(trial.id, rung) < math.inf]

    def _standing(self, trial: TrialId, rung: int) -> float:
        """The trial's metric at a rung, smaller being better; infinite where there is no report, or no finite value."""
        metric = self.spec.metric
        report = self._desk.reports(trial).get(rung)
        value = report.metrics[validation(metric.name)] if report else math.nan
        if not math.isfinite(value):
            return math.inf
        return value if metric.goal == "minimize" else -value


def without_history(ended: Ended) -> Ended:
    """A trial that ended, without its history, which takes most of its memory."""
    return replace(ended, result=replace(ended.result, history=()))
