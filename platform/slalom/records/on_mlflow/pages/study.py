"""What the MLflow runs of a study and of its arms show: the conclusion is there without opening a trial.

MLflow draws a chart of every metric, and has no setting against it. So a metric here is a curve, or a number by which
people compare arms; what else there is to know are tags. A number has the step 0, for which MLflow draws a bar for each
run; at another step it draws a dot.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.records.on_mlflow.pages.page import NOTE, MetricPoint, Page, cut, identity, spelled
from slalom.records.on_mlflow.pages.view import COLUMNS
from slalom.report.tables import result_row
from slalom.verdict.scope import Scope
from slalom.verdict.wording import equation, with_bounds
from slalom.wire.trial import test, validation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from slalom.study.model import Arm, StudySpec
    from slalom.verdict.interval import Interval
    from slalom.verdict.summary import ArmSummary, Summary, Widths
    from slalom.wire.trial import Settings

    Numbers = dict[str, float | None]

MOST_STEPS = 100
"""The most steps of a curve over trials, beside the first and the last."""


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
    counts = {
        "slalom.trials": throughput.trials,
        "slalom.seconds": round(throughput.seconds, 1),
        "slalom.pack_width": throughput.pack_width,
    }
    tags = {**opening.tags, "slalom.state": str(summary.state), **_spelled(counts), NOTE: cut(description)}
    if throughput.widths:
        tags["slalom.pack_widths"] = cut(_widths(throughput.widths))
    if summary.verdict:
        winner = summary.verdict.winner
        tags |= {"slalom.verdict": cut(summary.verdict.sentence), "slalom.winner": winner or "none"}
        tags |= {"slalom.result": f"{winner} wins" if winner else "no arm wins"}
    numbers: Numbers = {
        "trials_per_second": throughput.trials_per_second,
        "slot_utilisation": throughput.slot_utilisation,
    }
    return Page(tags, opening.params, _points(numbers))


def opening_arm_page(study: StudySpec, arm: Arm) -> Page:
    """The page of an arm before the first summary: the settings that the arm fixes."""
    return Page(identity(study.fingerprint, "arm", arm.name), spelled(arm.settings))


def _shared(study: StudySpec) -> Settings:
    """The settings that are the same in all arms."""
    first, *others = (arm.settings for arm in study.arms)
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def arm_page(study: StudySpec, found: ArmSummary, curves: Iterable[MetricPoint] = ()) -> Page:
    """The page of an arm with its part of a summary; the run's description is the arm's result in a line.

    curves: points of further curves, beside those of effort and searches
    """
    opening = opening_arm_page(study, study.arm(found.name))
    counts = {f"slalom.tuning.{name}": getattr(found.tuning, name) for name in ("trials", "pruned", "duplicates")}
    numbers: Numbers = {f"tuning.{name}": getattr(found.tuning, name) for name in ("best", "diverged", "failed")}
    if found.confirm:
        counts |= {f"slalom.confirm.{name}": getattr(found.confirm, name) for name in ("searches", "seeds")}
        numbers |= {f"confirm.{name}": getattr(found.confirm, name) for name in ("diverged", "mean", "robust")}
        numbers |= _ends("confirm", found.confirm.interval)
    if found.difference:
        numbers |= {f"difference.{name}": getattr(found.difference, name) for name in ("mean", "p")}
        numbers["difference.superiority"] = found.difference.better.share
        numbers |= _ends("difference", found.difference.interval)
    tags = {**opening.tags, **_spelled(counts), **_cells(study, found), NOTE: _line(study, found)}
    points = (point for point in (*curves, *_curves(study, found)) if math.isfinite(point.value))
    return Page(tags, opening.params, (*_points(numbers), *points))


def _cells(study: StudySpec, found: ArmSummary) -> dict[str, str]:
    """The arm's row of the table of results, for the columns of MLflow's list of runs."""
    if found.confirm is None:
        return {}
    _, *cells = result_row(study, found)
    return dict(zip(COLUMNS, cells, strict=True))


def _curves(study: StudySpec, found: ArmSummary) -> Iterator[MetricPoint]:
    """What a search has reached after 1, 2, ... trials, and the confirmed value of each search, as curves."""
    if found.effort:
        name = f"effort/{validation(study.metric.name)}"
        every = -(-found.effort.trials // MOST_STEPS)
        for trials, (mean, band) in enumerate(zip(found.effort.mean, found.effort.band, strict=True), start=1):
            if trials % every and 1 < trials < found.effort.trials:
                continue
            for part, value in ((name, mean), (f"{name}.low", band.low), (f"{name}.high", band.high)):
                yield MetricPoint(part, value, trials)
    if found.confirm:
        for search, values in enumerate(found.confirm.values):
            counted = [value if math.isfinite(value) else found.confirm.worst for value in values]
            yield MetricPoint(f"searches/{test(study.metric.name)}", math.fsum(counted) / len(counted), search)


def _points(numbers: Mapping[str, float | None]) -> tuple[MetricPoint, ...]:
    """The numbers that are finite, each as a point that MLflow draws as a bar."""
    known = {name: float(value) for name, value in numbers.items() if value is not None}
    return tuple(MetricPoint(name, value, 0) for name, value in known.items() if math.isfinite(value))


def _spelled(counts: Mapping[str, float | None]) -> dict[str, str]:
    return {name: str(count) for name, count in counts.items() if count is not None}


def _widths(found: Widths) -> str:
    """The widths of each kind of device, such as "NVIDIA H200: 64, 128 (3 programs)"."""
    lines = []
    for device, widths in sorted(found.items()):
        programs = f" ({len(widths)} programs)" if len(widths) > 1 else ""
        lines.append(f"{device}: {', '.join(map(str, sorted(set(widths.values()))))}{programs}")
    return "; ".join(lines)


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
