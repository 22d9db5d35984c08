"""The page: one HTML file with all that it needs, to be opened without a network; and its numbers as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.report.page.data.findings import Findings
from slalom.report.page.drawing.canvas import style
from slalom.report.page.sections import ending, nets, training, tuning, verdict
from slalom.report.page.sections.base import Material
from slalom.report.page.told import Told
from slalom.report.plain import as_json
from slalom.report.tables import answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.data.on_record import OnRecord
    from slalom.report.page.section import Section
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary

STYLE = Path(__file__).with_name("style.css")

ORDER = (
    verdict.differences,
    verdict.arms,
    training.learning,
    training.searches,
    tuning.bought,
    tuning.chosen,
    tuning.importance,
    tuning.trials,
    training.divergence,
    nets.boundaries,
    nets.filters,
    nets.ensembles,
    nets.trend,
    ending.conditions,
    ending.provenance,
)
"""The parts of the page; one that has nothing to show is left out."""


@dataclass(frozen=True)
class Page:
    """A study's page.

    json: the object that `--json` prints, and under "page" every further number that the page shows
    """

    spec: StudySpec
    summary: Summary
    findings: Findings
    json: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        spec: StudySpec,
        summary: Summary,
        results: Results,
        versions: tuple[Mapping[str, str], ...],
        on_record: OnRecord,
    ) -> Page:
        """The page of a study as it stands; arguments as for `Findings.of`."""
        findings = Findings.of(spec, summary, results, versions, on_record)
        return cls(spec, summary, findings, {**as_json(spec, summary, {}), "page": findings.plain()})

    def html(self) -> str:
        """The page: no script, no address of anything outside it."""
        material = Material(self.spec, self.summary, self.findings, Told(self.json))
        with style():
            sections = [section for part in ORDER if (section := part(material)) is not None]
        return "\n".join(
            [
                '<!doctype html><html lang="en"><head><meta charset="utf-8">',
                '<meta name="viewport" content="width=device-width, initial-scale=1">',
                '<meta name="color-scheme" content="light dark">',
                f"<title>{escape(self.spec.name)}: {escape(self.spec.question)}</title>",
                f"<style>{STYLE.read_text(encoding='utf-8')}</style></head><body>",
                '<a class="skip" href="#answer">To the answer</a>',
                _head(self.spec, self.summary),
                _contents(sections),
                "<main>",
                *(section.html() for section in sections),
                "</main></body></html>\n",
            ]
        )


def _head(spec: StudySpec, summary: Summary) -> str:
    """The question and the sentence that answers it."""
    place = ' data-at="verdict.sentence"' if summary.verdict else ""
    return (
        f'<header><p class="study">{escape(spec.name)}</p><h1>{escape(spec.question)}</h1>'
        f'<p class="answer" id="answer" tabindex="-1"{place}>{escape(answer(spec, summary))}</p></header>'
    )


def _contents(sections: list[Section]) -> str:
    links = "".join(f'<li><a href="#{one.name}">{escape(one.title)}</a></li>' for one in sections)
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'
