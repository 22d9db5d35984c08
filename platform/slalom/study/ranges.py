"""What a hyperparameter is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError

if TYPE_CHECKING:
    from slalom.wire.trial import Scalar


@dataclass(frozen=True)
class Range:
    """Real numbers in [low, high], drawn evenly, or evenly in the logarithm where `log` is set."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)
        if self.log and self.low <= 0:
            raise InputError(f"low > 0 must hold where the logarithm is drawn evenly, got low={self.low}")


@dataclass(frozen=True)
class IntRange:
    """Whole numbers in [low, high], drawn evenly."""

    low: int
    high: int

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)


@dataclass(frozen=True)
class Choices:
    """Some values without an order, drawn evenly."""

    options: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if len(self.options) < 2:
            raise InputError(f"a choice must have at least two options, got {list(self.options)}")
        if len(set(self.options)) < len(self.options):
            raise InputError(f"a choice's options must differ, got {list(self.options)}")


Distribution = Range | IntRange | Choices


def values(value: Any) -> tuple[Any, ...]:
    """The values that a setting can take: a choice's options, or the fixed value alone."""
    return value.options if isinstance(value, Choices) else (value,)


def _check_order(low: float, high: float) -> None:
    if low == high:
        raise InputError(f"low < high must hold, got low={low}, high={high}; write the number alone to fix it")
    if not low < high:
        raise InputError(f"low < high must hold, got low={low}, high={high}")
