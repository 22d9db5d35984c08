"""A page as one HTML file: what stands around its parts, with nothing outside it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from slalom.report.page.style_sheets import page_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.report.page.section import Section


def document(name: str, question: str, answer: str, sections: Sequence[Section], *, place: str = "") -> str:
    """The page: no script, no address of anything outside it.

    name, question, answer: as plain text
    place: where the page's JSON holds the answer; nothing where it does not hold one
    """
    at = f' data-at="{escape(place)}"' if place else ""
    links = "".join(f'<li><a href="#{one.name}">{escape(one.title)}</a></li>' for one in sections)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(name)}: {escape(question)}</title>",
            f"<style>{page_style()}</style></head><body>",
            '<a class="skip" href="#answer">To the answer</a>',
            f'<header><p class="study">{escape(name)}</p><h1>{escape(question)}</h1>'
            f'<p class="answer" id="answer" tabindex="-1"{at}>{escape(answer)}</p></header>',
            f'<nav aria-label="Contents"><ul>{links}</ul></nav>',
            "<main>",
            *(section.html() for section in sections),
            "</main></body></html>\n",
        ]
    )
