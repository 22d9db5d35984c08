"""What an arm trains next: its tuning, generation by generation and rung by rung, then its confirm seeds.

A plan is a function of the study and of results, never of time or place: that is what makes a study
reproducible in parallel, and a resumed one equal to one that was never stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slalom.loop.attempts import Attempts
from slalom.search.choice import best_seed, choose
from slalom.search.halving import generations, rungs, survivors
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Order, Outcome, Phase, TrialId, TrialResult, validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slalom.errors import LaneLost
    from slalom.search.base import Propose
    from slalom.study.model import Arm, StudySpec
    from slalom.wire.trial import Report, Scalar, TrialSpec


@dataclass
class Strand:
    """A part of an arm's way, which goes on when all its open orders are answered."""

    script: Iterator[list[Order]]
    open: set[TrialId] = field(default_factory=set)


class ArmPlan:
    """One arm's way through the study.

    The loop asks for `due` orders, brings back reports and results, and writes down what is `over`. At its end the best
    confirm trial is trained once more, for its weights: that spares keeping every confirm trial's, and shows whether
    its numbers come out the same.

    ended: the study's trials that ended, in this run and earlier ones; the arm adds its own, and takes a trial's
        history away once nothing will ask for it
    reproduced: whether the numbers came out the same, once that is known
    """

    def __init__(self, spec: StudySpec, arm: Arm, propose: Propose, ended: dict[TrialId, Ended]) -> None:
        self.spec = spec
        self.arm = arm
        self.ended = ended
        self.reproduced: bool | None = None
        self.done = False
        self._propose = propose
        self._attempts = Attempts(rungs(spec))
        self._reports: dict[TrialId, dict[int, Report]] = {}
        self._open: dict[TrialId, Order] = {}
        self._due: list[Order] = []
        self._over: list[Ended] = []
        self._kept: tuple[Ended, tuple[bytes, ...]] | None = None
        self._generations = generations(spec.tune)
        self._new: list[Ended] = []
        self._unproposed = spec.tune.trials
        self._under_way = 0
        self._strands: dict[TrialId, Strand] = {}
        self._confirming = False
        self._begin()

    def due(self) -> list[Order]:
        """Orders that have come up since the last call."""
        due, self._due = self._due, []
        return due

    def ahead(self) -> bool:
        """Begin a generation beside those under way, where the sampler looks at no results; whether there was one."""
        script = self._generation() if self._looks_ahead else None
        if script is not None:
            self._under_way += 1
            self._go_on(Strand(script))
        return script is not None

    @property
    def trainable(self) -> int:
        """Trials that could be trained now: those with an open order, and those that `ahead` would begin."""
        return len(self._open) + (self._unproposed if self._looks_ahead else 0)

    @property
    def _looks_ahead(self) -> bool:
        return self.spec.tune.sampler != "tpe"

    def over(self) -> list[Ended]:
        """Trials that ended since the last call, oldest first: each is told once."""
        over, self._over = self._over, []
        return over

    def kept(self) -> tuple[Ended, tuple[bytes, ...]] | None:
        """The best confirm trial and the weights of its nets, told once."""
        kept, self._kept = self._kept, None
        return kept

    def hear(self, report: Report) -> None:
        """A report came; one of an earlier attempt, or of a trial that is over, is dropped."""
        if report.trial in self.ended or not self._attempts.is_present(report.trial, report.attempt):
            return
        self._reports.setdefault(report.trial, {})[report.epoch] = report
        order = self._open.get(report.trial)
        if order is not None and order.until <= report.epoch < order.trial.epochs:
            self._answered(report.trial)

    def end(self, result: TrialResult) -> None:
        """A trial's result came; one of an earlier attempt is dropped."""
        order = self._open.get(result.trial)
        if order is None or result.attempt != order.trial.attempt:
            return
        if order.keep_weights:
            before = self.ended[result.trial]
            self.reproduced = _same(result, before.result)
            self._kept = (before, result.weights) if result.weights else None
        else:
            self._write(order.trial, result)
        self._answered(result.trial)

    def lost(self, trial: TrialId, loss: LaneLost) -> None:
        """The lane that trained this trial is gone: try again, from its seeds, while there are attempts left."""
        order = self._open.get(trial)
        if order is None:
            return
        if self._attempts.lose(trial, loss):
            self._give(self._attempts.order(order))
        else:
            if not order.keep_weights:
                self._write(order.trial, self._attempts.failure(order, str(loss)))
            self._answered(trial)

    def _begin(self) -> None:
        """Begin the next part where none is under way."""
        while not self.done and not self._under_way:
            script = self._generation() or self._closing()
            if script is None:
                return
            self._under_way += 1
            self._go_on(Strand(script))

    def _generation(self) -> Iterator[list[Order]] | None:
        """The next generation of which a trial is missing."""
        for numbers in self._generations:
            self._unproposed -= len(numbers)
            ids = [TrialId(self.arm.name, Phase.TUNE, number) for number in numbers]
            if not all(trial in self.ended for trial in ids):
                new, self._new = self._new, []
                return self._search(ids, self._propose(new, numbers))
            self._new += map(self._laid_away, ids)
        return None

    def _closing(self) -> Iterator[list[Order]] | None:
        """What comes when all generations are over: the confirm trials, and then nothing."""
        self.done, self._confirming = self._confirming, True
        return None if self.done else self._confirm()

    def _search(self, ids: Sequence[TrialId], proposals: Sequence[Mapping[str, Scalar]]) -> Iterator[list[Order]]:
        """A generation, rung by rung."""
        contenders = [self._trial(trial, params) for trial, params in zip(ids, proposals, strict=True)]
        for rung in rungs(self.spec):
            yield [Order(trial, rung) for trial in contenders]
            contenders = self._judge(contenders, rung)
        self._new += map(self._laid_away, ids)

    def _confirm(self) -> Iterator[list[Order]]:
        """The arm's choice from fresh seeds, then the best of these once more."""
        self._new.clear()
        chosen = choose(self.spec, self.arm.name, self.ended)
        if chosen is None:
            return
        ids = [TrialId(self.arm.name, Phase.CONFIRM, number) for number in range(self.spec.confirm_seeds)]
        yield [Order(self._trial(trial, chosen.spec.params), self.spec.epochs) for trial in ids]
        for trial in ids:
            self._laid_away(trial)
        best = best_seed(self.spec, self.arm.name, self.ended)
        if best is not None:
            first = self.ended[ids[best]].spec
            again = replace(first, attempt=first.attempt + 1)
            self._attempts.begin(again)
            yield [Order(again, self.spec.epochs, keep_weights=True)]

    def _laid_away(self, trial: TrialId) -> Ended:
        """A trial that ended, whole; from now on it is kept without its history, most of what it weighs."""
        whole = self.ended[trial]
        self.ended[trial] = replace(whole, result=replace(whole.result, history=()))
        return whole

    def _judge(self, contenders: list[TrialSpec], rung: int) -> list[TrialSpec]:
        """The contenders that go on after a rung; the others are pruned. Ties go to the lower number."""
        if rung == self.spec.epochs:
            return []
        keep = survivors(len(contenders), self.spec.tune.factor)
        ranked = sorted(contenders, key=lambda trial: (self._standing(trial.id, rung), trial.id.number))
        stay = {trial.id for trial in ranked[:keep]}
        for trial in contenders:
            if trial.id not in stay and trial.id not in self.ended:
                self._write(trial, self._pruned(trial, rung))
        return [trial for trial in contenders if trial.id in stay and self._standing(trial.id, rung) < math.inf]

    def _standing(self, trial: TrialId, rung: int) -> float:
        """The trial's metric at a rung, smaller being better; infinite where it ended before, or has no finite one."""
        metric = self.spec.metric
        report = self._history(trial).get(rung)
        value = report.metrics[validation(metric.name)] if report else math.nan
        if not math.isfinite(value):
            return math.inf
        return value if metric.goal == "minimize" else -value

    def _history(self, trial: TrialId) -> Mapping[int, Report]:
        if trial in self.ended:
            return {report.epoch: report for report in self.ended[trial].result.history}
        return self._reports.get(trial, {})

    def _trial(self, trial: TrialId, params: Mapping[str, Scalar]) -> TrialSpec:
        spec = trial_spec(self.spec, trial, params)
        if trial not in self.ended:
            self._attempts.begin(spec)
        return spec

    def _pruned(self, trial: TrialSpec, rung: int) -> TrialResult:
        metrics = self._history(trial.id)[rung].metrics
        return TrialResult(trial.id, self._attempts[trial.id].attempt, Outcome.PRUNED, rung, metrics)

    def _write(self, trial: TrialSpec, result: TrialResult) -> None:
        """A trial is over: its result gets the reports that led there."""
        reports = self._reports.pop(result.trial, {})
        history = tuple(
            _of_attempt(reports[epoch], result.attempt) for epoch in sorted(reports) if epoch <= result.epochs
        )
        ended = Ended(replace(trial, attempt=result.attempt), replace(result, history=history))
        self.ended[result.trial] = ended
        self._attempts.end(result.trial)
        self._over.append(ended)

    def _give(self, order: Order) -> None:
        self._open[order.trial.id] = order
        self._due.append(order)

    def _answered(self, trial: TrialId) -> None:
        del self._open[trial]
        strand = self._strands.pop(trial)
        strand.open.remove(trial)
        self._go_on(strand)

    def _go_on(self, strand: Strand) -> None:
        """Take the script's next steps, as far as they need no answer."""
        while not strand.open:
            step = next(strand.script, None)
            if step is None:
                self._under_way -= 1
                self._begin()
                return
            for order in step:
                trial = order.trial.id
                if trial in self._attempts:
                    self._strands[trial] = strand
                    strand.open.add(trial)
                    self._give(self._attempts.order(order))


def _of_attempt(report: Report, attempt: int) -> Report:
    """The report as that attempt's: a rung that an attempt before it passed gives the same numbers."""
    return report if report.attempt == attempt else replace(report, attempt=attempt)


def _same(one: TrialResult, other: TrialResult) -> bool:
    """Whether two trainings gave the same numbers; what only one of them was asked to record is not looked at."""
    both = one.metrics.keys() & other.metrics.keys()
    return one.outcome is other.outcome and all(one.metrics[name] == other.metrics[name] for name in both)
