"""A lane on Ray, as the driver knows it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Lane:
    """A lane's actor, and Ray's references to the answers that it owes.

    opening: the answer of the actor's `open`; None once the worker is made
    bundle: the resources that the actor was given
    node: the id of the actor's node, once it is known
    leaving: whether the loop was told to give the lane back
    progress: the answer of the actor's `progress`; None where the lane was not asked
    turns: the answers of the turns that the lane was sent, oldest first
    """

    number: int
    actor: Any
    opening: Any | None
    bundle: Mapping[str, float]
    node: str = ""
    leaving: bool = False
    progress: Any | None = None
    turns: deque[Any] = field(default_factory=deque)

    @property
    def awaited(self) -> Any | None:
        """The reference to the answer that comes next; None where no answer is owed."""
        if self.opening is not None:
            return self.opening
        return self.turns[0] if self.turns else None
