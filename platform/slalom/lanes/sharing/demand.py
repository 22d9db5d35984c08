"""The resources that the studies of a cluster could use, in the form that Ray's autoscaler takes."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from slalom.lanes.sharing.packing import GRAIN, TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Amounts = Mapping[str, float]
    Bundle = dict[str, float]


def demanded(wanted: Iterable[tuple[Amounts, int]], others: Iterable[Amounts]) -> list[Bundle]:
    """The bundles of resources that the cluster must hold in all, each bundle on one node, in a fixed order.

    wanted: what a lane of a study takes, and how many such lanes there should be
    others: what programs that are not Slalom's took of each node; the autoscaler compares the bundles with all
        resources of the cluster, not with the free ones
    """
    wanted = [(need, lanes) for need, lanes in wanted if lanes > 0]
    names = {name for need, _ in wanted for name, amount in need.items() if amount > TAG and name != "memory"}
    taken = [{name: amount for name, amount in node.items() if name in names and amount > 0} for node in others]
    bundles = [bundle for need, lanes in wanted for bundle in _bundles(need, lanes)]
    return sorted([*bundles, *filter(None, taken)], key=lambda bundle: sorted(bundle.items()))


def _bundles(need: Amounts, lanes: int) -> list[Bundle]:
    """The bundles of so many lanes of one need.

    Lanes that share a GPU are one bundle of a whole GPU, since an autoscaler adds up shares over all GPUs. Memory is
    left out: a type of node often does not say how much it has, and no node of that type would be started. Lanes that
    find a node, but not enough memory on it, wait as actors, of which the autoscaler knows by itself. Of lanes that
    share a GPU the cores of one are asked for: a type of node with too few for all of them would never be started.
    """
    gpu = need.get("GPU", 0)
    together = int(1 / gpu + 1 / GRAIN) if 0 < gpu < 1 else 1
    wanted = {name: amount for name, amount in sorted(need.items()) if amount > 0 and name != "memory"}
    bundle = {name: round(together * amount, 4) for name, amount in wanted.items()}
    if 0 < gpu < 1:
        bundle |= {"GPU": 1.0, **({"CPU": need["CPU"]} if "CPU" in wanted else {})}
    return [bundle] * ceil(lanes / together)
