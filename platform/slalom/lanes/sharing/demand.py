"""What the studies of a cluster would fill, in words of its autoscaler."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from slalom.lanes.sharing.packing import GRAIN, TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Need = Mapping[str, float]
    Bundle = dict[str, float]


def demanded(wanted: Iterable[tuple[Need, int]], others: Iterable[Need]) -> list[Bundle]:
    """What the cluster must hold in all, each bundle on one node, in an order of its own.

    wanted: what a lane takes, and how many of these there should be
    others: what others took of each node, since the autoscaler compares with all there is, not with what is free
    """
    wanted = [(need, lanes) for need, lanes in wanted if lanes > 0]
    names = {name for need, _ in wanted for name, amount in need.items() if amount > TAG and name != "memory"}
    taken = [{name: amount for name, amount in node.items() if name in names and amount > 0} for node in others]
    bundles = [bundle for need, lanes in wanted for bundle in _bundles(need, lanes)]
    return sorted([*bundles, *filter(None, taken)], key=lambda bundle: sorted(bundle.items()))


def _bundles(need: Need, lanes: int) -> list[Bundle]:
    """Lanes that share a GPU as one bundle of a whole GPU, since an autoscaler adds up shares over all GPUs.

    Memory is left out: types of nodes often do not tell theirs, and none of these would be started. Lanes that find a
    node but not its memory wait as actors, of which the autoscaler knows by itself.
    """
    gpu = need.get("GPU", 0)
    together = int(1 / gpu + 1 / GRAIN) if 0 < gpu < 1 else 1
    wanted = {name: amount for name, amount in sorted(need.items()) if amount > 0 and name != "memory"}
    bundle = {name: round(together * amount, 4) for name, amount in wanted.items()}
    if 0 < gpu < 1:
        bundle["GPU"] = 1.0
    return [bundle] * ceil(lanes / together)
