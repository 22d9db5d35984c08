"""The packing of lanes onto nodes: where one more lane fits, and which lanes can move to make room for it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

GRAIN = 10_000
"""Ray counts resources in ten-thousandths."""

TAG = 0.001
"""The amount of a resource up to which it only means "on a node that offers this resource"."""

Amounts = Mapping[str, float]
"""How much of each resource, by Ray's name of the resource."""


class NodeState(NamedTuple):
    """What a node holds and has left; nodes of the same state are counted together.

    free: the grains that are left of each resource, GPUs left out
    whole: how many GPUs have no lane
    begun: the grains that are left of each other GPU, ascending
    lanes: how many lanes of each need the node holds
    origin: the number of the node's state without any lane
    """

    free: tuple[int, ...]
    whole: int
    begun: tuple[int, ...]
    lanes: tuple[int, ...]
    origin: int


class LaneNeed(NamedTuple):
    """What a lane takes of a node, in grains.

    amounts: the number of each resource but GPUs, and how much of it
    gpu: how much of GPUs; less than GRAIN is a share of one GPU
    main: the number of the resource of which a lane takes the largest part of the cluster; None for GPUs
    """

    amounts: tuple[tuple[int, int], ...]
    gpu: int
    main: int | None

    def fits(self, node: NodeState) -> bool:
        """Whether a node has room for one more such lane; a share below one GPU must lie within one GPU."""
        if any(node.free[resource] < amount for resource, amount in self.amounts):
            return False
        if self.gpu >= GRAIN:
            return node.whole * GRAIN >= self.gpu
        return node.whole > 0 or not self.gpu or bool(node.begun and node.begun[-1] >= self.gpu)

    def tightness(self, node: NodeState) -> tuple[int, int]:
        """The rest of the GPU that the lane would share, and of its main resource, on a node: the least is best."""
        begun = sum(node.begun)
        rest = min((left for left in node.begun if left >= self.gpu), default=GRAIN) if 0 < self.gpu < GRAIN else 0
        return rest, node.whole * GRAIN + begun if self.main is None else node.free[self.main]


class Packing:
    """Lanes of a few needs on nodes. Nodes of equal state are counted together, and so are lanes of equal need.

    The order of the states settles which node a lane is put on, so equal calls give equal packings. Once no lane of a
    need fits any more, that need is refused from then on.
    """

    def __init__(self, nodes: Sequence[Amounts], needs: Sequence[Amounts]) -> None:
        self._names = sorted({name for need in needs for name in need} - {"GPU"})
        totals = {name: sum(node.get(name, 0) for node in nodes) for name in (*self._names, "GPU")}
        self._lanes = [self._lane(need, totals) for need in needs]
        kinds = Counter(tuple(_grains(node.get(name, 0)) for name in (*self._names, "GPU")) for node in nodes)
        self._origins = [self._node(number, kind) for number, kind in enumerate(sorted(kinds))]
        self._nodes = Counter({self._origins[number]: kinds[kind] for number, kind in enumerate(sorted(kinds))})
        self._places: dict[int, list[tuple[tuple[int, ...], NodeState]]] = {}
        self._pickiness: dict[int, list[int]] = {}
        self._refused: set[int] = set()

    def open(self, needs: Sequence[int]) -> None:
        """Announce the needs, by number, of which lanes will be added.

        A lane is put on a node that few of the announced needs can use, so that the other nodes stay free for those.
        """
        seen = sorted({*self._places, *needs})
        users = [sum(self._lanes[other].fits(origin) for other in seen) for origin in self._origins]
        for need in needs:
            if need not in self._places:
                self._places[need], self._pickiness[need] = [], users
                for node in self._nodes:
                    self._offer(need, node)

    def add(self, need: int) -> bool:
        """Place one more lane of a need, moving others where that makes room; False where there is no room."""
        if need in self._refused:
            return False
        node = self._best(need)
        if node is not None:
            self._turn(node, self._with(node, need))
            return True
        return self._make_room(need)

    def _best(self, need: int) -> NodeState | None:
        places = self._places[need]
        while places and not self._nodes[places[0][1]]:
            heappop(places)
        return places[0][1] if places else None

    def _offer(self, need: int, node: NodeState) -> None:
        lane = self._lanes[need]
        if lane.fits(node):
            heappush(self._places[need], ((self._pickiness[need][node.origin], *lane.tightness(node)), node))

    def _turn(self, old: NodeState, new: NodeState) -> None:
        """One of the nodes that are `old` becomes `new`."""
        self._nodes[old] -= 1
        if not self._nodes[old]:
            del self._nodes[old]
        self._nodes[new] += 1
        if self._nodes[new] == 1:
            for need in self._places:
                self._offer(need, new)

    def _make_room(self, need: int) -> bool:
        """Give a lane the place of a lane of another need, that lane the place of a third, and so on.

        The last of these lanes goes to a free place. This is the search for an augmenting path: among lanes that take
        one GPU each, whatever nodes they can be on, it finds room where there is any. A path is a list of nodes, each
        with its state before and after.
        """
        paths: dict[int, list[tuple[NodeState, NodeState]]] = {need: []}
        queue = deque([need])
        while queue:
            comer = queue.popleft()
            for other, step in self._giving_way(comer, paths):
                path = [*paths[comer], step]
                last = self._elsewhere(other, path)
                if last is not None:
                    for old, new in (*path, last):
                        self._turn(old, new)
                    return True
                if other not in paths:
                    paths[other] = path
                    queue.append(other)
        self._refused |= {other for other in paths if self._best(other) is None}
        return False

    def _giving_way(self, comer: int, known: Mapping[int, object]) -> Iterator[tuple[int, tuple[NodeState, NodeState]]]:
        """Needs of which a lane can give its place to one of the need `comer`, and the node before and after that."""
        for node in sorted(self._nodes):
            for other, count in enumerate(node.lanes):
                if not count or other in known or other in self._refused:
                    continue
                left = self._without(node, other)
                if left is None or not self._lanes[comer].fits(left):
                    continue
                yield other, (node, self._with(left, comer))

    def _elsewhere(self, need: int, path: Sequence[tuple[NodeState, NodeState]]) -> tuple[NodeState, NodeState] | None:
        """A place for a lane on a node beside those of the path; None where none is, or too few nodes for the path."""
        used = Counter(old for old, _ in path)
        if any(self._nodes[node] < number for node, number in used.items()):
            return None
        best = self._best(need)
        if best is None:
            return None
        for node in (best, *sorted(self._nodes)):
            if self._nodes[node] > used[node] and self._lanes[need].fits(node):
                return node, self._with(node, need)
        return None

    def _with(self, node: NodeState, need: int, more: int = 1) -> NodeState:
        lane = self._lanes[need]
        free = list(node.free)
        for resource, amount in lane.amounts:
            free[resource] -= more * amount
        whole, begun = _take(node.whole, node.begun, more * lane.gpu)
        lanes = (*node.lanes[:need], node.lanes[need] + more, *node.lanes[need + 1 :])
        return NodeState(tuple(free), whole, begun, lanes, node.origin)

    def _without(self, node: NodeState, need: int) -> NodeState | None:
        """The node's state without one of its lanes; None where the other lanes do not fit again.

        Where the lane takes a part of a GPU, the other lanes are placed anew, the largest first.
        """
        lane = self._lanes[need]
        if lane.gpu % GRAIN == 0:
            return self._with(node, need, -1)
        left: NodeState = self._origins[node.origin]
        for other in sorted(range(len(self._lanes)), key=lambda other: -self._lanes[other].gpu):
            for _ in range(node.lanes[other] - (other == need)):
                if not self._lanes[other].fits(left):
                    return None
                left = self._with(left, other)
        return left

    def _lane(self, need: Amounts, totals: Amounts) -> LaneNeed:
        wanted = {name: amount for name, amount in need.items() if amount > 0}
        main = max(wanted, key=lambda name: (wanted[name] / (totals[name] or 1), name), default="GPU")
        amounts = tuple((self._names.index(name), _grains(wanted[name])) for name in sorted(wanted) if name != "GPU")
        return LaneNeed(amounts, _grains(wanted.get("GPU", 0)), None if main == "GPU" else self._names.index(main))

    def _node(self, number: int, kind: tuple[int, ...]) -> NodeState:
        *free, gpus = kind
        begun = (gpus % GRAIN,) if gpus % GRAIN else ()
        return NodeState(tuple(free), gpus // GRAIN, begun, (0,) * len(self._lanes), number)


def _take(whole: int, begun: tuple[int, ...], gpu: int) -> tuple[int, tuple[int, ...]]:
    """The GPUs after a lane has taken its share, of the fullest GPU that has so much left, or else of a whole one."""
    if gpu % GRAIN == 0:
        return whole - gpu // GRAIN, begun
    at = next((at for at, left in enumerate(begun) if left >= gpu), None)
    if at is None:
        whole, rest = whole - 1, GRAIN - gpu
    else:
        rest, begun = begun[at] - gpu, begun[:at] + begun[at + 1 :]
    return whole, tuple(sorted((*begun, rest))) if rest else begun


def _grains(amount: float) -> int:
    return round(max(amount, 0.0) * GRAIN)
