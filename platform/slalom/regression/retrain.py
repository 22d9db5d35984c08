"""A study's confirm phase trained again: pinned hyperparameters, pinned seeds, today's code, more seeds as needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.loop.notes import Note, Notes
from slalom.loop.run import run
from slalom.records.in_memory import InMemoryRecorder
from slalom.regression.replicates import searches_of
from slalom.search.choice import choose
from slalom.search.in_memory import InMemoryStore
from slalom.study.model import Searches, Tune
from slalom.study.space import assign
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Outcome, Phase, TrialId, TrialResult, validation

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from slalom.lanes.base import Lanes
    from slalom.loop.progress import Progress
    from slalom.search.base import ProposeFor
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Widths
    from slalom.wire.trial import Scalar

    Choices = Mapping[str, Sequence[Mapping[str, Scalar]]]
    """The hyperparameters that each search of an arm ended with, by arm."""


@dataclass(frozen=True)
class Crew:
    """What trains a baseline or a night; `wiring` makes it.

    lanes: opens the lanes that a study is trained on
    propose: what a search tries next, where searches are made again
    measure_cost: seconds of an epoch of an arm with these hyperparameters over those of a calibration loop, repeated
    """

    lanes: Callable[[StudySpec], Lanes]
    propose: ProposeFor
    measure_cost: Callable[[StudySpec, str, Mapping[str, Scalar]], Sequence[float]]


@dataclass(frozen=True)
class Trained:
    """The confirm trials after a stage.

    spec: the study as it was trained
    chosen: the hyperparameters that were trained
    results: the confirm trials that ended, with their histories, and the trials that they were chosen by
    reproduced: by arm, whether its best trial came out the same when it was trained once more
    widths: as in Throughput
    """

    spec: StudySpec
    chosen: Choices
    results: Mapping[TrialId, Ended]
    reproduced: Mapping[str, bool]
    widths: Widths

    @property
    def device(self) -> str:
        """The kind of device that trained, or several, with commas between them."""
        devices = {ended.result.device for key, ended in self.results.items() if key.phase is Phase.CONFIRM}
        return ", ".join(sorted(devices - {""}))


def fixed(spec: StudySpec, chosen: Choices, seed: int) -> StudySpec:
    """The study with these arms alone, whose searches have ended with `chosen`, and with the random numbers of `seed`.

    Raises InputError where the study no longer has these arms, or searches other hyperparameters.
    """
    for name, choices in chosen.items():
        for params in choices:
            _check(spec, name, params)
    count = {len(choices) for choices in chosen.values()}
    arms = tuple(spec.arm(name) for name in chosen)
    baseline = spec.compare.baseline if spec.compare.baseline in chosen else arms[0].name
    tune = Tune(1, "random", "none", generation=1, searches=Searches(max(count), max(count)))
    return replace(spec, arms=arms, compare=replace(spec.compare, baseline=baseline), tune=tune, seed=seed)


def _check(spec: StudySpec, name: str, params: Mapping[str, Scalar]) -> None:
    if name not in {arm.name for arm in spec.arms}:
        raise InputError(f"the baseline has an arm {name}, which the study no longer has: pin it again")
    try:
        assign(spec.arm(name).settings, params)
    except InputError as exc:
        raise InputError(f"the arm {name} searches other hyperparameters than the baseline pinned: {exc}") from exc


def train(
    spec: StudySpec,
    chosen: Choices | None,
    known: Sequence[Ended],
    stages: Sequence[int],
    crew: Crew,
    watch: Callable[[Progress], None],
    widths: Widths,
    worst: float = 0.0,
) -> Generator[Trained, None, None]:
    """Train the confirm phase stage by stage, and yield after each; the next is trained when it is asked for.

    spec: as `fixed` makes it of `chosen`; where `chosen` is None, with its searches, which are made first
    known: confirm trials that need no training
    stages: for each stage, how many trainings an arm then has in all
    widths: of packs, as they were before; the width of a program that is not among them is measured
    worst: the study's metric of a trial that diverged where all did, unless it is a share
    """
    store = InMemoryStore()
    for arm, choices in (chosen or {}).items():
        store.add([_choice(spec, arm, search, params, worst) for search, params in enumerate(choices)])
    store.add(known)
    store.note(Note.WIDTHS, widths)
    for trainings in stages:
        stage = replace(spec, confirm_seeds=-(-trainings // searches_of(spec)))
        lanes = crew.lanes(stage)
        try:
            run(stage, store, lanes, InMemoryRecorder(), crew.propose, watch)
        finally:
            lanes.close()
        ended, notes = store.ended(), Notes.read(store.notes())
        yield Trained(stage, _chosen(stage, ended), ended, notes.reproduced, notes.throughput.widths)


def _chosen(spec: StudySpec, ended: Mapping[TrialId, Ended]) -> Choices:
    """The choices of every arm all of whose searches have one; the others are not compared."""
    found = {}
    for arm in spec.arms:
        choices = [choose(spec, arm.name, search, ended) for search in range(searches_of(spec))]
        if all(choice is not None for choice in choices):
            found[arm.name] = [choice.spec.params for choice in choices if choice is not None]
    return found


def _choice(spec: StudySpec, arm: str, search: int, params: Mapping[str, Scalar], value: float) -> Ended:
    """A tuning trial that stands for the choice that was made, so that the plan goes on to confirm it."""
    trial = trial_spec(spec, TrialId(arm, Phase.TUNE, 0, search), params)
    metrics = {validation(spec.metric.name): value}
    return Ended(trial, TrialResult(trial.id, 0, Outcome.COMPLETE, spec.epochs, metrics))
