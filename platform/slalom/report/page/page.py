"""The page: one HTML file with all that it needs, to be opened without a network; and its numbers as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.report.page.data.findings import Findings
from slalom.report.page.document import document
from slalom.report.page.drawing.canvas import style
from slalom.report.page.sections import ending, nets, training, tuning, verdict
from slalom.report.page.sections.base import Material
from slalom.report.page.told import Told
from slalom.report.plain import as_json
from slalom.report.tables import answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.data.on_record import OnRecord
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary

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
        place = "verdict.sentence" if self.summary.verdict else ""
        return document(self.spec.name, self.spec.question, answer(self.spec, self.summary), sections, place=place)
