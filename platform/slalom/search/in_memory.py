"""A `TrialStore` in dictionaries: for tests, and for nightly regression runs, whose trials are not kept."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slalom.wire.trial import Ended, TrialId


class InMemoryStore:
    """A `TrialStore` that keeps its trials and notes as long as the object lives; there are no outages."""

    def __init__(self) -> None:
        self._ended: dict[TrialId, Ended] = {}
        self._notes: dict[str, str] = {}
        self._holder: str | None = None

    @contextmanager
    def held(self, home: str) -> Iterator[None]:
        """Hold the study; InputError where another run does."""
        if self._holder is not None:
            raise InputError(f"the study is being run already, with the home {self._holder}")
        self._holder = home
        try:
            yield
        finally:
            self._holder = None

    def ended(self, mark: str | None = None) -> dict[TrialId, Ended]:
        """Every trial that was added, without its weights; none of a namesake."""
        return dict(self._ended) if mark is None else {}

    def add(self, ended: Sequence[Ended]) -> None:
        """Keep trials that ended; Infrastructure where one was added before."""
        if twice := [str(one.spec.id) for one in ended if one.spec.id in self._ended]:
            raise Infrastructure(f"{', '.join(twice)}: added already")
        self._ended |= {one.spec.id: replace(one, result=replace(one.result, weights=())) for one in ended}

    def note(self, name: str, value: Any) -> None:
        """Keep a JSON value; TypeError for a value that JSON cannot hold, as in a storage."""
        self._notes[name] = json.dumps(value)

    def notes(self) -> Mapping[str, Any]:
        """All that was noted."""
        return {name: json.loads(value) for name, value in self._notes.items()}

    def namesakes(self) -> Mapping[str, Mapping[str, Any]]:
        """Always empty: the store holds one study."""
        return {}
