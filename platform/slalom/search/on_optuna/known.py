"""Optuna's samplers and storage without work that Optuna repeats for each proposal: copying all trials, say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.samplers import RandomSampler, TPESampler
from optuna.storages import InMemoryStorage

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial, TrialState


class KnownTrials(InMemoryStorage):
    """A storage of trials that ended and do not change, followed by those that are being asked."""

    def __init__(self, ended: Sequence[FrozenTrial]) -> None:
        """ended: sorted by number; the numbers are negative, since Optuna numbers the trials that are asked from 0."""
        super().__init__()
        self._ended = ended

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """All trials of the one study, by number; those that ended are never copied."""
        ended = [trial for trial in self._ended if states is None or trial.state in states]
        return ended + super().get_all_trials(study_id, deepcopy, states)


class KnownSpaceTPESampler(TPESampler):
    """TPE over a space that is the same for all trials, and so need not be found out from them.

    It is seeded anew for each trial, for the reason of `ReseededRandomSampler`.
    """

    def __init__(self, space: Mapping[str, BaseDistribution]) -> None:
        super().__init__(seed=0)
        self._random_sampler: ReseededRandomSampler = ReseededRandomSampler()
        self._known = {name: space[name] for name in sorted(space) if not space[name].single()}

    def seeded(self, seed: int) -> KnownSpaceTPESampler:
        """The sampler itself, which from now on draws as a new sampler of that seed would."""
        self._rng.rng.seed(seed)
        self._random_sampler.seeded(seed)
        return self

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """The hyperparameters that can take more than one value."""
        return dict(self._known)


class ReseededRandomSampler(RandomSampler):
    """A RandomSampler that is seeded anew for each trial: making one asks the machine for entropy, which is slow."""

    def seeded(self, seed: int) -> ReseededRandomSampler:
        """The sampler itself, which from now on draws as a new sampler of that seed would."""
        self._rng.rng.seed(seed)
        return self
