"""What a function or a class of the user's can be given by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.wire.kinds import Free


@dataclass(frozen=True)
class Signature:
    """The names that a study file can set of a callable of the user's.

    kinds: by name, in the callable's order; a default is kept where a study file could spell it
    open: any other name can be set too (`**options`)
    """

    kinds: Mapping[str, Free] = field(default_factory=dict)
    open: bool = False


@dataclass(frozen=True)
class OwnCode:
    """What a study file can set of a user's own "file.py:name".

    training: of a training function, its first parameter left out; None where the name is a task's class
    task: of a task's class; None where the name is a training function
    model: of the class's method `model`; None where it has none
    """

    training: Signature | None = None
    task: Signature | None = None
    model: Signature | None = None
