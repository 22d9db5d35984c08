"""How many lanes a study may have, by its use for them, the cluster's room and the other studies; and which must go."""

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
"""In which a lane must have opened, where none is."""

GROW_SECONDS = 1800.0
"""In which it must have, where an autoscaler may have to start a node first."""

IDLE_SECONDS = 30.0
"""For which lanes are kept that have become too many: more trials may come up at the next rung."""

LOOK_SECONDS = 2.0
"""Between two looks at the cluster's nodes."""


class Allotment:
    """A study's part of the cluster.

    need: what a lane takes
    patience: seconds in which a lane must have opened
    waits: whether other studies have the whole cluster by right, for as long as that may be
    """

    def __init__(self, ray: Any, address: str | None, spec: StudySpec) -> None:
        """Raises InputError where the cluster has not what the study asks for."""
        self._ray = ray
        self._limit = spec.resources.lanes or sys.maxsize
        self._examined: object = None
        self._counted: tuple[object, int] = None, 0
        self.look()
        growing = address is not None and not address.startswith("ray://") and grows()
        self.need = Need(spec.resources, self._nodes, growing=growing)
        self.patience = GROW_SECONDS if growing else START_SECONDS
        if address is None and not self._room:
            raise InputError(f"resources: {self}")
        self._member = Membership(ray, f"{spec.name} {uuid4()}", spec.resources.priority) if address else None
        self.waits = False
        self._peak, self._peak_at = 0, time.monotonic()

    def wanted(self, demand: Demand) -> int:
        """Lanes that the study should have now; one while it is not known how many it may have."""
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
        """Of the lanes that stay, those that must be given back."""
        found = list(_excess(lanes, wanted)) if len(lanes) > wanted else []
        if self._examined != self._outlook:
            self._examined = self._outlook
            found += self._outgrown(lanes, wanted)
        return {lane.number: lane for lane in found}.values()

    def look(self) -> None:
        """See which nodes there are."""
        self._nodes: Sequence[Mapping[str, Any]] = self._ray.nodes()
        self._looked = time.monotonic()

    def has(self, node: str) -> bool:
        """Whether the node is alive."""
        return any(found["NodeID"] == node and found["Alive"] for found in self._nodes)

    def place(self, node: str) -> str:
        """A node's address, with the start of its id where other nodes have, or had, that address."""
        if not self.has(node):
            self.look()
        addresses = {found["NodeID"]: found["NodeManagerAddress"] for found in self._nodes}
        shared = Counter(addresses.values())[addresses[node]] > 1
        return f"{addresses[node]} (node {node[:8]})" if shared else str(addresses[node])

    def leave(self) -> None:
        """Give the share back."""
        if self._member is not None:
            self._member.leave()

    def __str__(self) -> str:
        return (
            f"a lane of {self.need} must fit in the cluster, which has room for {self._room} "
            f"({brief(totals(self._nodes))})"
        )

    @property
    def _outlook(self) -> tuple[float, tuple[tuple[str, float], ...]]:
        """By which to tell whether nodes or need may have changed: the loop asks many times a second."""
        return self._looked, tuple(self.need.bundle.items())

    @property
    def _room(self) -> int:
        """Lanes that the nodes hold."""
        if self._counted[0] != self._outlook:
            self._counted = self._outlook, room(self.need.bundle, self._nodes)
        return self._counted[1]

    def _lately(self, trials: int) -> int:
        """Trials that could be trained, at their most in the last seconds."""
        now = time.monotonic()
        if trials >= self._peak or now - self._peak_at > IDLE_SECONDS:
            self._peak, self._peak_at = trials, now
        return self._peak

    def _outgrown(self, lanes: Sequence[Lane], wanted: int) -> Sequence[Lane]:
        """Lanes that their nodes have no memory for; where more are wanted, those too that have more than they need."""
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
    """Lanes over the number wanted: those that are not there yet, the idle ones, the youngest."""
    first = sorted(lanes, key=lambda lane: (lane.opening is None, bool(lane.turns), -lane.number))
    return first[: len(lanes) - wanted]
