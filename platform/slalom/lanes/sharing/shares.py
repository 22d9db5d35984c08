"""How the studies of a cluster share it: strictly by priority, and evenly among equals."""

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
    """What a study asks for.

    study: unique key of its driver
    since: when it joined, for ties
    lanes: as many as it can use now
    need: what a lane takes, such as {"GPU": 0.5, "accelerator_type:A100": 0.001}; so little of a resource means "on a
        node that offers it"
    """

    study: str
    priority: int
    since: float
    lanes: int
    need: Mapping[str, float]


def shares(nodes: Sequence[Mapping[str, float]], claims: Sequence[Claim]) -> dict[str, int]:
    """How many lanes each study may have on nodes with these resources.

    Among equals by progressive filling: one lane at a time to the study that holds least, by the largest part that
    its lanes take of any resource of the cluster (dominant resource fairness, Ghodsi et al. 2011), then to the one
    that joined first. So no study of a lower priority changes what the higher ones have.
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
    """The studies that get a lane, one lane after the other."""
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
    """The largest part of the cluster's any resource that a lane takes."""
    return max((amount / (totals.get(name) or 1) for name, amount in claim.need.items() if amount > TAG), default=0.0)


def _totals(nodes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(node.get(name, 0) for node in nodes) for name in {name for node in nodes for name in node}}


def _key(claim: Claim) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(claim.need.items()))
