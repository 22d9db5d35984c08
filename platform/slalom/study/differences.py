"""The differences between two studies of the same name, in the values that their numbers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from slalom.errors import listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 6
"""The most differences that a message lists."""

DIGITS = 12
"""Digits of a digest that a message shows."""

PARTS = {
    "data": "data",
    "arm_data": "data of arms",
    "task_file": "task file",
    "code": "files",
    "seed": "seed",
    "protocol": "protocol",
}
"""What messages call the parts of a study's identity; every other part is called settings."""

DIGESTS = ("data", "arm_data", "task_file", "code")

OF_ARMS = ("arms", "streams", "arm_data")
"""Parts that hold a value for each arm."""


class Difference(NamedTuple):
    """A value that differs between two studies: its dotted name, and its text in each, "none" where it is missing."""

    name: str
    there: str
    here: str

    @property
    def part(self) -> str:
        """The part of the study that the value belongs to, as messages call it."""
        return PARTS.get(self.name.split(".")[0], "settings")

    def __str__(self) -> str:
        return f"{self.name} is {self.there} there and {self.here} here"


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[Difference]:
    """All values that differ between two identities, as `slalom.study.fingerprint.identity` gives them."""
    old, new = dict(_leaves("", there)), dict(_leaves("", here))
    names = [*old, *(name for name in new if name not in old)]
    return [
        Difference(name, old.get(name, "none"), new.get(name, "none"))
        for name in names
        if old.get(name) != new.get(name)
    ]


def extends(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Whether the second study is the first one with more trials, searches, confirm seeds or arms, and less of none.

    The size of a generation may differ where the number of trials does, since it follows from that number.
    """
    old, new = _but_budget(there), _but_budget(here)
    arms = set(there["arms"])
    return (
        there != here
        and old == new
        and all(there.get(part, {}).get(arm) == here.get(part, {}).get(arm) for part in OF_ARMS for arm in arms)
        and all(small <= large for small, large in zip(_budget(there), _budget(here), strict=True))
        and (there["tune"]["trials"] < here["tune"]["trials"] or _generation(there) == _generation(here))
    )


def _but_budget(identity: Mapping[str, Any]) -> Mapping[str, Any]:
    """An identity without its arms and without the numbers that may be larger in a study that extends it."""
    own = {name: value for name, value in identity.items() if name not in (*OF_ARMS, "confirm_seeds")}
    tune = {name: value for name, value in own["tune"].items() if name not in ("trials", "searches", "generation")}
    return {**own, "tune": tune}


def _budget(identity: Mapping[str, Any]) -> tuple[int, ...]:
    tune = identity["tune"]
    searches = tune["searches"]
    arms = len(identity["arms"])
    return tune["trials"], searches["at_least"], searches["at_most"], identity["confirm_seeds"], arms


def _generation(identity: Mapping[str, Any]) -> int:
    return int(identity["tune"]["generation"])


def told(found: Sequence[Difference]) -> str:
    """The differences as one line: "other data (data is 0f3a there and 91bc here)"."""
    parts = [name for name in (*PARTS.values(), "settings") if name in {one.part for one in found}]
    return f"other {listing(parts)} ({in_short(found)})"


def in_short(found: Sequence[Difference]) -> str:
    """The first differences, and how many more there are."""
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return f"{'; '.join(map(str, found[:MOST]))}{more}"


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), item)
        return
    text = "none" if value is None else str(value)
    yield name, text[:DIGITS] if name.split(".")[0] in DIGESTS else text
