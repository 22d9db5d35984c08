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
        """The proposals; nothing is asked yet."""
        ...


class Propose(Protocol):
    """The proposals of hyperparameters of one search of an arm, asked by the loop alone.

    The proposals of a number are a function of the study's seed, the arm's space, the search, the number and the trials
    of the search that ended before their generation: whoever asks again, in this process or a later one, is given the
    same. A sampler that looks at no results proposes the same in all arms of the same space.
    """

    def __call__(self, new: Sequence[Ended], numbers: range) -> Sequence[Mapping[str, Scalar]]:
        """The hyperparameters of the tuning trials of these numbers, by dotted name.

        new: the search's tuning trials that ended since the last call, by number
        numbers: later than any that were asked before
        """
        ...


class TrialStore(Protocol):
    """One study's trials that ended, and what is noted of the study as a whole.

    One process writes at a time, from one thread; others may read. What `add` or `note` wrote before it returned is
    there for every later reader, in this process or another. A call raises Infrastructure where the storage does not
    answer, and then has written nothing.
    """

    def ended(self, mark: str | None = None) -> dict[TrialId, Ended]:
        """Every trial that was added, whole but for its weights, in no order; the dictionary is the caller's own.

        mark: a key of `namesakes`, for the trials of that study: those of arms that this one has too, as this one's
        """
        ...

    def add(self, ended: Sequence[Ended]) -> None:
        """Keep trials that ended, of any arms and phases: all of them, or none where it raises.

        No trial can be added twice, which raises Infrastructure: who goes on after a failure looks at `ended` first.
        """
        ...

    def held(self, home: str) -> AbstractContextManager[None]:
        """Hold the study as its only run until the block is left; other stores of the same study may read.

        home: the run's, for people
        Raises InputError where another run holds it, which takes seconds to tell where that one is silent. A run that
        is silent itself for a while may lose its hold to another: `add` then raises Infrastructure, and writes nothing.
        """
        ...

    def note(self, name: str, value: Any) -> None:
        """Keep a JSON value about the study as a whole, in place of what was noted under that name."""
        ...

    def notes(self) -> Mapping[str, Any]:
        """All that was noted, by name; empty where nothing was."""
        ...

    def namesakes(self) -> Mapping[str, Mapping[str, Any]]:
        """What was noted of other studies of the same name, by the first 12 digits of their fingerprints."""
        ...
