"""What the loop asks of a search: proposals, and a store of the trials that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from slalom.study.model import Arm, StudySpec
    from slalom.wire.trial import Ended, Scalar, TrialId


class ProposeFor(Protocol):
    """Makes the proposals of one search of an arm."""

    def __call__(self, spec: StudySpec, arm: Arm, search: int) -> Propose:
        """The `Propose` of a search of the arm; nothing is proposed yet."""
        ...


class Propose(Protocol):
    """Proposes the hyperparameters of one search of an arm; only the loop calls it.

    A trial's proposal is a function of the study's seed, the arm's space, the search, the trial's number and the trials
    of the search that ended before its generation: a second call, in this process or a later one, gives the same. A
    sampler that looks at no results proposes the same in all arms of the same space.
    """

    def __call__(self, new: Sequence[Ended], numbers: range) -> Sequence[Mapping[str, Scalar]]:
        """The hyperparameters of the tuning trials of these numbers, by dotted name.

        new: the search's tuning trials that ended since the last call, by number
        numbers: higher than those of any earlier call
        """
        ...


class TrialStore(Protocol):
    """Keeps one study's trials that ended, and notes of the study as a whole.

    One process writes at a time, from one thread; others may read. What `add` or `note` wrote before it returned is
    there for every later reader, in this process or another. A call raises Infrastructure where the storage does not
    answer, and then has written nothing.
    """

    def ended(self, mark: str | None = None) -> dict[TrialId, Ended]:
        """Every trial that was added, without its weights, in no order; the dictionary is the caller's own.

        mark: a key of `namesakes`: gives that study's trials, of the arms that both studies have, as if of this study
        """
        ...

    def add(self, ended: Sequence[Ended]) -> None:
        """Keep trials that ended, of any arms and phases: all of them, or none where the call raises.

        A trial that was added before raises Infrastructure; after a failure, `ended` tells which trials are kept.
        """
        ...

    def held(self, home: str) -> AbstractContextManager[None]:
        """Hold the study as its only run until the block is left; other stores of the same study may read.

        home: the run's home, for messages
        Raises InputError where another run holds the study; that takes seconds where the other run is silent. A run
        that gives no sign of life for a while may lose its hold: `add` and `note` then raise Infrastructure, and write
        nothing.
        """
        ...

    def note(self, name: str, value: Any) -> None:
        """Keep a JSON value about the study as a whole; it replaces an earlier note of that name."""
        ...

    def notes(self) -> Mapping[str, Any]:
        """All notes by name; empty where there are none."""
        ...

    def namesakes(self) -> Mapping[str, Mapping[str, Any]]:
        """The notes of other studies of the same name, by the first 12 digits of their fingerprints."""
        ...
