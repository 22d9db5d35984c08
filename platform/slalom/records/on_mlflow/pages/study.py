"""What the MLflow runs of a study and of its arms show: the conclusion is there without opening a trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.records.on_mlflow.pages.page import NOTE, MetricPoint, Page, cut, identity, spelled
from slalom.verdict.scope import Scope
from slalom.verdict.wording import equation, with_bounds
from slalom.wire.trial import test, validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slalom.study.model import Arm, StudySpec
    from slalom.verdict.interval import Interval
    from slalom.verdict.summary import ArmSummary, Summary
    from slalom.wire.trial import Settings

    Numbers = dict[str, float | None]

MOST_STEPS = 100
"""The most steps of a curve over trials."""


def opening_study_page(study: StudySpec) -> Page:
    """The page of a study before its first summary: its question and its protocol."""
    tune = study.tune
    protocol = {
        "task": study.task,
        "precision": study.precision,
        **_shared(study),
        "epochs": study.epochs,
        "report_every": study.report_every,
        "metric": {"name": study.metric.name, "goal": study.metric.goal},
        "tune": {
            "trials": tune.trials,
            "searches": tune.searches.at_least,
            "at_most": tune.searches.at_most,
            "sampler": tune.sampler,
            "pruner": tune.pruner,
            "generation": tune.generation,
            "pick": {"best": tune.pick.best, "seeds": tune.pick.seeds},
        },
        "seed": study.seed,
        "split": "each_search" if study.resampled else "fixed",
        "confirm": {"seeds": study.confirm_seeds},
        "compare": {"baseline": study.compare.baseline, "alpha": study.compare.alpha},
    }
    tags = {"slalom.question": cut(study.question), "slalom.state": "running"}
    return Page({**identity(study.fingerprint, "study"), **tags}, spelled(protocol))


def study_page(study: StudySpec, summary: Summary, description: str) -> Page:
    """The page of a study with a summary.

    description: Markdown, shown as the run's description
    """
    opening, throughput = opening_study_page(study), summary.throughput
    tags = {**opening.tags, "slalom.state": str(summary.state), NOTE: cut(description)}
    if summary.verdict:
        tags |= {"slalom.verdict": cut(summary.verdict.sentence), "slalom.winner": summary.verdict.winner or "none"}
    numbers: Numbers = {
        "trials": throughput.trials,
        "seconds": throughput.seconds,
        "trials_per_second": throughput.trials_per_second,
        "slot_utilisation": throughput.slot_utilisation,
        "pack_width": throughput.pack_width,
    }
    return Page(tags, opening.params, _points(sum(map(_ended, summary.arms)), numbers))


def opening_arm_page(study: StudySpec, arm: Arm) -> Page:
    """The page of an arm before the first summary: the settings that the arm fixes."""
    return Page(identity(study.fingerprint, "arm", arm.name), spelled(arm.settings))


def _shared(study: StudySpec) -> Settings:
    """The settings that are the same in all arms."""
    first, *others = (arm.settings for arm in study.arms)
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def arm_page(study: StudySpec, found: ArmSummary) -> Page:
    """The page of an arm with its part of a summary; the run's description is the arm's result in a line."""
    opening = opening_arm_page(study, study.arm(found.name))
    numbers: Numbers = {
        f"tuning.{name}": getattr(found.tuning, name)
        for name in ("trials", "pruned", "diverged", "failed", "duplicates", "best")
    }
    if found.confirm:
        numbers |= {
            f"confirm.{name}": getattr(found.confirm, name)
            for name in ("searches", "seeds", "diverged", "mean", "robust")
        }
        numbers |= _ends("confirm", found.confirm.interval)
    if found.difference:
        numbers |= {f"difference.{name}": getattr(found.difference, name) for name in ("mean", "p")}
        numbers["difference.superiority"] = found.difference.better.share
        numbers |= _ends("difference", found.difference.interval)
    curves = tuple(point for point in _curves(study, found) if math.isfinite(point.value))
    points = (*_points(_ended(found), numbers), *curves)
    return Page({**opening.tags, NOTE: _line(study, found)}, opening.params, points)


def _curves(study: StudySpec, found: ArmSummary) -> Iterator[MetricPoint]:
    """What a search has reached after 1, 2, ... trials, and the confirmed value of each search, as curves."""
    if found.effort:
        name = f"effort.{validation(study.metric.name)}"
        every = -(-found.effort.trials // MOST_STEPS)
        for trials, (mean, band) in enumerate(zip(found.effort.mean, found.effort.band, strict=True), start=1):
            if trials % every and trials > 1:
                continue
            for part, value in ((name, mean), (f"{name}.low", band.low), (f"{name}.high", band.high)):
                yield MetricPoint(part, value, trials)
    if found.confirm:
        for search, values in enumerate(found.confirm.values):
            counted = [value if math.isfinite(value) else found.confirm.worst for value in values]
            yield MetricPoint(f"search.{test(study.metric.name)}", math.fsum(counted) / len(counted), search)


def _ended(arm: ArmSummary) -> int:
    return arm.tuning.trials + (arm.confirm.searches * arm.confirm.seeds if arm.confirm else 0)


def _points(step: int, numbers: Mapping[str, float | None]) -> tuple[MetricPoint, ...]:
    """The numbers that are finite, each as a point that MLflow draws against the trials that ended.

    step: how many trials had ended
    """
    known = {name: float(value) for name, value in numbers.items() if value is not None}
    return tuple(MetricPoint(name, value, step) for name, value in known.items() if math.isfinite(value))


def _ends(name: str, interval: Interval) -> Numbers:
    return {f"{name}.low": interval.low, f"{name}.high": interval.high}


def _line(study: StudySpec, arm: ArmSummary) -> str:
    if arm.confirm is None:
        return f"{arm.tuning.trials} of {arm.budget} tuning trials ended."
    confirm, difference = arm.confirm, arm.difference
    unit = Scope.of(study, confirm.searches).unit
    metric = study.metric.on("test")
    line = f"{metric[0].upper()}{metric[1:]} {with_bounds(confirm.mean, confirm.interval)} over {unit}"
    if difference is None:
        return f"{line}; the baseline." if arm.name == study.compare.baseline else f"{line}."
    against = with_bounds(difference.mean, difference.interval, "+")
    return f"{line}; {against} against {study.compare.baseline}, {equation(difference.p)}."
