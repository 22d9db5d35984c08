"""What Slalom's lanes and other programs have taken of each node; only this module calls Ray's private functions."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from importlib import import_module
from typing import TYPE_CHECKING, Any

from slalom.lanes.on_ray.actor import LaneActor
from slalom.lanes.on_ray.sharing.room import fitting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Nodes = dict[str, dict[str, float]]

STARTING_SECONDS = 10.0
"""The time within which Ray's tables show a lane that has started, and no longer show one that has ended."""


def grows() -> bool:
    """Whether the cluster has an autoscaler of Ray's second version; one of the first version is not recognised."""
    from ray.autoscaler.v2.utils import is_autoscaler_v2

    return bool(is_autoscaler_v2(fetch_from_server=True))


def has_place(actors: Iterable[Any], bundle: Mapping[str, float]) -> bool:
    """Whether Ray has given one of these actors a process, which may still import, or a node has a place for one.

    bundle: what an actor takes
    """
    from ray._private.state import actors as rows

    if any(fitting(bundle, free) for free in _free().values()):
        return True
    # not by its address, which may be that of a node that was only asked
    return any(rows(actor._actor_id.hex()).get("Pid") for actor in actors)


class Ledger:
    """What lanes may have of each node, and what others took, from several looks at the cluster.

    Ray tells what is free on each node, and which actors are where, but not both at one moment. So only what was
    neither free nor a lane's at every look of the last STARTING_SECONDS counts as taken by others. A node that a look
    did not see had nothing taken then: a lane takes its GPU as soon as a node is there, before it is told whose it is.
    """

    def __init__(self) -> None:
        self._looks: deque[tuple[float, Nodes]] = deque()

    def look(self) -> tuple[Nodes, Nodes]:
        """Look at the cluster; returns what lanes may have of each node that is alive, and what others took of it."""
        totals, free, lanes = _totals(), _free(), _of_lanes()
        now = time.monotonic()
        missing = {
            node: {name: there - free[node].get(name, 0) - lanes[node].get(name, 0) for name, there in total.items()}
            for node, total in totals.items()
            if node in free
        }
        self._looks.append((now, missing))
        while self._looks[0][0] < now - STARTING_SECONDS:
            self._looks.popleft()
        others = {node: self._least(node, total) for node, total in totals.items()}
        left = {node: {name: total[name] - others[node][name] for name in total} for node, total in totals.items()}
        return left, others

    def _least(self, node: str, total: Mapping[str, float]) -> dict[str, float]:
        looks = [missing.get(node, {}) for _, missing in self._looks]
        return {name: max(0.0, round(min(look.get(name, 0) for look in looks), 4)) for name in total}


def _totals() -> Nodes:
    import ray

    return {node["NodeID"]: dict(node["Resources"]) for node in ray.nodes() if node["Alive"]}


def _free() -> Nodes:
    # Ray's public calls add up the nodes (`ray.available_resources`), or need the dashboard (`ray.util.state`).
    from ray._private.state import available_resources_per_node

    return dict(available_resources_per_node())


def _of_lanes() -> Mapping[str, Mapping[str, float]]:
    """What the lanes of all studies take of each node, with those whose process is only being started."""
    from ray._private.state import state

    taken: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    messages: Any = import_module("ray.core.generated.gcs_pb2")
    accessor: Any = state._connect_and_get_accessor()
    for stage in ("PENDING_CREATION", "ALIVE"):
        for row in accessor.get_actor_table(None, stage):
            actor = messages.ActorTableData.FromString(row)
            if actor.class_name == LaneActor.__name__:
                for name, amount in actor.required_resources.items():
                    taken[actor.address.node_id.hex()][name] += amount
    return taken
