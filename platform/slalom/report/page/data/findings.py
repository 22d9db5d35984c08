"""All that the page shows, as one frozen value and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from slalom.report.page.data.choices import Chosen, chosen
from slalom.report.page.data.conditions import conditions
from slalom.report.page.data.curves import Curves, curves
from slalom.report.page.data.divergence import Divergence, divergence
from slalom.report.page.data.effort import Effort, effort
from slalom.report.page.data.ensembles import Ensembles, ensembles
from slalom.report.page.data.forest import Forest, forest
from slalom.report.page.data.pairs import Pairs, pairs
from slalom.report.page.data.provenance import Provenance, provenance
from slalom.report.page.data.tried import Tried, tried
from slalom.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.data.on_record import OnRecord
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary


@dataclass(frozen=True)
class Findings:
    """What a study has found, a field for each plot in the order of the page."""

    forest: Forest
    curves: Curves
    pairs: Pairs
    effort: Effort
    chosen: tuple[Chosen, ...]
    tried: Tried
    divergence: Divergence
    on_record: OnRecord
    ensembles: Ensembles
    conditions: tuple[str, ...]
    provenance: Provenance

    @classmethod
    def of(
        cls,
        spec: StudySpec,
        summary: Summary,
        results: Results,
        versions: tuple[Mapping[str, str], ...],
        on_record: OnRecord,
    ) -> Findings:
        """All that the page shows of a study.

        results: every trial that ended, with its history
        versions: what its runs were made with, each combination once
        """
        return cls(
            forest=forest(spec, summary),
            curves=curves(spec, summary, results),
            pairs=pairs(spec, summary),
            effort=effort(spec, summary, results),
            chosen=chosen(spec, summary),
            tried=tried(spec, summary, results),
            divergence=divergence(spec, summary),
            on_record=on_record,
            ensembles=ensembles(spec, summary, results),
            conditions=conditions(spec, summary),
            provenance=provenance(spec, results, versions),
        )

    def plain(self) -> dict[str, Any]:
        """Every number of the findings in JSON's own types; what is not finite becomes null."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        found: dict[str, Any] = plain({**values, "on_record": self.on_record.plain()})
        return found
