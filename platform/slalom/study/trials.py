"""A study's trials: what each number of a phase trains, with its seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.study.space import assign
from slalom.wire.seeds import trial_seeds
from slalom.wire.trial import PROGRAM, TrialId, TrialSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec
    from slalom.wire.trial import Scalar


def trial_spec(spec: StudySpec, trial: TrialId, params: Mapping[str, Scalar], attempt: int = 0) -> TrialSpec:
    """A trial of a study, with the seeds that its phase and number give it in every arm."""
    settings = assign(spec.arm(trial.arm).settings, params)
    return TrialSpec(
        id=trial,
        attempt=attempt,
        seeds=trial_seeds(spec.fingerprint, trial.phase, trial.number),
        work=spec.work(trial.arm, settings),
        settings={name: value for name, value in settings.items() if name not in PROGRAM},
        params=params,
        epochs=spec.epochs,
        report_every=spec.report_every,
        record=spec.record,
    )
