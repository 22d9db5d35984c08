"""The plan of an arm: its searches, side by side as lanes have room, and at the end its best net once more.

What a plan trains is a function of the study and of results, never of time or place: this makes a study reproducible in
parallel, and a resumed study equal to one that was never stopped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.loop.attempts import Attempts
from slalom.loop.search_plan import SearchPlan, without_history
from slalom.loop.strands import Strand, Strands
from slalom.search.choice import best, ended_of, most_picked
from slalom.search.halving import rungs
from slalom.wire.trial import Ended, Order, Outcome, Phase, TrialId, TrialResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.errors import LaneLost
    from slalom.loop.search_plan import Script
    from slalom.search.base import ProposeFor
    from slalom.study.model import Arm, StudySpec
    from slalom.wire.trial import Report, TrialSpec


class ArmPlan:
    """One arm's way through the study.

    The loop asks for `due` orders, brings back reports and results, and writes down the trials that are `over`. One
    search is begun at once, with those that an earlier run had begun, and a further one whenever the loop has room and
    asks for more (`ahead`). When no further search will be allowed (`close`) and all are over, the arm's best confirm
    trial is trained once more, for its weights: so the weights of the other confirm trials need not be kept, and it
    shows whether the numbers come out the same.

    ended: the study's trials that ended, in this run and earlier ones; the plan adds its own, and removes a trial's
        history once it is no longer needed
    closed: no further search will be allowed
    reproduced: whether the best confirm trial's numbers came out the same, None before that is known
    """

    def __init__(self, spec: StudySpec, arm: Arm, propose: ProposeFor, ended: dict[TrialId, Ended]) -> None:
        self.spec = spec
        self.arm = arm
        self.ended = ended
        self.reproduced: bool | None = None
        self.done = False
        self._propose = propose
        self._attempts = Attempts(rungs(spec))
        self._reports: dict[TrialId, dict[int, Report]] = {}
        self._strands = Strands(self._attempts)
        self._over: list[Ended] = []
        self._kept: tuple[Ended, TrialResult] | None = None
        self._searches: dict[int, SearchPlan] = {}
        self._begun = 0
        self._begun_earlier = 1 + max((trial.search for trial in ended if trial.arm == arm.name), default=-1)
        self._in_search = spec.tune.trials + most_picked(spec, arm) + spec.confirm_seeds
        self._spared = 0
        self._allowed = spec.tune.searches.at_least
        self.closed = len(spec.tune.searches.stages) == 1
        self._catch_up()

    def allow(self, searches: int) -> None:
        """Allow the arm `searches` searches in all."""
        self._allowed = searches
        self._catch_up()

    def close(self) -> None:
        """Note that no further search will be allowed."""
        self.closed = True
        self._finish()

    @property
    def waits(self) -> bool:
        """Whether all allowed searches are over, and more may be allowed."""
        return not self.closed and not self._searches and self._begun == self._allowed

    @property
    def allowed(self) -> int:
        """How many searches the arm is allowed so far."""
        return self._allowed

    @property
    def parts(self) -> list[tuple[int, Phase]]:
        """The number and the phase of each search under way."""
        return [(number, search.phase) for number, search in self._searches.items()]

    @property
    def budget(self) -> int:
        """Trials of all allowed searches, as far as is known: a search may turn out to need fewer pick trials."""
        return self._allowed * self._in_search - self._spared

    def due(self) -> list[Order]:
        """The orders that are new since the last call."""
        return self._strands.due()

    def ahead(self) -> bool:
        """Begin a further search or, where the sampler looks at no results, a further generation of one under way.

        Gives whether there was one to begin.
        """
        if self._looks_ahead:
            for search in list(self._searches.values()):
                script = search.generation() if search.unproposed else None
                if script is not None:
                    self._begin(script, search)
                    return True
        if self._begun == self._allowed:
            return False
        self._begin_search()
        self._finish()
        return True

    @property
    def trainable(self) -> int:
        """How many trials could train now: those with an open order, and those that calls of `ahead` would begin."""
        tune, begun = self.spec.tune, self._searches.values()
        first = tune.trials if self._looks_ahead else min(tune.trials, tune.generation)
        ahead = sum(search.unproposed for search in begun) if self._looks_ahead else 0
        return len(self._strands) + ahead + first * (self._allowed - self._begun)

    @property
    def _looks_ahead(self) -> bool:
        return self.spec.tune.sampler != "tpe"

    def over(self) -> list[Ended]:
        """The trials that ended since the last call, oldest first."""
        over, self._over = self._over, []
        return over

    def kept(self) -> tuple[Ended, TrialResult] | None:
        """The best confirm trial and the result with the weights of its nets, given once; None before and after."""
        kept, self._kept = self._kept, None
        return kept

    def hear(self, report: Report) -> None:
        """Take in a report, unless it is of an earlier attempt or of a trial that is over."""
        if report.trial in self.ended or not self._attempts.is_present(report.trial, report.attempt):
            return
        self._reports.setdefault(report.trial, {})[report.epoch] = report
        order = self._strands.get(report.trial)
        if order is not None and order.until <= report.epoch < order.trial.epochs:
            self._answered(report.trial)

    def end(self, result: TrialResult) -> None:
        """Take in a trial's result, unless it is of an earlier attempt."""
        order = self._strands.get(result.trial)
        if order is None or result.attempt != order.trial.attempt:
            return
        if order.keep_weights:
            before = self.ended[result.trial]
            self.reproduced = _same(result, before.result)
            self._kept = (before, result) if result.weights else None
        else:
            self._write(order.trial, result)
        self._answered(result.trial)

    def lost(self, trial: TrialId, loss: LaneLost) -> None:
        """Order a trial whose lane is gone once more, from its seeds; it fails where no attempt is left."""
        order = self._strands.get(trial)
        if order is None:
            return
        if self._attempts.lose(trial, loss):
            self._strands.give(order)
        else:
            if not order.keep_weights:
                self._write(order.trial, self._attempts.failure(order, str(loss)))
            self._answered(trial)

    def begin(self, trial: TrialSpec) -> None:
        """Note that a trial is in training from now on, unless it has ended."""
        if trial.id not in self.ended:
            self._attempts.begin(trial)

    def reports(self, trial: TrialId) -> Mapping[int, Report]:
        """A trial's reports, by epoch."""
        if trial in self.ended:
            return {report.epoch: report for report in self.ended[trial].result.history}
        return self._reports.get(trial, {})

    def prune(self, trial: TrialSpec, rung: int) -> None:
        """End a trial as pruned at a rung."""
        metrics = self.reports(trial.id)[rung].metrics
        attempt = self._attempts[trial.id].attempt
        self._write(trial, TrialResult(trial.id, attempt, Outcome.PRUNED, rung, metrics))

    def spare(self, trials: int) -> None:
        """Note that so many trials of the budget are not needed."""
        self._spared += trials

    def lay_away(self, trial: TrialId) -> Ended:
        """Give a trial that ended with its history, and keep it without from now on."""
        whole = self.ended[trial]
        self.ended[trial] = without_history(whole)
        return whole

    def _catch_up(self) -> None:
        """Begin the searches that an earlier run had begun and, where none is under way, the next allowed one."""
        while self._begun < self._allowed and (not self._searches or self._begun < self._begun_earlier):
            self._begin_search()
        self._finish()

    def _begin_search(self) -> None:
        """Begin the next search; a search that an earlier run has completed is over at once."""
        number = self._begun
        self._begun += 1
        search = SearchPlan(self.spec, self.arm, number, self._propose(self.spec, self.arm, number), self)
        self._searches[number] = search
        self._go_to_next(search)

    def _go_to_next(self, search: SearchPlan) -> None:
        """Begin a search's next part where none is under way; forget the search when there is no further part."""
        while not search.under_way:
            script = search.next_part()
            if script is None:
                del self._searches[search.search]
                return
            self._begin(script, search)

    def _begin(self, script: Script, search: SearchPlan) -> None:
        """Begin a part of a search."""
        search.under_way += not self._strands.begin(Strand(script, search))

    def _finish(self) -> None:
        """When all searches are over for good, train the best net once more; after that the arm is done."""
        if self.done or not self.closed or self._searches or self._begun < self._allowed or len(self._strands):
            return
        last = self._last_training() if self.reproduced is None else None
        if last is None:
            self.done = True
        else:
            self._strands.begin(Strand(last, None))

    def _last_training(self) -> Script | None:
        first = self._best_confirmed()
        if first is None:
            return None
        again = replace(first.spec, attempt=first.spec.attempt + 1)
        self._attempts.begin(again)
        return iter([[Order(again, self.spec.epochs, keep_weights=True)]])

    def _best_confirmed(self) -> Ended | None:
        """The confirm trial of the best validation value: test data select nothing."""
        seeds = self.spec.confirm_seeds
        trials = [
            one
            for search in range(self._begun)
            for one in ended_of(self.arm.name, Phase.CONFIRM, search, seeds, self.ended)
        ]
        return best(self.spec.metric, trials)

    def _write(self, trial: TrialSpec, result: TrialResult) -> None:
        """End a trial: add its reports to the result, and keep both."""
        reports = self._reports.pop(result.trial, {})
        history = tuple(
            _of_attempt(reports[epoch], result.attempt) for epoch in sorted(reports) if epoch <= result.epochs
        )
        ended = Ended(replace(trial, attempt=result.attempt), replace(result, history=history))
        self.ended[result.trial] = ended
        self._attempts.end(result.trial)
        self._over.append(ended)

    def _answered(self, trial: TrialId) -> None:
        """Go on with the strand that waited for the trial; the end of the last training is the end of the arm."""
        strand = self._strands.answered(trial)
        if strand is None:
            return
        if strand.search is None:
            self.done = True
            return
        strand.search.under_way -= 1
        self._go_to_next(strand.search)
        self._catch_up()


def _of_attempt(report: Report, attempt: int) -> Report:
    """The report as one of that attempt: an earlier attempt's report has the same numbers."""
    return report if report.attempt == attempt else replace(report, attempt=attempt)


def _same(one: TrialResult, other: TrialResult) -> bool:
    """Whether two trainings gave the same numbers; metrics that only one of them has are not compared."""
    both = one.metrics.keys() & other.metrics.keys()
    return one.outcome is other.outcome and all(one.metrics[name] == other.metrics[name] for name in both)
