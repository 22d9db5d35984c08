"""A lane, as the driver knows it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Lane:
    """A lane's actor and what was asked of it, each the reference to an answer that will come.

    opening: the worker's making, or None once it is there; node: its node's id, once it is known
    bundle: the resources that it was given
    leaving: whether the loop was told to give it back
    turns: those it was sent, oldest first
    """

    number: int
    actor: Any
    opening: Any | None
    bundle: Mapping[str, float]
    node: str = ""
    leaving: bool = False
    turns: deque[Any] = field(default_factory=deque)

    @property
    def awaited(self) -> Any | None:
        """What it will answer next."""
        if self.opening is not None:
            return self.opening
        return self.turns[0] if self.turns else None
