"""A night is held: the study's choices trained again on today's code, against what the baseline pinned."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.errors import InputError, Interrupted, quoted
from slalom.records.provenance import versions
from slalom.regression.changes import changes
from slalom.regression.gate import COST, COST_MARGIN, EPOCHS, Answer, Design, judge, judge_cost, overall
from slalom.regression.night import Night
from slalom.regression.replicates import replicates
from slalom.regression.retrain import fixed, train
from slalom.study.model import Searches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slalom.loop.progress import Progress
    from slalom.regression.baseline import Baseline
    from slalom.regression.gate import Finding
    from slalom.regression.retrain import Choices, Crew, Trained
    from slalom.study.model import StudySpec, Tune

MARGIN_END = 1e300
"""Every margin is below it, since JSON has no infinite number, and the page draws a band of twice the margin."""

COST_ROUNDS = 3
"""Times that a cost is measured before it is called anything but equivalent."""


def hold(
    spec: StudySpec,
    baseline: Baseline,
    crew: Crew,
    watch: Callable[[Progress], None],
    *,
    retune: bool = False,
    margins: Mapping[str, float] | None = None,
    most: int | None = None,
    clock: Callable[[], float] = time.time,
) -> Night:
    """Train a study's confirm phase again on today's code, and hold it against the baseline; nothing is recorded.

    crew: the lanes that train, what proposes where the search is made again, and what measures cost
    retune: search the hyperparameters again, too
    margins: of each metric, in the metric's unit; of "cost" the share by which it may rise
    most: the most seeds of each search
    Raises InputError where the baseline is another study's, or an option is out of its range.
    """
    margins = _checked(margins or {}, baseline, spec)
    if most is not None and most < 1:
        raise InputError(f"--max-seeds must be at least 1, got {most}")
    pinned = {arm.name: arm.params for arm in baseline.arms}
    tonight = fixed(spec, pinned, baseline.seed)
    if retune:
        tonight = replace(spec, seed=baseline.seed, tune=_unstaged(spec.tune, baseline))
    design = Design.of(baseline, most, retuned=retune)
    findings, trained = _judged(baseline, design, tonight, None if retune else pinned, margins, crew, watch)
    chosen = trained.chosen if retune else pinned
    if trained.device == baseline.device:
        findings += tuple(_costs(fixed(spec, chosen, baseline.seed), chosen, baseline, margins, crew))
    differ = changes(baseline, spec, versions(), trained.device, chosen)
    return Night(baseline, clock(), design, findings, differ, trained.reproduced)


def _unstaged(tune: Tune, baseline: Baseline) -> Tune:
    """The tuning with exactly as many searches as the baseline pinned, whatever they find."""
    searches = len(baseline.arms[0].params)
    return replace(tune, searches=Searches(searches, searches))


def _checked(margins: Mapping[str, float], baseline: Baseline, spec: StudySpec) -> Mapping[str, float]:
    if (spec.name, spec.metric.name) != (baseline.study, baseline.metric):
        raise InputError(
            f"the baseline is of {baseline.study} and its {baseline.metric}, not of {spec.name} and its "
            f"{spec.metric.name}"
        )
    for name, value in margins.items():
        if name not in (known := (baseline.metric, EPOCHS, COST)):
            raise InputError(f"--margin must name one of {', '.join(known)}, got {quoted(name)}")
        if not 0 < value < MARGIN_END:
            raise InputError(f"--margin {name} must be above 0 and below {MARGIN_END:g}, got {value}")
    return margins


def _judged(
    baseline: Baseline,
    design: Design,
    spec: StudySpec,
    chosen: Choices | None,
    margins: Mapping[str, float],
    crew: Crew,
    watch: Callable[[Progress], None],
) -> tuple[tuple[Finding, ...], Trained]:
    """The findings of the stage after which some metric is regressed or none is undecided, else of the last stage."""
    findings: tuple[Finding, ...] = ()
    worst = max if baseline.goal == "minimize" else min
    floor = worst(worst(arm.found.values) for arm in baseline.arms)
    trainings = train(spec, chosen, [], design.stages, crew, watch, baseline.widths, floor)
    try:
        for number, trained in zip(design.stages, trainings, strict=True):
            _check_confirmed(baseline, trained)
            found = {
                arm.name: replicates(trained.spec, arm.name, trained.results, number, arm.target)
                for arm in baseline.arms
            }
            findings = judge(baseline, design, number, found, margins, findings)
            if number == design.stages[-1] or overall(findings) is not Answer.UNDECIDED:
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


def _costs(
    spec: StudySpec, chosen: Choices, baseline: Baseline, margins: Mapping[str, float], crew: Crew
) -> list[Finding]:
    """The finding of each arm's cost; one beyond the margin is measured again, COST_ROUNDS times in all at most.

    All measurements of tonight are held against the pinned ones.
    """
    margin = margins.get(COST, COST_MARGIN)
    found = []
    for arm in baseline.arms:
        tonight: Sequence[float] = ()
        for _ in range(COST_ROUNDS if arm.cost else 0):
            tonight = (*tonight, *crew.measure_cost(spec, arm.name, chosen[arm.name][0]))
            finding = judge_cost(arm.name, arm.cost, tonight, margin)
            if finding.answer is Answer.EQUIVALENT:
                break
        if tonight:
            found.append(finding)
    return found
