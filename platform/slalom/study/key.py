"""The keys of a study file: each holds a value of some kind, or a method with options of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.wire.kinds import Free

if TYPE_CHECKING:
    from slalom.wire.kinds import Kind, Kinds


@dataclass(frozen=True)
class Table:
    """The methods that can stand under a key, written as a name alone or as a mapping {key: name, **options}.

    methods: each method's options, with their kinds
    default: the method taken where the study names none
    implied: the method of a mapping that does not name one
    number: the method and the option that a bare number stands for
    gaps: an option without a default may be left out
    one_per: "arm" or "study", whichever has one such method, for the message that the method cannot be searched
    searchable: options may be searched
    sequence: a list of methods may stand in place of one
    shares: each method but the last of such a list has a `share` of the training
    """

    methods: Mapping[str, Kinds]
    key: str = "name"
    default: str | None = None
    implied: str | None = None
    number: tuple[str, str] | None = None
    gaps: bool = False
    one_per: str = "study"
    searchable: bool = True
    sequence: bool = False
    shares: bool = True

    @property
    def complete(self) -> dict[str, Any]:
        """The default method with its options' defaults; empty where there is no default method."""
        if self.default is None:
            return {}
        options = {name: kind.default for name, kind in self.methods[self.default].items() if not may_lack(kind)}
        return {self.key: self.default, **options}

    def __str__(self) -> str:
        return ", ".join(sorted(self.methods))


@dataclass(frozen=True)
class Key:
    """A key that a mapping can hold; it is required where it has neither a default nor a word.

    word: a text that may stand in place of a value, such as `auto`, and is read as None
    why: the reason for the kind's range, for messages
    """

    kind: Kind | Table
    meaning: str
    word: str | None = None
    why: str = ""

    @property
    def required(self) -> bool:
        """Whether a mapping must hold the key."""
        return self.kind.default is None and self.word is None

    @property
    def default(self) -> Any:
        """The value for a mapping that lacks the key, complete with a method's options."""
        return self.kind.complete if isinstance(self.kind, Table) else self.kind.default


def may_lack(kind: Kind) -> bool:
    """Whether an option of this kind may stay unset, because the user's code has a default for it."""
    return isinstance(kind, Free) and kind.default is None and not kind.required


Keys = Mapping[str, Key]
