"""What every part of the page is made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from slalom.report.page.section import arm_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.report.page.data.findings import Findings
    from slalom.report.page.told import Told
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary


@dataclass(frozen=True)
class Material:
    """A study, what it found, and the JSON object with all numbers of that."""

    spec: StudySpec
    summary: Summary
    findings: Findings
    told: Told

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The number of each arm in the study."""
        return {arm.name: place for place, arm in enumerate(self.spec.arms)}

    def arm(self, name: str) -> str:
        """HTML of an arm's name."""
        return arm_name(name, self.places[name])


def steps(places: Sequence[int], most: int = 16) -> list[int]:
    """At most so many of these places, evenly spread, with the first and the last: the rows of a table."""
    if len(places) <= most:
        return list(places)
    return [places[round(step * (len(places) - 1) / (most - 1))] for step in range(most)]
