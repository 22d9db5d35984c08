"""One search of an arm, part by part: its generations rung by rung, its pick, the confirm trials of its choice."""

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
    """Orders, step by step: the next step is taken when all orders of the one before are answered."""


class Desk(Protocol):
    """What a search asks of its arm's plan: who is over, what was reported; and tells it who is pruned."""

    ended: dict[TrialId, Ended]

    def begin(self, trial: TrialSpec) -> None:
        """A trial is in training from now on, unless it has ended."""
        ...

    def reports(self, trial: TrialId) -> Mapping[int, Report]:
        """What a trial has reported, by epoch."""
        ...

    def prune(self, trial: TrialSpec, rung: int) -> None:
        """A trial is over at a rung."""
        ...

    def spare(self, trials: int) -> None:
        """So many trials of the search's budget are not needed."""
        ...

    def lay_away(self, trial: TrialId) -> Ended:
        """A trial that ended, whole; from now on it is kept without its history."""
        ...


class SearchPlan:
    """What one search trains. Its parts are taken by `next_part`, one after the other, and by `ahead` side by side.

    unproposed: tuning trials that were not proposed yet
    under_way: parts that have begun and not ended
    """

    def __init__(self, spec: StudySpec, arm: Arm, search: int, propose: Propose, desk: Desk) -> None:
        self.spec = spec
        self.arm = arm
        self.search = search
        self.unproposed = spec.tune.trials
        self.under_way = 0
        self._propose = propose
        self._desk = desk
        self._generations = generations(spec.tune)
        self._rungs = rungs(spec)
        self._new: list[Ended] = []
        self._closing = iter((self._pick, self._confirm))

    def next_part(self) -> Script | None:
        """What comes when all that had begun is over; None where the search is."""
        script = self.generation()
        if script is not None:
            return script
        part = next(self._closing, None)
        return None if part is None else part()

    def generation(self) -> Script | None:
        """The next generation of which a trial is missing."""
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
        """A generation, rung by rung."""
        left = [self._begun(trial, params) for trial, params in zip(ids, proposals, strict=True)]
        for rung in self._rungs:
            yield [Order(trial, rung) for trial in left]
            left = self._judged(left, rung)
        self._new += map(self._desk.lay_away, ids)

    def _pick(self) -> Script:
        """The best few once more, from fresh seeds."""
        self._new.clear()
        found = contenders(self.spec, self.arm.name, self.search, self._desk.ended) or []
        ids = picked(self.spec, self.arm.name, self.search, len(found))
        seeds = self.spec.tune.pick.seeds
        self._desk.spare(most_picked(self.spec, self.arm) - len(ids))
        yield [Order(self._begun(trial, found[trial.number // seeds].spec.params), self.spec.epochs) for trial in ids]
        for trial in ids:
            self._desk.lay_away(trial)

    def _confirm(self) -> Script:
        """The search's choice from fresh seeds; nothing where it has none."""
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
        """The contenders that go on after a rung; the others are pruned. Ties go to the lower number."""
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
        """The trial's metric at a rung, smaller being better; infinite where it ended before, or has no finite one."""
        metric = self.spec.metric
        report = self._desk.reports(trial).get(rung)
        value = report.metrics[validation(metric.name)] if report else math.nan
        if not math.isfinite(value):
            return math.inf
        return value if metric.goal == "minimize" else -value


def without_history(ended: Ended) -> Ended:
    """A trial that ended, without most of what it weighs."""
    return replace(ended, result=replace(ended.result, history=()))
