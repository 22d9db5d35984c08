"""The kinds of devices that train a study: one kind, unless its `nodes` are "any"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slalom.study.model import Resources
    from slalom.wire.trial import Ended


class Devices:
    """Keeps the kinds of devices on which a study's trials train or trained, and the kind of each open lane."""

    def __init__(self, resources: Resources, ended: Iterable[Ended]) -> None:
        """ended: trials of earlier runs."""
        self._nodes = resources.nodes
        self._kinds = {one.result.device for one in ended} - {""}
        self._lanes: dict[int, str] = {}

    def of(self, lane: int) -> str:
        """The kind of an open lane's device."""
        return self._lanes[lane]

    def admit(self, lane: int, kind: str, name: str) -> None:
        """Note that a lane has opened on a device of that kind; InputError where the study trains on another kind."""
        if self._nodes != "any" and self._kinds - {kind}:
            raise InputError(
                "resources: nodes must be 'any', or name nodes of one kind, where devices are of several kinds: "
                f"{name} is {kind}, and trials of this study are trained on {', '.join(sorted(self._kinds))}; numbers "
                f"depend on the kind in their last bits, got {self._nodes!r}"
            )
        self._kinds.add(kind)
        self._lanes[lane] = kind
