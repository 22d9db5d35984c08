"""How the arms trained: learning curves, each search's value, and what diverged."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from slalom.report.page.drawing import curves, pairs, shares
from slalom.report.page.section import Section, Table
from slalom.report.page.sections.base import steps
from slalom.report.page.told import NOTHING

if TYPE_CHECKING:
    from slalom.report.page.sections.base import Material


def learning(material: Material) -> Section | None:
    """The learning curves; None where no arm is confirmed or nothing was reported by epoch."""
    found, told = material.findings.curves, material.told
    plots = curves.draw(found, material.places, material.spec.compare.baseline)
    if not plots:
        return None
    rows = []
    for number, arm in enumerate(found.arms):
        parts = [part for part in ("training", "validation") if getattr(arm, part)]
        for part in parts:
            at = f"page.curves.arms.{number}.{part}"
            rows += [
                (
                    material.arm(arm.arm),
                    part,
                    told.number(f"{at}.epochs.{place}"),
                    told.bounded(f"{at}.mean.{place}", f"{at}.band.{place}"),
                    told.number(f"{at}.searches.{place}"),
                )
                for place in steps(range(len(getattr(arm, part).epochs)))
            ]
        at = f"page.curves.arms.{number}"
        ended = told.number("page.curves.epochs")
        rows.append((material.arm(arm.arm), "test", ended, told.bounded(f"{at}.test", f"{at}.test_interval"), ""))
    metric = escape(found.metric)
    dotted = f"the dotted line is training {metric}, " if any(arm.training for arm in found.arms) else ""
    lead = (
        f"The confirm trainings, epoch by epoch: the full line is the mean validation {metric} over the searches, the "
        f"band its {told.share('page.curves.level')} interval at each epoch; {dotted}the mark at the "
        f"end test {metric}, which is measured once, at the end. The grey line is the baseline's validation. A "
        "training that diverged counts until then."
    )
    header = ("arm", "data", "epoch", f"{found.metric} [interval]", "searches")
    return Section("curves", "Learning curves", lead, plots=plots, folded=[Table("learning curves", header, rows)])


def searches(material: Material) -> Section | None:
    """The value of each search; None where no arm is confirmed."""
    found, told = material.findings.pairs, material.told
    plots = pairs.draw(found, material.places)
    if not plots:
        return None
    units = max(len(arm.values) for arm in found.arms)
    rows = [
        (
            str(unit),
            *(
                told.number(f"page.pairs.arms.{number}.values.{unit}") if unit < len(arm.values) else ""
                for number, arm in enumerate(found.arms)
            ),
        )
        for unit in range(units)
    ]
    one = "seed" if found.noun == "seeds" else "search"
    same = "the same split and seeds" if material.spec.resampled else "the same seeds"
    lead = (
        f"A dot is the {escape(found.metric)} of one {one}, a bar the mean. A line joins the same {one} in every arm, "
        f"which has {same} there: the test looks at these differences."
    )
    table = Table(f"each of the {found.noun}", (one, *(arm.arm for arm in found.arms)), rows)
    return Section("searches", f"Each of the {found.noun}", lead, plots=plots, folded=[table])


def divergence(material: Material) -> Section:
    """How often trainings diverged or failed."""
    found, told = material.findings.divergence, material.told
    rows = []
    for number, arm in enumerate(found.arms):
        at = f"page.divergence.arms.{number}"
        confirm = NOTHING
        if arm.confirm is not None:
            confirm = f"{told.number(f'{at}.confirm')} of {told.number(f'{at}.trainings')}"
        rows.append(
            (
                material.arm(arm.arm),
                f"{told.number(f'{at}.tuning')} of {told.number(f'{at}.trials')}",
                confirm,
                told.share(f"{at}.at_most"),
                told.p(f"{at}.p"),
            )
        )
    lead = (
        "Trainings whose loss left the finite numbers, or that raised. A confirm training that did counts as the worst "
        f"value in its arm's mean. A line reaches up to the share that is not excluded at the level "
        f"{told.share('page.divergence.level')}."
    )
    header = ("arm", "tuning trials", "confirm trainings", "not excluded up to", "p against the baseline")
    plots = shares.draw_divergence(found, material.places)
    return Section(
        "divergence", "What diverged", lead, plots=plots, folded=[Table("trainings that diverged", header, rows)]
    )
