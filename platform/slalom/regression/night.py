"""A night: a study held against its baseline, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.regression.gate import overall
from slalom.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.regression.baseline import Baseline
    from slalom.regression.changes import Change
    from slalom.regression.gate import Answer, Design, Finding


@dataclass(frozen=True)
class Night:
    """A study held against its baseline.

    seconds: when it was, since the epoch
    design: after how many trainings it was judged, and at which levels
    changes: versions, settings and devices that differ from the baseline's
    reproduced: by arm, whether tonight's best trial came out the same when it was trained once more
    """

    baseline: Baseline
    seconds: float
    design: Design
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    reproduced: Mapping[str, bool]

    @property
    def answer(self) -> Answer:
        """The answer of the worst finding."""
        return overall(self.findings)

    def as_json(self) -> dict[str, Any]:
        """The object that `slalom regress --json` prints."""
        found: dict[str, Any] = plain(
            {
                "study": self.baseline.study,
                "fingerprint": self.baseline.fingerprint,
                "answer": self.answer,
                "seconds": self.seconds,
                "design": self.design,
                "findings": self.findings,
                "changes": [change._asdict() for change in self.changes],
                "reproduced": self.reproduced,
            }
        )
        return found
