"""Regression studies: pin what a study found, and hold today's code against it. Faces of these calls are in `commands`.

Beside `api` the only module that puts the parts together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from slalom import api
from slalom.errors import InputError, Interrupted
from slalom.provenance import versions
from slalom.regression.baseline import Baseline, PinnedArm, settings
from slalom.regression.changes import Change, changes
from slalom.regression.gate import COST, COST_MARGIN, EPOCHS, Answer, Design, Finding, judge, judge_cost, overall
from slalom.regression.replicates import reached, replicates
from slalom.report.tables import answer, plain
from slalom.verdict.summary import State
from slalom.wire.trial import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from slalom.home import Home
    from slalom.lanes.base import Lanes
    from slalom.loop.progress import Progress
    from slalom.regression.retrain import Trained
    from slalom.study.model import StudySpec
    from slalom.wire.trial import Scalar

    Lane = Callable[[StudySpec], Lanes]

COST_ROUNDS = 3
"""Times that a cost is measured before it is called anything but equivalent."""


@dataclass(frozen=True)
class Night:
    """A study held against its baseline.

    seconds: when it was, since the epoch
    design: after how many seeds it was judged, and at which levels
    changes: versions, settings and devices that are others than the baseline's
    reproduced: by arm, whether tonight's best trial came out the same when it was trained once more
    """

    baseline: Baseline
    seconds: float
    design: Design
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    reproduced: Mapping[str, bool]

    @property
    def answer(self) -> Answer:
        """The worst finding's."""
        return overall(self.findings)

    def as_json(self) -> dict[str, Any]:
        """The object that `slalom regress --json` prints."""
        found: dict[str, Any] = plain(
            {
                "study": self.baseline.study,
                "fingerprint": self.baseline.fingerprint,
                "answer": self.answer,
                "seconds": self.seconds,
                "design": self.design,
                "findings": self.findings,
                "changes": [change._asdict() for change in self.changes],
                "reproduced": self.reproduced,
            }
        )
        return found


def pin(
    study: StudySpec | str | Path,
    home: str | Path | Home = api.DEFAULT_HOME,
    *,
    seeds: int | None = None,
    ray: str | None = None,
    lanes: Lane | None = None,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Baseline:
    """Pin what a complete study found, in a value that `baseline.write` writes, and in its records.

    seeds: confirm seeds to pin, where they are more than the study's: the others are trained now
    Raises InputError where the study is not complete, or today's code no longer gives its numbers.
    """
    from slalom.regression.retrain import fixed, train  # here and below: optuna takes long to import

    spec, place = api.spec_of(study), api.home_of(home)
    result = api.show(spec, place)
    chosen = {arm.name: arm.chosen for arm in result.arms if arm.chosen is not None}
    if result.summary.state is not State.COMPLETE or not chosen:
        raise InputError(f"{spec.name} is not complete, so there is nothing to pin: {answer(spec, result.summary)}")
    known = [ended for ended in result.ended.values() if ended.spec.id.phase is Phase.CONFIRM]
    count = max(seeds or 0, spec.confirm_seeds)
    lane = lanes or partial(api.ray_lanes, address=ray)
    (trained,) = train(fixed(spec, chosen, spec.fingerprint), known, [count], lane, watch)
    others = [name for name, same in trained.reproduced.items() if not same]
    if others:
        raise InputError(
            f"today's code gives other numbers than the study found (arms {', '.join(others)}), so they cannot be "
            f"pinned as today's: run {spec.name} again in a new home"
        )
    baseline = _pinned(spec, chosen, trained, count)
    _record_pin(spec, place, baseline)
    return baseline


def regress(
    study: StudySpec | str | Path,
    baseline: Baseline,
    home: str | Path | Home = api.DEFAULT_HOME,
    *,
    retune: bool = False,
    margins: Mapping[str, float] | None = None,
    most: int | None = None,
    ray: str | None = None,
    lanes: Lane | None = None,
    watch: Callable[[Progress], None] = lambda _: None,
    clock: Callable[[], float] = time.time,
) -> Night:
    """Train a study's confirm phase again on today's code, and hold it against the baseline; recorded in MLflow.

    retune: search the hyperparameters again, too
    margins: by metric, in its unit; of "cost" the share by which it may rise
    most: seeds at most
    """
    spec, place = api.spec_of(study), api.home_of(home)
    check(place)
    lanes = lanes or partial(api.ray_lanes, address=ray)
    night = hold(spec, baseline, lanes, watch, retune=retune, margins=margins, most=most, clock=clock)
    record(spec, place, night)
    return night


def check(home: Home) -> None:
    """Whether a night can be recorded there; Infrastructure or InputError where it cannot."""
    from slalom.records.on_mlflow.address import check as knock

    with home.alone():
        knock(home.tracking_uri)


def hold(
    spec: StudySpec,
    baseline: Baseline,
    lanes: Lane,
    watch: Callable[[Progress], None],
    *,
    retune: bool = False,
    margins: Mapping[str, float] | None = None,
    most: int | None = None,
    clock: Callable[[], float] = time.time,
) -> Night:
    """A night that is not recorded yet; see `regress`."""
    from slalom.regression.retrain import fixed

    margins = _checked(margins or {}, baseline, spec)
    if most is not None and most < 1:
        raise InputError(f"--max-seeds must be at least 1, got {most}")
    pinned = {arm.name: arm.params for arm in baseline.arms}
    tonight = fixed(spec, pinned, baseline.fingerprint)
    if retune:
        tonight = replace(spec, fingerprint=baseline.fingerprint)
    design = Design.of(baseline, most)
    findings, trained = _judged(baseline, design, tonight, margins, lanes, watch)
    chosen = trained.chosen if retune else pinned
    if trained.device == baseline.device:
        findings += tuple(_costs(fixed(spec, chosen, baseline.fingerprint), baseline, margins))
    differ = changes(baseline, spec, versions(), trained.device, chosen)
    return Night(baseline, clock(), design, findings, differ, trained.reproduced)


def _checked(margins: Mapping[str, float], baseline: Baseline, spec: StudySpec) -> Mapping[str, float]:
    if (spec.name, spec.metric.name) != (baseline.study, baseline.metric):
        raise InputError(
            f"the baseline is of {baseline.study} and its {baseline.metric}, not of {spec.name} and its "
            f"{spec.metric.name}"
        )
    for name, value in margins.items():
        if name not in (known := (baseline.metric, EPOCHS, COST)):
            raise InputError(f"--margin must name one of {', '.join(known)}, got {name!r}")
        if not value > 0:
            raise InputError(f"--margin {name} must be above 0, got {value}")
    return margins


def _judged(
    baseline: Baseline,
    design: Design,
    spec: StudySpec,
    margins: Mapping[str, float],
    lanes: Lane,
    watch: Callable[[Progress], None],
) -> tuple[tuple[Finding, ...], Trained]:
    """Stage by stage, until one has a regression or leaves nothing undecided."""
    from slalom.regression.retrain import train

    findings: tuple[Finding, ...] = ()
    worst = max if baseline.goal == "minimize" else min
    floor = worst(worst(arm.found.values) for arm in baseline.arms)
    trainings = train(spec, [], design.stages, lanes, watch, floor)
    try:
        for seeds, trained in zip(design.stages, trainings, strict=True):
            _check_confirmed(baseline, trained)
            found = {
                arm.name: replicates(trained.spec, arm.name, trained.results, seeds, arm.target)
                for arm in baseline.arms
            }
            findings = judge(baseline, design, seeds, found, margins, findings)
            if seeds == design.stages[-1] or overall(findings) is not Answer.UNDECIDED:
                return findings, trained
    except Interrupted as exc:
        raise Interrupted("stopped; nothing is kept of a night that is not over") from exc
    finally:
        trainings.close()
    raise AssertionError("a design has a last stage")


def _check_confirmed(baseline: Baseline, trained: Trained) -> None:
    lost = [arm.name for arm in baseline.arms if arm.name not in trained.chosen]
    if lost:
        raise InputError(f"tuned again, no trial of {', '.join(lost)} was completed, so there is nothing to compare")


def _pinned(spec: StudySpec, chosen: Mapping[str, Mapping[str, Scalar]], trained: Trained, count: int) -> Baseline:
    arms = []
    for name, params in sorted(chosen.items()):
        target = reached(trained.spec, name, trained.results, count)
        found = replicates(trained.spec, name, trained.results, count, target)
        cost = tuple(float(f"{ratio:.4g}") for ratio in api.measure_cost(trained.spec, name))
        arms.append(PinnedArm(name, dict(params), target, found, cost))
    return Baseline(
        study=spec.name,
        fingerprint=spec.fingerprint,
        data_digest=spec.data_digest,
        metric=spec.metric.name,
        goal=spec.metric.goal,
        device=trained.device,
        versions=versions(),
        settings=settings(spec),
        arms=tuple(arms),
        text=spec.text,
    )


def _costs(spec: StudySpec, baseline: Baseline, margins: Mapping[str, float]) -> list[Finding]:
    """Of each arm; one that is not as before is measured again, and all measurements are held against the pinned."""
    margin = margins.get(COST, COST_MARGIN)
    found = []
    for arm in baseline.arms:
        tonight: Sequence[float] = ()
        for _ in range(COST_ROUNDS if arm.cost else 0):
            tonight = (*tonight, *api.measure_cost(spec, arm.name))
            finding = judge_cost(arm.name, arm.cost, tonight, margin)
            if finding.answer is Answer.EQUIVALENT:
                break
        if tonight:
            found.append(finding)
    return found


def _record_pin(spec: StudySpec, home: Home, baseline: Baseline) -> None:
    from slalom.records.on_mlflow.nights import MlflowNights

    with home.alone():
        MlflowNights(home.tracking_uri, home.artifacts, spec).pin(baseline)


def record(spec: StudySpec, home: Home, night: Night) -> None:
    """Write a night into the study's MLflow experiment."""
    from slalom.records.on_mlflow.nights import MlflowNights

    with home.alone():
        MlflowNights(home.tracking_uri, home.artifacts, spec).night(night)
