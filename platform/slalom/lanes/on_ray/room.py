"""How many lanes a cluster has room for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from slalom.errors import Infrastructure, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.spec.model import Resources

FREE_SECONDS = 5.0
"""In which resources come free that an earlier study has given back."""


class Share(NamedTuple):
    """What a lane takes: a number of GPUs, or of CPU cores where the cluster has no GPU."""

    amount: float
    kind: str

    def __str__(self) -> str:
        return f"{self.amount:g} {self.kind}"

    def fitting(self, resources: Mapping[str, float]) -> int:
        """Lanes that a node with these resources holds; a share below one lies within one GPU."""
        found = resources.get(self.kind, 0)
        if self.amount < 1:
            return int(found) * int(1 / self.amount + 1e-9)
        return int(found / self.amount + 1e-9)


def lane_share(ray: Any, resources: Resources) -> Share:
    """A lane's share of the cluster."""
    return Share(resources.gpus_per_lane or 1.0, "GPU") if ray.cluster_resources().get("GPU", 0) > 0 else Share(1.0, "CPU")


def lane_count(ray: Any, resources: Resources, share: Share) -> int:
    """As many lanes as asked for, or as have room now.

    Raises InputError where the cluster cannot hold so many, Infrastructure where others have taken all of it.
    """
    room = sum(share.fitting(node["Resources"]) for node in ray.nodes() if node["Alive"])
    asked = resources.lanes
    if room == 0 or (asked is not None and asked > room):
        raise InputError(
            f"resources: {asked or 'auto'} lanes of {share} each must fit in the cluster, which has room for {room} "
            f"({brief(ray.cluster_resources())})"
        )
    return asked or _free(ray, share, room)


def _free(ray: Any, share: Share, room: int) -> int:
    deadline = time.monotonic() + FREE_SECONDS
    while True:
        free = min(room, int(ray.available_resources().get(share.kind, 0) / share.amount + 1e-9))
        if free == room or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    if free == 0:
        raise Infrastructure(f"all of the cluster's room for {room} lanes of {share} each is taken")
    return free


def brief(resources: Mapping[str, float]) -> str:
    """What there is of CPUs and GPUs, for messages."""
    return ", ".join(f"{name} {resources.get(name, 0):g}" for name in ("CPU", "GPU"))
