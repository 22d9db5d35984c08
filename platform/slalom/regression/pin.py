"""A baseline is pinned: what a complete study found, trained once more on today's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.records.provenance import versions
from slalom.regression.baseline import Baseline, PinnedArm, settings
from slalom.regression.replicates import reached, replicates, searches_of
from slalom.regression.retrain import fixed, train
from slalom.report.tables import answer
from slalom.verdict.summary import State
from slalom.wire.trial import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom.loop.progress import Progress
    from slalom.regression.retrain import Choices, Crew, Trained
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import ArmSummary, Summary, Widths
    from slalom.wire.trial import Ended, Scalar, TrialId


def pin(
    spec: StudySpec,
    summary: Summary,
    ended: Mapping[TrialId, Ended],
    crew: Crew,
    watch: Callable[[Progress], None],
    seeds: int | None = None,
) -> Baseline:
    """The baseline of what a complete study found; it is not written anywhere yet.

    summary, ended: what the study has found
    crew: the lanes that train each arm's choice again, and what measures their cost
    seeds: confirm seeds of each search to pin; those beyond the study's own are trained now
    Raises InputError where the study is not complete, or today's code no longer gives its numbers.
    """
    chosen = {arm.name: choices for arm in summary.arms if (choices := _choices(arm))}
    if summary.state is not State.COMPLETE or not chosen:
        raise InputError(f"{spec.name} is not complete, so there is nothing to pin: {answer(spec, summary)}")
    again = fixed(spec, chosen, spec.seed)
    searches = searches_of(again)
    known = [
        one
        for trial, one in ended.items()
        if trial.phase is Phase.CONFIRM and trial.arm in chosen and trial.search < searches
    ]
    count = searches * max(seeds or 0, spec.confirm_seeds)
    (trained,) = train(again, chosen, known, [count], crew, watch, summary.throughput.widths)
    others = [name for name, same in trained.reproduced.items() if not same]
    if others:
        raise InputError(
            f"today's code gives other numbers than the study found (arms {', '.join(others)}), so they cannot be "
            f"pinned as today's: run {spec.name} again in a new home"
        )
    return _pinned(spec, chosen, trained, count, crew)


def _choices(arm: ArmSummary) -> list[Mapping[str, Scalar]]:
    """The choices of an arm's searches; none where a search of those that count has none."""
    counted = arm.chosen[: arm.confirm.searches] if arm.confirm else ()
    return [] if None in counted else [choice for choice in counted if choice is not None]


def _pinned(spec: StudySpec, chosen: Choices, trained: Trained, count: int, crew: Crew) -> Baseline:
    arms = []
    for name, choices in sorted(chosen.items()):
        target = reached(trained.spec, name, trained.results, count)
        found = replicates(trained.spec, name, trained.results, count, target)
        cost = tuple(float(f"{ratio:.4g}") for ratio in crew.measure_cost(trained.spec, name, choices[0]))
        arms.append(PinnedArm(name, tuple(map(dict, choices)), target, found, cost))
    return Baseline(
        study=spec.name,
        fingerprint=spec.fingerprint,
        seed=spec.seed,
        data_digest=spec.data_digest,
        metric=spec.metric.name,
        goal=spec.metric.goal,
        device=trained.device,
        versions=versions(),
        settings=settings(spec),
        arms=tuple(arms),
        text=spec.text,
        widths=_widths(trained),
    )


def _widths(trained: Trained) -> Widths:
    """The widths of the packs that the pinned trials were trained in, by kind of device and program."""
    programs = {one.spec.work.digest for trial, one in trained.results.items() if trial.phase is Phase.CONFIRM}
    found = {
        device: {program: width for program, width in widths.items() if program in programs}
        for device, widths in trained.widths.items()
    }
    return {device: widths for device, widths in found.items() if widths}
