"""How the page looks: its style sheets, which lie beside this file; and those of plots alone, for another page."""

from __future__ import annotations

from pathlib import Path

COLOURS, PLOTS, REST = ("colours.css", "plots.css", "style.css")
"""The colours of both schemes as variables; what plots and their legend need; everything else, printing last."""


def page_style() -> str:
    """The style sheet of a whole page."""
    return "".join(map(_sheet, (COLOURS, PLOTS, REST)))


def plots_style(within: str) -> str:
    """The style sheet of plots in another page, such as a notebook; within: a CSS selector of the elements around them.

    The rules are nested, so that they change nothing else there. The ground is the plots' own, too: the other page may
    be dark where the reader's system is light.
    """
    ground = "color: var(--ink); background: var(--surface); padding: .5rem;"
    return f"{within} {{\n{ground}\n{_sheet(COLOURS).replace(':root', '&')}{_sheet(PLOTS)}}}"


def _sheet(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
