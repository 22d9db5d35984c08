"""What TPE reads, without what Optuna does for each proposal over again: copying all trials, comparing their spaces."""

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
    """Trials that ended, which nobody changes, and behind them those that are being asked."""

    def __init__(self, ended: Sequence[FrozenTrial]) -> None:
        """ended: by their numbers, which are negative, since Optuna counts what is asked from 0."""
        super().__init__()
        self._ended = ended

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """All trials of the one study, by number; those that ended are never copied."""
        ended = [trial for trial in self._ended if states is None or trial.state in states]
        return ended + super().get_all_trials(study_id, deepcopy, states)


class KnownSpaceTPESampler(TPESampler):
    """TPE over a space that is the same for all trials, and so need not be found out from them."""

    def __init__(self, space: Mapping[str, BaseDistribution], seed: int) -> None:
        super().__init__(seed=seed)
        self._known = {name: space[name] for name in sorted(space) if not space[name].single()}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """Everything that has more than one value."""
        return dict(self._known)


class ReseededRandomSampler(RandomSampler):
    """One generator for all trials: to make one asks the machine for entropy, which takes longer than all the rest."""

    def seeded(self, seed: int) -> ReseededRandomSampler:
        """The sampler, which now draws as a new one of that seed would."""
        self._rng.rng.seed(seed)
        return self
