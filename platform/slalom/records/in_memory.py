"""Records in this process's memory: for tests, and for trainings of which no record is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from slalom.errors import InputError
from slalom.wire.learned import NOTHING, Learned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, TrialId, TrialSpec

B = TypeVar("B")
N = TypeVar("N")


@dataclass
class Records:
    """The records of one study, which outlive the recorder that writes them."""

    trials: dict[TrialId, Ended] = field(default_factory=dict)
    models: dict[TrialId, Sequence[bytes]] = field(default_factory=dict)
    learned: dict[TrialId, Learned] = field(default_factory=dict)
    summary: Summary | None = None


class InMemoryRecorder:
    """The fake `Recorder`: writes within each call, and never fails."""

    def __init__(self, records: Records | None = None) -> None:
        """records: where to write; None stands for new records."""
        self.records = Records() if records is None else records

    def trials(self, ended: Sequence[Ended]) -> None:
        """Keep the first record of each trial."""
        for trial in ended:
            self.records.trials.setdefault(trial.spec.id, trial)

    def model(self, trial: TrialSpec, weights: Sequence[bytes], learned: Learned = NOTHING) -> None:
        """Keep the first weights of a trial, and what came with them."""
        if trial.id not in self.records.models:
            self.records.models[trial.id] = weights
            self.records.learned[trial.id] = learned

    def summary(self, summary: Summary) -> None:
        """Keep the last summary."""
        self.records.summary = summary

    def close(self) -> None:
        """Do nothing: no store is open."""


@dataclass
class InMemoryNights(Generic[B, N]):
    """The fake `NightRecorder`: keeps what it is given, and fails only where the study has no record.

    recorded: whether the study has one, as `pin` needs
    """

    recorded: bool = True
    baseline: B | None = None
    nights: list[N] = field(default_factory=list)

    def pin(self, baseline: B) -> None:
        """Keep the last baseline; InputError where the study has no record."""
        if not self.recorded:
            raise InputError("the study is not on record: `slalom run` records it")
        self.baseline = baseline

    def night(self, night: N) -> None:
        """Keep every night."""
        self.nights.append(night)
