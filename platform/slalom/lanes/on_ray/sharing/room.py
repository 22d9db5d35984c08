"""What a lane takes of a node, and how many lanes fit on the nodes."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.study.model import Resources
    from slalom.wire.trial import Memory

    Bundle = Mapping[str, float]

LEAST_MEMORY = 256 << 20
"""Bytes of memory that a lane is given before it was seen to train. What a lane takes is rounded up to a multiple of
this, so that the lanes of a cluster have few sizes.
"""

SPARE = 1.25
"""The memory that is kept for a lane, over the memory that the lane was seen to take."""

MOST_ON_A_GPU = 16
"""The most lanes that share a GPU."""

A_TOUCH = 0.001
"""The amount that a lane takes of a custom resource in order to be on a node that offers the resource."""

TYPE = "accelerator_type:"
"""The beginning of the names of Ray's resources that say which accelerators a node has."""


class Need:
    """What a lane takes of a node: a core, or a share of a GPU and a core, memory, and A_TOUCH of what names its nodes.

    The share and the memory follow what lanes were seen to take.
    """

    def __init__(self, resources: Resources, nodes: Sequence[Mapping[str, Any]], *, growing: bool = False) -> None:
        """Start from what the study's file says.

        nodes: as Ray tells them
        growing: whether an autoscaler may add nodes
        Raises InputError where the nodes' GPUs are of several types and the study does not name one of them, or where
        the study names nodes that the cluster does not have.
        """
        offered = totals(nodes)
        self.on_gpus = resources.device == "gpu" or (resources.device == "auto" and offered.get("GPU", 0) > 0)
        self._shared = self.on_gpus and resources.gpus_per_lane is None
        self._cores = resources.cpus_per_lane or 1.0  # beside a GPU too: the lane's host thread gives orders
        self._share = resources.gpus_per_lane or 1.0
        self._memory = LEAST_MEMORY
        self._device = 0
        self._smallest = math.inf
        self._place = _place(resources.nodes, offered, on_gpus=self.on_gpus, growing=growing)

    @property
    def bundle(self) -> dict[str, float]:
        """How much a lane takes of each of Ray's resources; memory in bytes."""
        return {**self._devices, "memory": float(self._memory), **dict.fromkeys(self._place, A_TOUCH)}

    @property
    def _devices(self) -> dict[str, float]:
        return {**({"GPU": self._share} if self.on_gpus else {}), "CPU": self._cores}

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of a lane's process: a lane without a GPU must see none."""
        return {} if self.on_gpus else {"CUDA_VISIBLE_DEVICES": ""}

    def seen(self, memory: Memory) -> None:
        """Take in how much memory a lane was seen to take; later lanes are given at least so much."""
        self._memory = max(self._memory, math.ceil(SPARE * memory.host / LEAST_MEMORY) * LEAST_MEMORY)
        self._device = max(self._device, int(SPARE * memory.device))
        if self._shared and self._device:
            self._smallest = min(self._smallest, memory.device_total)
            self._share = 1 / max(1, min(MOST_ON_A_GPU, int(self._smallest / self._device)))

    def __str__(self) -> str:
        devices = ", ".join(f"{amount:g} {kind}" for kind, amount in self._devices.items())
        return " on ".join([f"{devices} and {self._memory / 1e9:.1f} GB", *self._place])


def fitting(bundle: Bundle, offer: Bundle) -> int:
    """How many lanes a node with these resources holds; a share below one GPU lies within one GPU.

    bundle: what a lane takes; offer: what the node has
    """
    return min(_times(name, amount, offer.get(name, 0)) for name, amount in bundle.items())


def room(bundle: Bundle, nodes: Sequence[Mapping[str, Any]]) -> int:
    """How many lanes the nodes that are alive hold.

    nodes: as Ray tells them
    """
    return sum(fitting(bundle, offer) for offer in _offers(nodes))


def totals(nodes: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How much of each resource the nodes that are alive have together."""
    total: dict[str, float] = defaultdict(float)
    for offer in _offers(nodes):
        for name, amount in offer.items():
            total[name] += amount
    return total


def brief(resources: Bundle) -> str:
    """CPUs, GPUs and memory of these resources as a text for messages."""
    counts = [f"{name} {resources.get(name, 0):g}" for name in ("CPU", "GPU")]
    return ", ".join([*counts, f"memory {resources.get('memory', 0) / 1e9:.1f} GB"])


def _times(name: str, amount: float, offered: float) -> int:
    if name == "GPU" and amount < 1:
        return int(offered) * int(1 / amount + 1e-9)
    return int(offered / amount + 1e-9)


def _offers(nodes: Sequence[Mapping[str, Any]]) -> list[Bundle]:
    return [node["Resources"] for node in nodes if node["Alive"]]


def _place(asked: str, offered: Bundle, *, on_gpus: bool, growing: bool) -> tuple[str, ...]:
    """The resource that marks the nodes which lanes may be on, if the study asks for such nodes."""
    kinds = sorted(name.removeprefix(TYPE) for name in offered if name.startswith(TYPE))
    if asked == "any":
        return ()
    if asked == "auto":
        if on_gpus and len(kinds) > 1:
            raise InputError(
                f"resources: nodes must be 'any' or one of {', '.join(kinds)} in a cluster that has GPUs of these "
                "types: numbers depend on the type in their last bits, got 'auto'"
            )
        return ()
    for name in (asked, TYPE + asked):
        if name in offered:
            return (name,)
    if growing:
        return (asked,)
    valid = [*kinds, *(name for name in offered if not name.startswith(("node:", TYPE)))]
    raise InputError(f"resources: nodes {quoted(asked)} is what no node of the cluster offers{nearest(asked, valid)}")
