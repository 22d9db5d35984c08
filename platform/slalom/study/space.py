"""What an arm searches, by dotted name: "learning_rate", "momentum", "momentum.start"."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom.study.own_methods import own_options
from slalom.study.ranges import Choices, IntRange, Range

if TYPE_CHECKING:
    from slalom.study.ranges import Distribution
    from slalom.wire.trial import Scalar, Settings


def space(settings: Settings) -> dict[str, Distribution]:
    """The distributions within an arm's settings, in the order of their dotted names."""
    found = {
        dotted(outer, inner): value
        for outer, group in settings.items()
        for inner, value in _members(group)
        if isinstance(value, Range | IntRange | Choices)
    }
    return dict(sorted(found.items()))


def assign(settings: Settings, params: Mapping[str, Scalar]) -> Settings:
    """An arm's settings with the proposed `params`, by dotted name, in place of the distributions.

    Raises InputError unless `params` has exactly the names of the arm's space.
    """
    names = space(settings).keys()
    if names != params.keys():
        raise InputError(f"params must be those the arm searches, {sorted(names)}, got {sorted(params)}")
    return {outer: _assigned(outer, group, params) for outer, group in settings.items()}


def typical(space: Mapping[str, Distribution]) -> dict[str, Scalar]:
    """The middle of each distribution; of a choice the first option that is a user's method, else the first option."""
    return {name: _middle(distribution) for name, distribution in space.items()}


def _middle(distribution: Distribution) -> Scalar:
    if isinstance(distribution, Choices):
        chosen: Scalar = (*own_options(distribution.options), *distribution.options)[0]
        return chosen
    low, high = distribution.low, distribution.high
    if isinstance(distribution, IntRange):
        return (distribution.low + distribution.high) // 2
    return sqrt(low) * sqrt(high) if distribution.log else low / 2 + high / 2


def dotted(outer: str, inner: str | None) -> str:
    """The dotted name of a setting's option; the option `value`, as of a constant momentum, has the setting's name."""
    return outer if inner in (None, "value") else f"{outer}.{inner}"


def grid_points(space: Mapping[str, Distribution]) -> int | None:
    """How many combinations the space has; None where a real number is searched."""
    sizes = [_size(distribution) for distribution in space.values()]
    return None if None in sizes else prod(size for size in sizes if size is not None)


def _size(distribution: Distribution) -> int | None:
    if isinstance(distribution, Choices):
        return len(distribution.options)
    return distribution.high - distribution.low + 1 if isinstance(distribution, IntRange) else None


def _members(group: Any) -> list[tuple[str | None, Any]]:
    return list(group.items()) if isinstance(group, Mapping) else [(None, group)]


def _assigned(outer: str, group: Any, params: Mapping[str, Scalar]) -> Any:
    filled = {inner: params.get(dotted(outer, inner), value) for inner, value in _members(group)}
    return filled if isinstance(group, Mapping) else filled[None]
