"""The parameters by name of a user's function or class, which a study file can set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.wire.kinds import Free


@dataclass(frozen=True)
class Signature:
    """The parameters of a user's callable that a study file can set.

    kinds: by name, in the callable's order; a default is kept where a study file could hold it
    open: any other name can be set too (`**options`)
    """

    kinds: Mapping[str, Free] = field(default_factory=dict)
    open: bool = False


@dataclass(frozen=True)
class OwnCode:
    """The parameters that a study file can set of a user's own "file.py:name".

    training: of a training function, without its first parameter; None where the name is a task's class
    task: of a task's class; None where the name is a training function
    model: of the class's method `model`; None where the class has none
    """

    training: Signature | None = None
    task: Signature | None = None
    model: Signature | None = None
