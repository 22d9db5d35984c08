"""What the nets do: decisions over the plane, filters, ensembles; and the nights on which they were trained again."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from slalom.report.page.drawing import nets, nights
from slalom.report.page.section import Section, Table

if TYPE_CHECKING:
    from slalom.report.page.data.on_record import FirstLayer
    from slalom.report.page.sections.base import Material


def boundaries(material: Material) -> Section | None:
    """The decisions over the plane; None where inputs are no points of it, or no net is on record."""
    decisions, told = material.findings.on_record.decisions, material.told
    if not decisions:
        return None
    confirm = {arm.name: f"arms.{number}.confirm" for number, arm in enumerate(material.spec.arms)}
    rows = [
        (material.arm(arm.arm), told.bounded(f"{confirm[arm.arm]}.mean", f"{confirm[arm.arm]}.interval"))
        for arm in decisions
    ]
    shows = "it finds both classes equally likely along the full line."
    if decisions[0].classes > 2:
        shows = (
            "the ground has the colour of the class that it finds most likely, and so have the points of that class."
        )
    if decisions[0].best:
        shows += " The dashed line is the best boundary that there is."
    lead = (
        "The net that is kept of each arm, the best of its confirm trainings by validation data, on the points that it "
        f"was trained on: {shows} It is one net of many; the table has the mean over all of them."
    )
    table = Table("test values of these arms", ("arm", material.spec.metric.on("test")), rows)
    plots = nets.draw_decisions(decisions, material.places)
    return Section("boundaries", "Decision boundaries", lead, plots=plots, folded=[table])


def filters(material: Material) -> Section | None:
    """The filters of first layers; None where no kept net has a convolution first, or none is on record."""
    layers, told = material.findings.on_record.first_layers, material.told
    if not layers:
        return None
    rows = [
        (material.arm(layer.arm), told.number(f"{at}.initial_orientation"), told.number(f"{at}.orientation"))
        for number, layer in enumerate(layers)
        for at in [f"page.on_record.first_layers.{number}"]
    ]
    lead = (
        "The first layer of the net that is kept of each arm: its filters after the training, grey for zero, lighter "
        "above and darker below; and the share of their edges' energy that lies in one direction, before (hollow) and "
        "after (full). Filters that have learned edges have more of it."
    )
    table = Table("edge energy in one direction", ("arm", "before training", "after training"), rows)
    plots, pictures = nets.draw_edges(layers, material.places), "".join(map(_picture, layers))
    rest = f'<div class="plots">{pictures}</div>'
    return Section("filters", "Filters", lead, plots=plots, folded=[table], rest=rest)


def _picture(layer: FirstLayer) -> str:
    shown = b64encode(layer.filters).decode()
    about = escape(f"Filters of the first layer of {layer.arm} after training")
    return (
        f'<figure class="filters"><img alt="{about}" src="data:image/png;base64,{shown}">'
        f"<figcaption>{escape(layer.arm)}</figcaption></figure>"
    )


def ensembles(material: Material) -> Section | None:
    """Ensembles against their members; None where no arm trains several nets."""
    found, told = material.findings.ensembles, material.told
    plots = nets.draw_ensembles(found, material.places)
    if not plots:
        return None
    rows = [
        (
            material.arm(arm.arm),
            *(told.number(f"page.ensembles.arms.{number}.{name}") for name in ("nets", "member", "joint", "diversity")),
        )
        for number, arm in enumerate(found.arms)
    ]
    lead = (
        f"The test {escape(found.metric)} of the nets of an ensemble, the mean of each alone (hollow) and of all of "
        "them together (full), over the confirm trainings. Diversity is how often two of them disagree."
    )
    header = ("arm", "nets", "each alone", "together", "diversity")
    return Section("ensembles", "Ensembles", lead, plots=plots, folded=[Table("ensembles", header, rows)])


def trend(material: Material) -> Section | None:
    """The nights of the regression gate; None where there was none."""
    trends, told = material.findings.on_record.trends, material.told
    if not trends:
        return None
    rows = [
        (
            material.arm(one.arm),
            escape(one.metric),
            escape(night.date),
            told.number(f"{at}.difference", lambda value: f"{value:+.3g}"),
            told.number(f"{at}.margin"),
            escape(night.answer),
        )
        for number, one in enumerate(trends)
        for place, night in enumerate(one.nights)
        for at in [f"page.on_record.trends.{number}.nights.{place}"]
    ]
    lead = (
        "How far the choices, trained again on later code, were from the pinned baseline. The grey band is the margin; "
        "a cross is a regression."
    )
    header = ("arm", "metric", "night", "difference", "margin", "answer")
    plots = nights.draw(trends, material.places)
    return Section("nights", "Regression nights", lead, plots=plots, folded=[Table("nights", header, rows)])
