"""What a lane takes of a node, and how many fit."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.study.model import Resources
    from slalom.wire.trial import Memory

    Bundle = Mapping[str, float]

LEAST_MEMORY = 256 << 20
"""Bytes that a lane takes at least, before it was seen to train; what it takes is counted in steps of so many, so that
studies' lanes are of few sizes.
"""

SPARE = 1.25
"""What is kept for a lane, over what it was seen to take."""

MOST_ON_A_GPU = 16

A_TOUCH = 0.001
"""Of a custom resource, for a lane that must be where it is offered."""

TYPE = "accelerator_type:"
"""How Ray's resource begins that tells which accelerators a node has."""


class Need:
    """What a lane takes: a share of the GPUs or a core, memory as measured, and a touch of what names its nodes."""

    def __init__(self, resources: Resources, nodes: Sequence[Mapping[str, Any]], *, growing: bool = False) -> None:
        """nodes: as Ray tells them; growing: whether an autoscaler may bring others.

        Raises InputError where the nodes are not of one kind and the study does not say which, or says it wrongly.
        """
        offered = totals(nodes)
        self.on_gpus = resources.device == "gpu" or (resources.device == "auto" and offered.get("GPU", 0) > 0)
        self._shared = self.on_gpus and resources.gpus_per_lane is None
        self._amount = (resources.gpus_per_lane or 1.0) if self.on_gpus else 1.0
        self._memory = LEAST_MEMORY
        self._device = 0
        self._smallest = math.inf
        self._place = _place(resources.nodes, offered, on_gpus=self.on_gpus, growing=growing)

    @property
    def bundle(self) -> dict[str, float]:
        """Amounts of Ray's resources; memory in bytes."""
        kind = "GPU" if self.on_gpus else "CPU"
        return {kind: self._amount, "memory": float(self._memory), **dict.fromkeys(self._place, A_TOUCH)}

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a lane's process: where it has no GPU it shall see none."""
        return {} if self.on_gpus else {"CUDA_VISIBLE_DEVICES": ""}

    def seen(self, memory: Memory) -> None:
        """A lane was seen to take so much."""
        self._memory = max(self._memory, math.ceil(SPARE * memory.host / LEAST_MEMORY) * LEAST_MEMORY)
        self._device = max(self._device, int(SPARE * memory.device))
        if self._shared and self._device:
            self._smallest = min(self._smallest, memory.device_total)
            self._amount = 1 / max(1, min(MOST_ON_A_GPU, int(self._smallest / self._device)))

    def __str__(self) -> str:
        kind = "GPU" if self.on_gpus else "CPU"
        return " on ".join([f"{self._amount:g} {kind} and {self._memory / 1e9:.1f} GB", *self._place])


def fitting(bundle: Bundle, offer: Bundle) -> int:
    """Lanes that a node with these resources holds; a share of a GPU below one lies within one GPU."""
    return min(_times(name, amount, offer.get(name, 0)) for name, amount in bundle.items())


def room(bundle: Bundle, nodes: Sequence[Mapping[str, Any]]) -> int:
    """Lanes that all nodes hold."""
    return sum(fitting(bundle, offer) for offer in _offers(nodes))


def totals(nodes: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What all nodes have together."""
    total: dict[str, float] = defaultdict(float)
    for offer in _offers(nodes):
        for name, amount in offer.items():
            total[name] += amount
    return total


def brief(resources: Bundle) -> str:
    """What there is of CPUs, GPUs and memory, for messages."""
    counts = [f"{name} {resources.get(name, 0):g}" for name in ("CPU", "GPU")]
    return ", ".join([*counts, f"memory {resources.get('memory', 0) / 1e9:.1f} GB"])


def _times(name: str, amount: float, offered: float) -> int:
    if name == "GPU" and amount < 1:
        return int(offered) * int(1 / amount + 1e-9)
    return int(offered / amount + 1e-9)


def _offers(nodes: Sequence[Mapping[str, Any]]) -> list[Bundle]:
    return [node["Resources"] for node in nodes if node["Alive"]]


def _place(asked: str, offered: Bundle, *, on_gpus: bool, growing: bool) -> tuple[str, ...]:
    """The resource, if any, that marks the nodes which lanes may be on."""
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
    raise InputError(f"resources: nodes {asked!r} is what no node of the cluster offers{nearest(asked, valid)}")
