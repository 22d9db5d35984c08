"""The hyperparameters that a search tries next, proposed by an Optuna sampler from its earlier generations."""

from __future__ import annotations

import heapq
import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.samplers import QMCSampler
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from slalom.search.on_optuna.known import KnownSpaceTPESampler, KnownTrials, ReseededRandomSampler
from slalom.search.on_optuna.translate import direction, distributions, quiet, shown
from slalom.study.ranges import Choices, IntRange
from slalom.wire.seeds import derive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optuna.trial import FrozenTrial

    from slalom.study.model import Arm, Metric, StudySpec
    from slalom.study.ranges import Distribution
    from slalom.wire.trial import Ended, Scalar

    Params = Mapping[str, Scalar]

BEST, RECENT = 100, 900
"""The most trials that TPE is shown: of the last ones, and the best of those before them."""

RENEW = 100
"""Quasi-random proposals after which their Optuna study is replaced, since each proposal reads the whole study."""


class Proposals:
    """A search's proposals: each a function of (the study's seed, search, number, the search's earlier generations).

    No proposal is stored, since asking again gives the same. Within a generation Optuna sees the trials asked before
    as running ones, and keeps away from them (constant liar).

    TPE is shown at most BEST + RECENT trials, so that the cost of a proposal is bounded: the RECENT last ones and, of
    those before them, the BEST that TPE itself would rank first. TPE models the best tenth of what it sees, but never
    more than 25 trials, so no trial that it would count as good is left out.
    """

    def __init__(self, spec: StudySpec, arm: Arm, search: int) -> None:
        quiet()
        self._spec = spec
        self._arm = arm
        self._search = search
        self._space = distributions(arm)
        self._shown: list[FrozenTrial] = []
        self._fixed = self._unadaptive() if spec.tune.sampler in ("qmc", "grid") else None
        self._drawn = 0
        self._sampler = KnownSpaceTPESampler(self._space) if spec.tune.sampler == "tpe" else ReseededRandomSampler()

    def __call__(self, new: Sequence[Ended], numbers: range) -> Sequence[Params]:
        """See `Propose`. TPE has to be told of all earlier trials, by number; the other samplers look at none."""
        if self._fixed is not None:
            return self._draw(self._fixed, numbers)
        if self._spec.tune.sampler == "tpe":
            self._show(new)
        storage, better = KnownTrials(self._shown), direction(self._spec.metric)
        study = optuna.create_study(storage=storage, sampler=self._sampler, direction=better)
        return [self._ask(study, number) for number in numbers]

    def _show(self, new: Sequence[Ended]) -> None:
        """Show TPE these trials too, and no longer those that are neither recent nor among the best."""
        for ended in new:
            trial = shown(ended, self._spec)
            trial.number = ended.spec.id.number - self._spec.tune.trials
            self._shown.append(trial)
        if len(self._shown) > BEST + RECENT:
            earlier = self._shown[:-RECENT]
            best = heapq.nsmallest(BEST, earlier, key=lambda trial: (_rank(trial, self._spec.metric), trial.number))
            self._shown = sorted(best, key=lambda trial: trial.number) + self._shown[-RECENT:]

    def _draw(self, fixed: Iterator[Params], numbers: range) -> list[Params]:
        """The proposals of these numbers from a fixed sequence; those that an earlier run made are skipped."""
        skipped, self._drawn = numbers.start - self._drawn, numbers.stop
        return list(itertools.islice(fixed, skipped, skipped + len(numbers)))

    def _ask(self, study: optuna.Study, number: int) -> Params:
        self._sampler.seeded(self._seed("proposal", number))
        return dict(study.ask(self._space).params)

    def _seed(self, *words: str | int) -> int:
        """A seed in [0, 2**32), the same in every arm that draws from the same stream."""
        return derive(self._spec.seed, self._arm.stream, self._search, *words) % 2**32

    def _unadaptive(self) -> Iterator[Params]:
        """The sequence of proposals, from the first one on, of a sampler that looks at no results."""
        if self._spec.tune.sampler == "grid":
            return itertools.cycle(list(self._grid()))
        return self._quasi_random()

    def _grid(self) -> Iterator[Params]:
        axes = [_points(distribution) for distribution in self._arm.space.values()]
        for point in itertools.product(*axes):
            yield dict(zip(self._arm.space, point, strict=True))

    def _quasi_random(self) -> Iterator[Params]:
        seed = self._seed("qmc")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
        storage = InMemoryStorage()
        study = optuna.create_study(storage=storage, sampler=sampler)
        while True:
            for _ in range(RENEW):
                trial = study.ask(self._space)
                yield dict(trial.params)
                study.tell(trial, 0.0)
            study, storage = _renewed(study, storage)


def _renewed(study: optuna.Study, old: InMemoryStorage) -> tuple[optuna.Study, InMemoryStorage]:
    """A short study in place of the old one: QMCSampler needs its first trial and the storage's count of draws."""
    storage = InMemoryStorage()
    renewed = optuna.create_study(storage=storage, sampler=study.sampler)
    renewed.add_trial(study.trials[0])
    drawn = old.get_study_system_attrs(old.get_study_id_from_name(study.study_name))
    for name, value in drawn.items():
        storage.set_study_system_attr(storage.get_study_id_from_name(renewed.study_name), name, value)
    return renewed, storage


def _points(distribution: Distribution) -> Sequence[Any]:
    match distribution:
        case Choices(options):
            return options
        case IntRange(low, high):
            return range(low, high + 1)
    raise TypeError(f"a grid needs choices or whole numbers, but got {distribution}")


def _rank(trial: FrozenTrial, metric: Metric) -> tuple[float, ...]:
    """The sort key by which TPE ranks trials: complete ones by value, then pruned ones by last epoch and by value.

    It follows `_split_trials` of optuna 5.0's `samplers/_tpe/sampler.py`; failed trials, which TPE ignores, come last.
    """
    sign = 1.0 if metric.goal == "minimize" else -1.0
    if trial.state is TrialState.COMPLETE:
        return (0.0, sign * float(trial.values[0]))
    if trial.state is not TrialState.PRUNED:
        return (2.0,)
    if not trial.intermediate_values:
        return (1.0, 1.0, 0.0)
    step, value = max(trial.intermediate_values.items())
    return (1.0, -float(step), math.inf if math.isnan(value) else sign * value)
