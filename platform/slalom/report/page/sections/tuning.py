"""What tuning cost, found and chose."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from slalom.report.page.data.tried import MOST
from slalom.report.page.drawing import choices, effort, parallel, shares, slices
from slalom.report.page.section import Section, Table
from slalom.report.page.sections.base import steps
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from slalom.report.page.sections.base import Material

BEST = 10
"""Trials of an arm in the table of the best ones."""


def bought(material: Material) -> Section | None:
    """Validation against effort; None where nothing was searched."""
    found, told = material.findings.effort, material.told
    plots = effort.draw(found, material.places)
    if not plots:
        return None
    rows = [
        (
            material.arm(arm.arm),
            told.number(f"{at}.trials.{place}"),
            told.number(f"{at}.cost.{place}"),
            told.bounded(f"{at}.mean.{place}", f"{at}.band.{place}"),
        )
        for number, arm in enumerate(found.arms)
        for at in [f"page.effort.arms.{number}"]
        for place in steps(range(len(arm.trials)))
    ]
    lead = (
        f"The {escape(found.metric)} of the best trial so far, as a search of so many trials finds it, mean over the "
        "searches: against the number of trials, and against what they cost, counted in the epochs of a net that were "
        "really trained (a pruned trial as far as it came, an ensemble with each of its nets). It is what the searches "
        "saw, on validation data, and tells how much tuning an arm needs, not which is better."
    )
    table = Table("effort", ("arm", "trials", "epochs of a net", f"{found.metric} [interval]"), rows)
    legend = [material.arm(arm.arm) for arm in found.arms]
    return Section("effort", "What tuning bought", lead, legend, plots, folded=[table])


def chosen(material: Material) -> Section | None:
    """What the searches chose; None where nothing was searched."""
    found, told = material.findings.chosen, material.told
    if not found:
        return None
    rows = [
        (
            material.arm(arm.arm),
            escape(one.name),
            ", ".join(told.number(f"{at}.values.{place}") for place in range(len(arm.values))),
            "" if arm.options else f"{told.number(f'{at}.at_low')} and {told.number(f'{at}.at_high')}",
        )
        for number, one in enumerate(found)
        for row, arm in enumerate(one.arms)
        for at in [f"page.chosen.{number}.arms.{row}"]
    ]
    lead = (
        "A mark for the choice of each search, along the range that was searched. Grey ends are its edges: where many "
        "choices lie there, the best may lie beyond the range."
    )
    header = ("arm", "hyperparameter", "choice of each search", "at the lower and upper edge")
    plots = choices.draw(found, material.places)
    return Section("choices", "What the searches chose", lead, plots=plots, folded=[Table("choices", header, rows)])


def importance(material: Material) -> Section | None:
    """How important each hyperparameter is; None where no arm searches two of them with enough trials."""
    found, told = material.findings.tried, material.told
    plots = shares.draw_importance(found, material.places)
    if not plots:
        return None
    rows = [
        (material.arm(arm.arm), escape(name), told.number(f"page.tried.arms.{number}.importance#{name}"))
        for number, arm in enumerate(found.arms)
        for name in arm.importance
    ]
    lead = (
        "How much each hyperparameter has to do with whether a trial is among the best tenth of its arm's (Optuna's "
        "PED-ANOVA, over the trials of all searches). It tells what to tune, within these ranges."
    )
    table = Table("importance", ("arm", "hyperparameter", "share"), rows)
    return Section("importance", "What matters of it", lead, plots=plots, folded=[table])


def trials(material: Material) -> Section | None:
    """The tuning trials: slices, and parallel coordinates; None where nothing was searched."""
    found = material.findings.tried
    if not found.arms:
        return None
    rows = [row for number in range(len(found.arms)) for row in _best(material, number)]
    sampled = any(len(arm.shown) < arm.number for arm in found.arms)
    some = f" Of each arm {MOST} trials are drawn, spread over its searches." if sampled else ""
    lead = (
        f"Each trial's {escape(found.metric)} along what was searched. Full dots were trained to their end, hollow "
        "ones were pruned, ringed ones are choices; a cross diverged or failed. The worst twentieth lies at the edge. "
        f"Where an arm searches several hyperparameters, a line joins those of each trial.{some}"
    )
    header = ("arm", "search and trial", "hyperparameters", found.metric, "ended")
    table = Table(f"the best {BEST} trials of each arm", header, rows)
    plots = [*slices.draw(found, material.places), *parallel.draw(found, material.places)]
    return Section("trials", "The tuning trials", lead, plots=plots, folded=[table])


def _best(material: Material, number: int) -> list[tuple[str, ...]]:
    found, told = material.findings.tried, material.told
    arm, sign = found.arms[number], 1 if found.goal == "minimize" else -1
    ranked = sorted((sign * trial.value, place) for place, trial in enumerate(arm.shown) if trial.value is not None)
    return [
        (
            material.arm(arm.arm),
            f"{told.number(f'{at}.search')} / {told.number(f'{at}.number')}",
            ", ".join(f"{escape(axis.name)} {_param(material, at, axis.name)}" for axis in arm.axes),
            told.number(f"{at}.value"),
            escape(str(trial.outcome)) + (", chosen" if trial.is_choice else ""),
        )
        for _, place in ranked[:BEST]
        for trial in [arm.shown[place]]
        for at in [f"page.tried.arms.{number}.shown.{place}"]
    ]


def _param(material: Material, at: str, name: str) -> str:
    """HTML of a hyperparameter, whose own name may have dots."""
    return material.told.number(f"{at}.params#{name}", short)
