"""How many lanes a study may have now, by its demand, the cluster's room and the other studies; which must go."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from slalom.errors import InputError
from slalom.lanes.on_ray.sharing.ledger import grows
from slalom.lanes.on_ray.sharing.membership import Membership
from slalom.lanes.on_ray.sharing.room import Need, brief, fitting, room, totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slalom.lanes.base import Demand
    from slalom.lanes.on_ray.lane import Lane
    from slalom.study.model import StudySpec

START_SECONDS = 120.0
"""The time within which a lane must open while none is open."""

GROW_SECONDS = 1800.0
"""The time in place of START_SECONDS where an autoscaler may have to start a node first, and on a local Ray, where only
a busy machine can keep a lane from opening: there is room, and nobody else takes it."""

IDLE_SECONDS = 30.0
"""How long a study keeps lanes that have become too many: more trials may come up at the next rung."""

LOOK_SECONDS = 2.0
"""The time between two looks at the cluster's nodes."""


class Allotment:
    """The part of a cluster that a study may use. The loop's thread alone calls it.

    need: what a lane takes of a node
    patience: seconds within which a lane must open while none is open
    waits: whether the study's share is 0 lanes, since other studies of the cluster go before it
    """

    def __init__(self, ray: Any, address: str | None, spec: StudySpec) -> None:
        """Join the studies of a cluster.

        address: of a running cluster; None for a local Ray, which no other study uses
        Raises InputError where the cluster lacks what the study asks for.
        """
        self._ray = ray
        self._limit = spec.resources.lanes or sys.maxsize
        self._examined: object = None
        self._counted: tuple[object, int] = None, 0
        self.look()
        growing = address is not None and not address.startswith("ray://") and grows()
        self.need = Need(spec.resources, self._nodes, growing=growing)
        self.patience = GROW_SECONDS if growing or address is None else START_SECONDS
        if address is None and not self._room:
            raise InputError(f"resources: {self}")
        self._member = Membership(ray, f"{spec.name} {uuid4()}", spec.resources.priority) if address else None
        self.waits = False
        self._peak, self._peak_at = 0, time.monotonic()

    def wanted(self, demand: Demand) -> int:
        """How many lanes the study should have now: at most one until the study's share is known.

        Raises Infrastructure where the cluster's broker has not answered for long.
        """
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self.look()
        usable = min(self._lately(demand.trials), self._limit)
        if self._member is None:
            return min(usable, self._room)
        packs = min(math.ceil(demand.trials / demand.slots), self._limit)
        share = self._member.claim(usable, self.need.bundle, packs)
        self.waits = share == 0 and self._room > 0
        return min(usable, self._room, 1 if share is None else share)

    def surplus(self, lanes: Sequence[Lane], wanted: int) -> Iterable[Lane]:
        """Those of the lanes that must be given back.

        lanes: all lanes of the study that were not told to leave yet
        wanted: how many there should be
        """
        found = list(_excess(lanes, wanted)) if len(lanes) > wanted else []
        if self._examined != self._outlook:
            self._examined = self._outlook
            found += self._outgrown(lanes, wanted)
        return {lane.number: lane for lane in found}.values()

    def look(self) -> None:
        """Ask Ray which nodes there are."""
        self._nodes: Sequence[Mapping[str, Any]] = self._ray.nodes()
        self._looked = time.monotonic()

    def has(self, node: str) -> bool:
        """Whether the node of that id was alive at the last look."""
        return any(found["NodeID"] == node and found["Alive"] for found in self._nodes)

    def place(self, node: str) -> str:
        """The address of the node of that id, with the start of the id where other nodes have, or had, that address."""
        if not self.has(node):
            self.look()
        addresses = {found["NodeID"]: found["NodeManagerAddress"] for found in self._nodes}
        shared = Counter(addresses.values())[addresses[node]] > 1
        return f"{addresses[node]} (node {node[:8]})" if shared else str(addresses[node])

    def leave(self) -> None:
        """Give the share back; a second call does nothing."""
        if self._member is not None:
            self._member.leave()

    def __str__(self) -> str:
        return (
            f"a lane of {self.need} must fit in the cluster, which has room for {self._room} "
            f"({brief(totals(self._nodes))})"
        )

    @property
    def _outlook(self) -> tuple[float, tuple[tuple[str, float], ...]]:
        """A value that changes where the nodes or the need may have changed: the loop asks many times a second."""
        return self._looked, tuple(self.need.bundle.items())

    @property
    def _room(self) -> int:
        """How many lanes the nodes hold."""
        if self._counted[0] != self._outlook:
            self._counted = self._outlook, room(self.need.bundle, self._nodes)
        return self._counted[1]

    def _lately(self, trials: int) -> int:
        """The most trials that could be trained at once in the last IDLE_SECONDS."""
        now = time.monotonic()
        if trials >= self._peak or now - self._peak_at > IDLE_SECONDS:
            self._peak, self._peak_at = trials, now
        return self._peak

    def _outgrown(self, lanes: Sequence[Lane], wanted: int) -> Sequence[Lane]:
        """Lanes for which their nodes have too little memory by now.

        Where more lanes are wanted than there are, also those that hold a larger share of a GPU than a lane needs.
        """
        on_node: dict[str, list[Lane]] = defaultdict(list)
        for lane in lanes:
            if lane.node:
                on_node[lane.node].append(lane)
        offers = {node["NodeID"]: node["Resources"] for node in self._nodes if node["Alive"]}
        bundle = self.need.bundle
        crowded = [lane for node, there in on_node.items() for lane in there[fitting(bundle, offers.get(node, {})) :]]
        if sum(map(len, on_node.values())) >= wanted:
            return crowded
        return [*crowded, *(lane for lane in lanes if lane.bundle.get("GPU", 0) > bundle.get("GPU", 0))]


def _excess(lanes: Sequence[Lane], wanted: int) -> Sequence[Lane]:
    """The lanes beyond the number wanted: first those that have not opened, then idle ones, then those started last."""
    first = sorted(lanes, key=lambda lane: (lane.opening is None, bool(lane.turns), -lane.number))
    return first[: len(lanes) - wanted]
