"""The trials of a study: what a trial of a given phase, search and number trains, and from which seeds."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from slalom.study.ranges import Choices
from slalom.study.space import assign
from slalom.wire.seeds import trial_seeds
from slalom.wire.trial import Phase, TrialId, TrialSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec
    from slalom.study.ranges import Distribution
    from slalom.wire.trial import Scalar


def sample_trials(spec: StudySpec) -> list[TrialSpec]:
    """A few trials of every arm, which cover each option of its choices and both ends of its ranges."""
    return [
        trial_spec(spec, TrialId(arm.name, Phase.TUNE, number), params)
        for arm in spec.arms
        for number, params in enumerate(samples(arm.space))
    ]


def samples(space: Mapping[str, Distribution]) -> list[dict[str, Scalar]]:
    """A few points of a space, which cover each option of its choices and both ends of its ranges."""
    options = {name: _options(distribution) for name, distribution in space.items()}
    count = max(map(len, options.values()), default=1)
    return [{name: each[number % len(each)] for name, each in options.items()} for number in range(count)]


def corners(space: Mapping[str, Distribution], count: int) -> list[dict[str, Scalar]]:
    """The points of `samples`, and `count` random ones in which ends and options meet in other combinations."""
    options, draws = {name: _options(distribution) for name, distribution in space.items()}, Random(0)
    drawn = (
        {name: draws.choice(each) for name, each in options.items()} for _ in range(count if len(options) > 1 else 0)
    )
    return [*samples(space), *drawn]


def _options(distribution: Distribution) -> tuple[Scalar, ...]:
    return distribution.options if isinstance(distribution, Choices) else (distribution.low, distribution.high)


def trial_spec(spec: StudySpec, trial: TrialId, params: Mapping[str, Scalar], attempt: int = 0) -> TrialSpec:
    """A trial of a study, with the seeds that its search, phase and number give it in every arm.

    The picked trials of a search are all trained from the same few seeds, so that their means are paired.
    """
    arm = spec.arm(trial.arm)
    settings = assign(arm.settings, params)
    number = trial.number % spec.tune.pick.seeds if trial.phase is Phase.PICK else trial.number
    return TrialSpec(
        id=trial,
        attempt=attempt,
        seeds=trial_seeds(spec.seed, arm.stream, trial.phase, trial.search, number),
        work=spec.work(trial.arm, settings, trial.search),
        settings={name: value for name, value in settings.items() if name not in spec.program},
        params=params,
        epochs=spec.epochs,
        report_every=spec.report_every,
        record=spec.record,
        metrics=spec.metrics,
        target=spec.metric.target,
        split=spec.split(trial.search),
    )
