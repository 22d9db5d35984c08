"""What the study asked and found: the answer, the differences, and the tables of all arms."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from slalom.report.page.drawing import forest
from slalom.report.page.section import Section, Table
from slalom.report.page.told import NOTHING
from slalom.report.tables import legend, protocol, tuning_rows

if TYPE_CHECKING:
    from slalom.report.page.sections.base import Material


def differences(material: Material) -> Section | None:
    """The forest plot with its numbers; None before arms are compared."""
    findings, told = material.findings.forest, material.told
    plots = forest.draw(findings, material.places)
    if not plots:
        return None
    at = {row.arm: f"page.forest.rows.{number}" for number, row in enumerate(findings.rows)}
    rows = [
        (
            material.arm(row.arm),
            told.bounded(f"{at[row.arm]}.mean", f"{at[row.arm]}.interval", "+"),
            told.share(f"{at[row.arm]}.level"),
            told.p(f"{at[row.arm]}.p"),
            told.p(f"{at[row.arm]}.p_beyond"),
            escape(str(row.answer)),
        )
        for row in findings.rows
    ]
    header = ("arm", f"difference from {findings.baseline}", "level", "p (Holm)", "p beyond the margin", "answer")
    margin = ""
    if findings.margin is not None:
        margin = (
            f" The grey band is the margin of {told.number('page.forest.margin')}, within which arms count as equal."
        )
    side = "left" if findings.goal == "minimize" else "right"
    lead = (
        f"The difference of {escape(findings.metric)} from the baseline {material.arm(findings.baseline)}, with "
        f"intervals that are corrected over all arms: the {side} is better, and an interval that touches zero decides "
        f"nothing.{margin}"
    )
    table = Table("differences from the baseline", header, rows)
    return Section("differences", "By how much, and how sure", lead, plots=plots, folded=[table])


def arms(material: Material) -> Section:
    """The tables that the terminal shows, with every number whole."""
    spec, told = material.spec, material.told
    header = ("arm", spec.metric.on("test"), "difference", "p (Holm)", "P(better)")
    rows = [(material.arm(arm.name), *_result(material, number)) for number, arm in enumerate(spec.arms)]
    tuned, body = tuning_rows(spec, material.summary)
    tuning = [
        (material.arm(name), told.number(f"arms.{number}.tuning.best"), *map(escape, others))
        for number, (name, _, *others) in enumerate(body)
    ]
    return Section(
        "arms",
        "All arms",
        escape(legend(spec)),
        shown=[Table("results on test data", header, rows), Table("tuning", tuned, tuning)],
        rest=f"<p>{escape(protocol(spec))}</p>",
    )


def _result(material: Material, number: int) -> tuple[str, str, str, str]:
    arm, told, at = material.summary.arms[number], material.told, f"arms.{number}"
    reached = told.bounded(f"{at}.confirm.mean", f"{at}.confirm.interval")
    if arm.confirm and arm.confirm.diverged:
        reached += f", {told.number(f'{at}.confirm.diverged')} diverged"
    if arm.name == material.spec.compare.baseline:
        return reached, "baseline", NOTHING, NOTHING
    if arm.difference is None:
        return reached, NOTHING, NOTHING, NOTHING
    found = f"{at}.difference"
    return (
        reached,
        told.bounded(f"{found}.mean", f"{found}.interval", "+"),
        f"{told.p(f'{found}.p')} {told.text(f'{found}.answer')}",
        f"{told.number(f'{found}.better.share', '{:.2f}'.format)} {told.bounds(f'{found}.better.interval')}",
    )
