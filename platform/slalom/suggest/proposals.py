"""What an arm tries next, asked of an Optuna sampler over the arm's earlier generations."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler

from slalom.seeds import derive
from slalom.spec.model import Choices, IntRange
from slalom.suggest.translate import direction, distributions, frozen, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slalom.spec.model import Arm, Distribution, StudySpec
    from slalom.trial import Ended, Scalar

    Params = Mapping[str, Scalar]


class Proposals:
    """One arm's proposals: each a function of (fingerprint, arm, number, the trials of earlier generations).

    Nothing of it is stored, since asking again gives the same. Within a generation Optuna sees the trials asked
    before as running ones, and keeps away from them (constant liar).
    """

    def __init__(self, spec: StudySpec, arm: Arm) -> None:
        quiet()
        self._spec = spec
        self._arm = arm
        self._space = distributions(arm)
        self._told = 0
        self._study = optuna.create_study(direction=direction(spec.metric))
        self._fixed = self._unadaptive() if spec.tune.sampler in ("qmc", "grid") else None

    def __call__(self, told: Sequence[Ended], count: int) -> list[Params]:
        """The next `count` proposals, after all trials so far, in the order of their numbers, are `told`."""
        if self._fixed is not None:
            return list(itertools.islice(self._fixed, count))
        for ended in told[self._told :]:
            self._study.add_trial(frozen(ended, self._spec, with_result=False))
        self._told = len(told)
        generation = optuna.create_study(direction=direction(self._spec.metric), sampler=None)
        generation.add_trials(self._study.get_trials(deepcopy=False))
        return [self._ask(generation, len(told) + place) for place in range(count)]

    def _ask(self, study: optuna.Study, number: int) -> Params:
        study.sampler = self._sampler(derive(self._spec.fingerprint, self._arm.name, "proposal", number) % 2**32)
        return dict(study.ask(self._space).params)

    def _sampler(self, seed: int) -> BaseSampler:
        if self._spec.tune.sampler == "random":
            return RandomSampler(seed=seed)
        return TPESampler(seed=seed)

    def _unadaptive(self) -> Iterator[Params]:
        """Proposals that no result changes: they are drawn from the first one on, whatever was told."""
        if self._spec.tune.sampler == "grid":
            return itertools.cycle(list(self._grid()))
        return self._quasi_random()

    def _grid(self) -> Iterator[Params]:
        axes = [_points(distribution) for distribution in self._arm.space.values()]
        for point in itertools.product(*axes):
            yield dict(zip(self._arm.space, point, strict=True))

    def _quasi_random(self) -> Iterator[Params]:
        seed = derive(self._spec.fingerprint, self._arm.name, "qmc") % 2**32
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
        study = optuna.create_study(sampler=sampler)
        while True:
            trial = study.ask(self._space)
            yield dict(trial.params)
            study.tell(trial, 0.0)


def _points(distribution: Distribution) -> Sequence[Any]:
    match distribution:
        case Choices(options):
            return options
        case IntRange(low, high):
            return range(low, high + 1)
    raise TypeError(f"a grid needs choices or whole numbers, but got {distribution}")
