"""How studies share a cluster: those of a higher priority first, and evenly among studies of equal priority."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import groupby
from typing import TYPE_CHECKING

from slalom.lanes.sharing.packing import TAG, Packing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True)
class Claim:
    """What a study asks of the cluster.

    study: the unique key of the study's driver
    since: when the driver joined; among equals the earlier one goes first
    lanes: how many lanes the study can use now
    need: what a lane takes, such as {"GPU": 0.5, "accelerator_type:A100": 0.001}; an amount of TAG or less means "on a
        node that offers this resource"
    """

    study: str
    priority: int
    since: float
    lanes: int
    need: Mapping[str, float]


def shares(nodes: Sequence[Mapping[str, float]], claims: Sequence[Claim]) -> dict[str, int]:
    """How many lanes each study may have, by the study's key, on nodes with these resources.

    Studies of equal priority are filled progressively: one lane at a time goes to the study that holds least, measured
    by the largest part that its lanes take of any resource of the cluster (dominant resource fairness, Ghodsi et al.
    2011), and among these to the study that joined first. A study never changes what those of a higher priority get.
    """
    needs = sorted({_key(claim) for claim in claims})
    packing = Packing(nodes, [dict(need) for need in needs])
    held = {claim.study: 0 for claim in claims}
    ranked = sorted(claims, key=lambda claim: -claim.priority)
    for _, equals in groupby(ranked, key=lambda claim: claim.priority):
        level = [(claim, needs.index(_key(claim))) for claim in equals]
        packing.open([need for _, need in level])
        for study in _filled(packing, level, _totals(nodes)):
            held[study] += 1
    return held


def _filled(packing: Packing, level: Sequence[tuple[Claim, int]], totals: Mapping[str, float]) -> Iterator[str]:
    """Gives the key of a study for each lane that is handed out, one lane after the other."""
    parts = [_part(claim, totals) for claim, _ in level]
    waiting = [(0.0, claim.since, claim.study, 0, at) for at, (claim, _) in enumerate(level) if claim.lanes > 0]
    heapify(waiting)
    while waiting:
        _, since, study, held, at = heappop(waiting)
        claim, need = level[at]
        if packing.add(need):
            yield study
            if held + 1 < claim.lanes:
                heappush(waiting, ((held + 1) * parts[at], since, study, held + 1, at))


def _part(claim: Claim, totals: Mapping[str, float]) -> float:
    """The largest part that a lane takes of the cluster's total of a resource."""
    return max((amount / (totals.get(name) or 1) for name, amount in claim.need.items() if amount > TAG), default=0.0)


def _totals(nodes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(node.get(name, 0) for node in nodes) for name in {name for node in nodes for name in node}}


def _key(claim: Claim) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(claim.need.items()))
