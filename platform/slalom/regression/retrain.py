"""A study's confirm phase trained again: pinned hyperparameters, pinned seeds, today's code, more seeds as needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.loop.notes import Notes
from slalom.loop.run import run
from slalom.records.in_memory import InMemoryRecorder
from slalom.search.choice import choose
from slalom.search.in_memory import InMemoryStore
from slalom.study.model import Arm, Tune
from slalom.study.space import assign
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Outcome, Phase, TrialId, TrialResult, validation

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from slalom.lanes.base import Lanes
    from slalom.loop.progress import Progress
    from slalom.search.base import Propose
    from slalom.study.model import StudySpec
    from slalom.wire.trial import Scalar

    Choices = Mapping[str, Mapping[str, Scalar]]

NO_TUNING = Tune(trials=1, sampler="random", pruner="none", generation=1)


@dataclass(frozen=True)
class Crew:
    """What trains a baseline or a night; `wiring` makes it.

    lanes: opens the lanes that a study is trained on
    propose: what an arm tries next, where its search is made again
    measure_cost: seconds of an epoch of an arm of fixed hyperparameters over those of a calibration loop, repeated
    """

    lanes: Callable[[StudySpec], Lanes]
    propose: Callable[[StudySpec, Arm], Propose]
    measure_cost: Callable[[StudySpec, str], Sequence[float]]


@dataclass(frozen=True)
class Trained:
    """Confirm trials.

    spec: the study as it was trained, with its fingerprint and fixed hyperparameters
    chosen: these hyperparameters, by arm
    results: the confirm trials that ended, with their histories, and what they were chosen by
    reproduced: by arm, whether its best trial came out the same when it was trained once more
    """

    spec: StudySpec
    chosen: Choices
    results: Mapping[TrialId, Ended]
    reproduced: Mapping[str, bool]

    @property
    def device(self) -> str:
        """The kind that trained, or several."""
        devices = {ended.result.device for key, ended in self.results.items() if key.phase is Phase.CONFIRM}
        return ", ".join(sorted(devices - {""}))


def fixed(spec: StudySpec, chosen: Choices, fingerprint: str) -> StudySpec:
    """The study with these hyperparameters in place of its search, and the seeds of that fingerprint.

    Raises InputError where the study no longer has these arms, or searches other hyperparameters.
    """
    arms = [Arm(name, _assigned(spec, name, params), {}) for name, params in chosen.items()]
    compare = replace(spec.compare, baseline=arms[0].name)
    return replace(spec, arms=tuple(arms), compare=compare, tune=NO_TUNING, fingerprint=fingerprint)


def _assigned(spec: StudySpec, name: str, params: Mapping[str, Scalar]) -> Mapping[str, object]:
    if name not in {arm.name for arm in spec.arms}:
        raise InputError(f"the baseline has an arm {name}, which the study no longer has: pin it again")
    try:
        return assign(spec.arm(name).settings, params)
    except InputError as exc:
        raise InputError(f"the arm {name} searches other hyperparameters than the baseline pinned: {exc}") from exc


def train(
    spec: StudySpec,
    known: Sequence[Ended],
    stages: Sequence[int],
    crew: Crew,
    watch: Callable[[Progress], None],
    worst: float = 0.0,
) -> Generator[Trained, None, None]:
    """Train the study's confirm phase stage by stage, each with so many seeds in all; the next when it is asked for.

    spec: `fixed`, or with its search, which is then made first
    known: confirm trials that need no training
    worst: the study's metric of a trial that diverged where all did, unless it is a share
    """
    store = InMemoryStore()
    if spec.tune is NO_TUNING:
        store.add([_choice(spec, arm, worst) for arm in spec.arms])
        store.add([replace(ended, spec=replace(ended.spec, params={})) for ended in known])
    for seeds in stages:
        stage = replace(spec, confirm_seeds=seeds)
        lanes = crew.lanes(stage)
        try:
            run(stage, store, lanes, InMemoryRecorder(), crew.propose, watch)
        finally:
            lanes.close()
        ended = store.ended()
        yield Trained(spec, _chosen(spec, ended), ended, Notes.read(store.notes()).reproduced)


def _chosen(spec: StudySpec, ended: Mapping[TrialId, Ended]) -> Choices:
    """An arm of which no tuning trial completed has no choice, and is not confirmed."""
    choices = {arm.name: choose(spec, arm.name, ended) for arm in spec.arms}
    return {name: choice.spec.params for name, choice in choices.items() if choice is not None}


def _choice(spec: StudySpec, arm: Arm, value: float) -> Ended:
    """A tuning trial that stands for the choice that was made, so that the plan goes on to confirm it."""
    trial = trial_spec(spec, TrialId(arm.name, Phase.TUNE, 0), {})
    metrics = {validation(spec.metric.name): value}
    return Ended(trial, TrialResult(trial.id, 0, Outcome.COMPLETE, spec.epochs, metrics))
