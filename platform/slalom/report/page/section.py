"""A part of the page: a heading, sentences, plots, and beside them the numbers as tables."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.report.page.drawing.canvas import Plot


@dataclass(frozen=True)
class Table:
    """A table.

    caption: what it holds, as plain text; header: plain texts
    rows: cells as HTML, of which the first names the row
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def html(self) -> str:
        """The table, in a frame that a narrow screen scrolls, by keys too."""
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.header)
        rows = "".join(f"<tr>{_row(row)}</tr>" for row in self.rows)
        caption = escape(self.caption)
        return (
            f'<div class="scroll" role="region" aria-label="Table: {caption}" tabindex="0"><table>'
            f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


@dataclass(frozen=True)
class Section:
    """A part of the page.

    name: for links, unlike that of any other part; lead: how to read what follows, as HTML
    legend: the arms of plots that do not name them, as HTML
    shown: tables that are always seen; folded: those that open beside the plots; rest: HTML that comes last
    """

    name: str
    title: str
    lead: str = ""
    legend: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    shown: Sequence[Table] = ()
    folded: Sequence[Table] = ()
    rest: str = ""

    def html(self) -> str:
        """The part as it stands in the page."""
        parts = [
            f'<section id="{self.name}" aria-labelledby="{self.name}-heading">'
            f'<h2 id="{self.name}-heading">{escape(self.title)}</h2>',
            f'<p class="lead">{self.lead}</p>' if self.lead else "",
            *(table.html() for table in self.shown),
            legend_html(self.legend),
            plots_html([plot.svg for plot in self.plots]),
            *(folded(f"The numbers: {table.caption}", table.html()) for table in self.folded),
            self.rest,
            "</section>",
        ]
        return "\n".join(filter(None, parts))


def folded(summary: str, content: str) -> str:
    """HTML that opens by a click, or a key, on its summary."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def arm_name(name: str, place: int) -> str:
    """HTML of an arm's name with the colour and the mark of its plots."""
    return f'<span class="arm s{place % 8}">{escape(name)}</span>'


def legend_html(arms: Sequence[str]) -> str:
    """A list of arms, as `arm_name` gives each, as HTML; an empty text without arms."""
    items = "".join(f"<li>{arm}</li>" for arm in arms)
    return f'<ul class="legend" aria-label="Arms">{items}</ul>' if arms else ""


def plots_html(drawn: Sequence[str]) -> str:
    """Plots, given as SVG, side by side where there is room, as HTML; an empty text without plots."""
    figures = "".join(f"<figure>{svg}</figure>" for svg in drawn)
    wide = " one" if len(drawn) == 1 else ""
    return f'<div class="plots{wide}">{figures}</div>' if drawn else ""


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    return f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in others)
