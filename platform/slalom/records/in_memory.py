"""Records in dictionaries: for tests, and for a run that nobody wants to look at in a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, TrialId, TrialSpec


@dataclass
class Records:
    """One study's records, which outlive the recorder that writes them."""

    trials: dict[TrialId, Ended] = field(default_factory=dict)
    models: dict[TrialId, Sequence[bytes]] = field(default_factory=dict)
    summary: Summary | None = None


class InMemoryRecorder:
    """Writes at once, and never fails."""

    def __init__(self, records: Records | None = None) -> None:
        self.records = Records() if records is None else records

    def trials(self, ended: Sequence[Ended]) -> None:
        """Keep the first record of each trial."""
        for trial in ended:
            self.records.trials.setdefault(trial.spec.id, trial)

    def model(self, trial: TrialSpec, weights: Sequence[bytes]) -> None:
        """Keep the first weights of a trial."""
        self.records.models.setdefault(trial.id, weights)

    def summary(self, summary: Summary) -> None:
        """Keep the last summary."""
        self.records.summary = summary

    def close(self) -> None:
        """Nothing is open."""
