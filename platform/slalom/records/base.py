"""The ports to where results are shown to people: `Recorder` for a study, `NightRecorder` for its regression nights.

Any room above `study` may import this module, so it imports values alone: `wire.trial` and `verdict.summary`. What a
baseline and a night are belongs to `regression`, above this module, so `NightRecorder` is generic in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from slalom.wire.learned import NOTHING, Learned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.summary import Summary
    from slalom.wire.trial import Ended, TrialSpec

BaselineT = TypeVar("BaselineT", contravariant=True)
NightT = TypeVar("NightT", contravariant=True)


class Recorder(Protocol):
    """Records a study where people look at it, such as in MLflow. The records are a copy: Optuna holds the originals.

    The loop's thread alone calls these methods, and one recorder at a time writes a study. A recorder may write later
    than it is called, in a thread of its own; `close` returns when all is written.

    Every call may be made again with the same values, by this process or by a later one, and then changes nothing: a
    record is found by its study's fingerprint and the trial's arm, phase and number, and the attempt is only shown.

    A record that cannot be written, after the implementation's own retries, is raised as Infrastructure by the next
    call or by `close`. What was recorded before stays, and a later recorder completes the rest.
    """

    def trials(self, ended: Sequence[Ended]) -> None:
        """Record trials that ended, with their parameters, histories and outcomes.

        A trial that has a record keeps that record.
        """
        ...

    def model(self, trial: TrialSpec, weights: Sequence[bytes], learned: Learned = NOTHING) -> None:
        """Record the weights of an arm's best confirm trial, as a model that people can load, and what it has learned.

        trial: one that an earlier call of `trials`, of this recorder or of one before, has recorded
        weights: of each of the trial's nets, safetensors as `slalom_worker.serving.freeze` writes them
        learned: metrics and files that the trial's record shows from then on
        A trial that has a model keeps that model, and what was recorded with it.
        """
        ...

    def summary(self, summary: Summary) -> None:
        """Record how the study and its arms stand, in place of what the call before recorded."""
        ...

    def close(self) -> None:
        """Return when all is written, and let go of the store; a second call does nothing.

        No other method may be called after it.
        """
        ...


class NightRecorder(Protocol[BaselineT, NightT]):
    """Records a study's baselines and nights beside the study; made for one study.

    The caller's thread alone calls these methods, and makes sure that nobody else writes to the study's home
    meanwhile. A call returns when its record is written. It raises Infrastructure where the record cannot be written,
    after the implementation's own retries; the call may then be made again.
    """

    def pin(self, baseline: BaselineT) -> None:
        """Record a baseline that was pinned, in place of the one before; the same baseline again changes nothing.

        Raises InputError, and records nothing, where a `Recorder` has not recorded the study before.
        """
        ...

    def night(self, night: NightT) -> None:
        """Record a night after those before it; the same night again is a further record."""
        ...
