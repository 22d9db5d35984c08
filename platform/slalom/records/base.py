"""Where a study's results are shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, TrialSpec


class Recorder(Protocol):
    """A projection of what Optuna holds, written by the loop alone.

    Every call may be made again with the same values, by this process or a later one, and then changes
    nothing: a record is found by (fingerprint, arm, phase, trial), and its attempt is a tag. A call
    may return before its record is written; `close` returns when all are. What cannot be written, after the
    implementation's own retries, is raised as `Infrastructure` by the next call or by `close`.
    """

    def trials(self, ended: Sequence[Ended]) -> None:
        """Record trials that ended, with their parameters, histories and outcomes; those on record are left."""
        ...

    def model(self, trial: TrialSpec, weights: Sequence[bytes]) -> None:
        """Record the weights of an arm's best confirm trial, which is on record, as a loadable model of its run.

        weights: of each of its nets, safetensors that say what they are for, as `slalom_worker.serving.freeze` writes
            them
        """
        ...

    def summary(self, summary: Summary) -> None:
        """Record the study and its arms as they stand; the last call stays."""
        ...

    def close(self) -> None:
        """Finish the writing and let go of the store; closing again does nothing."""
        ...
