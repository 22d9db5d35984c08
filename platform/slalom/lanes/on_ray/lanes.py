"""Lanes as Ray actors: started where there is room, as many as the study has use for, replaced where they die."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from slalom.errors import Infrastructure, InputError, LaneLost
from slalom.lanes.base import LaneOpened
from slalom.lanes.on_ray.actor import LaneActor
from slalom.lanes.on_ray.broadcast import put, size
from slalom.lanes.on_ray.connection import connected, knock
from slalom.lanes.on_ray.ledger import grows
from slalom.lanes.on_ray.membership import Membership
from slalom.lanes.on_ray.room import Need, brief, fitting, room
from slalom.trial import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.lanes.base import Demand, News, WorkerFactory
    from slalom.spec.model import StudySpec
    from slalom.trial import Turn

START_SECONDS = 120.0
"""In which a lane must have opened, where none is."""

GROW_SECONDS = 1800.0
"""In which it must have, where an autoscaler may have to start a node first."""

IDLE_SECONDS = 30.0
"""For which lanes are kept that have become too many: more trials may come up at the next rung."""

LOOK_SECONDS = 2.0
"""Between two looks at the cluster's nodes."""

SILENCE_SECONDS = 20.0
"""After which the cluster is asked whether it is there; Ray ends the process where its head is gone for 60 s."""

DEATHS = 10
"""Times a lane's process may die without a reply in between."""


@dataclass
class _Lane:
    """A lane's actor and what was asked of it, each the reference to an answer that will come.

    opening: the worker's making, or None once it is there; node: its node's id, once it is known
    bundle: the resources that it was given
    turns: those it was sent, oldest first
    """

    number: int
    actor: Any
    opening: Any | None
    bundle: Mapping[str, float]
    node: str = ""
    leaving: bool = False
    turns: deque[Any] = field(default_factory=deque)


class RayLanes:
    """Actors on a running cluster (`address`), or on a local one that is started and stopped here.

    There are as many as the study has trials to train, its file allows and the cluster has room for; when nodes come
    there are more, when they go there are fewer, and the study goes on with what is left.
    """

    def __init__(
        self,
        address: str | None,
        spec: StudySpec,
        factory: WorkerFactory,
        environment: Mapping[str, str],
        data: object | None = None,
    ) -> None:
        """factory: builds the worker within the actor, with the user's task file in its working folder.

        environment: variables that the lanes' processes need before they start
        data: what the factory is called with, in memory that all lanes of a node share; without it, with nothing
        Raises Infrastructure where the cluster does not answer, InputError where it has not what the study asks for.
        """
        self._factory = factory
        self._limit = spec.resources.lanes or sys.maxsize
        self._lanes: dict[int, _Lane] = {}
        self._names: list[str] = []
        self._deaths: Counter[int] = Counter()
        self._held = ExitStack()
        try:
            folder = _travelling(spec.task_file, self._held)
            name = f"slalom-{spec.name}-{spec.fingerprint[:12]}"
            self._ray = self._held.enter_context(connected(address, folder, name, size(data)))
            self._shared = put(self._ray, data)
            client = address is not None and address.startswith("ray://")
            self._address = str(address if client else self._ray.get_runtime_context().gcs_address)
            self._look()
            growing = address is not None and not client and grows()
            self._need = Need(spec.resources, self._nodes, growing=growing)
            self._patience = GROW_SECONDS if growing else START_SECONDS
            if address is None and not room(self._need.bundle, self._nodes):
                raise InputError(f"resources: {self._no_room()}")
            self._member = None if address is None else self._join(spec)
            self._actor = self._ray.remote(LaneActor)
            self._environment = {"env_vars": {**environment, **self._need.environment}}
        except BaseException:
            self.close()
            raise
        self._heard = self._alone_since = time.monotonic()
        self._opened = False
        self._peak, self._peak_at = 0, self._heard

    @property
    def names(self) -> Sequence[str]:
        """Each lane's number and the node it is on, or was last."""
        return self._names

    def size(self, demand: Demand) -> Sequence[int]:
        """Start lanes where there are too few; those that must be given back where there are too many.

        Those are the idle ones first, then the youngest; and those on nodes whose memory they have outgrown.
        """
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._look()
        staying = [lane for lane in self._lanes.values() if not lane.leaving]
        wanted = min(self._share(demand), room(self._need.bundle, self._nodes))
        if len(staying) < wanted:
            for number in self._free_numbers(wanted - len(staying)):
                self._start(number)
        return self._recall([*self._excess(staying, wanted), *self._outgrown(staying, wanted)])

    def release(self, lane: int) -> None:
        """Stop a lane's actor."""
        self._ray.kill(self._lanes.pop(lane).actor)

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn at the lane's actor."""
        own = self._lanes[lane]
        own.turns.append(own.actor.turn.remote(turn))

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        """The lanes that have opened and the turns that are back, at most one of each lane."""
        if not self._lanes:
            time.sleep(timeout)
        awaited = {ref: lane for lane in self._lanes.values() if (ref := _next(lane)) is not None}
        if awaited:
            self._wait(list(awaited), timeout)
        ready = self._ray.wait(list(awaited), num_returns=len(awaited), timeout=0)[0] if awaited else []
        self._check_start()
        return [(awaited[ref].number, news) for ref in ready for news in self._take(awaited[ref])]

    def close(self) -> None:
        """Stop the actors, and the cluster where it was started here."""
        for lane in self._lanes.values():
            self._ray.kill(lane.actor)
        self._lanes.clear()
        self._held.close()

    def _join(self, spec: StudySpec) -> Membership:
        """Join the studies of the cluster, for as long as there are lanes."""
        member = Membership(self._ray, f"{spec.name} {uuid4()}", spec.resources.priority)
        self._held.callback(member.leave)
        return member

    def _share(self, demand: Demand) -> int:
        """Lanes that the study has use for, as far as it may have them; one while it is not known how many."""
        usable = min(self._lately(demand.trials), self._limit)
        if self._member is None:
            return usable
        packs = min(math.ceil(demand.trials / demand.slots), self._limit)
        share = self._member.claim(usable, self._need.bundle, packs)
        if share == 0 and room(self._need.bundle, self._nodes):
            self._alone_since = time.monotonic()  # others have all of it by right, for as long as that may be
        return min(usable, 1 if share is None else share)

    def _lately(self, trials: int) -> int:
        """Trials that could be trained, at their most in the last seconds."""
        now = time.monotonic()
        if trials >= self._peak or now - self._peak_at > IDLE_SECONDS:
            self._peak, self._peak_at = trials, now
        return self._peak

    def _excess(self, staying: Sequence[_Lane], wanted: int) -> Sequence[_Lane]:
        """Lanes over the number wanted: those that are not there yet, the idle ones, the youngest."""
        first = sorted(staying, key=lambda lane: (lane.opening is None, bool(lane.turns), -lane.number))
        return first[: len(staying) - wanted] if len(staying) > wanted else []

    def _outgrown(self, staying: Sequence[_Lane], wanted: int) -> Sequence[_Lane]:
        """Lanes that their nodes have no memory for; where more are wanted, those too that have more than they need."""
        on_node: dict[str, list[_Lane]] = defaultdict(list)
        for lane in staying:
            if lane.node:
                on_node[lane.node].append(lane)
        offers = {node["NodeID"]: node["Resources"] for node in self._nodes if node["Alive"]}
        needed = self._need.bundle
        crowded = [lane for node, lanes in on_node.items() for lane in lanes[fitting(needed, offers.get(node, {})) :]]
        there = sum(len(lanes) for lanes in on_node.values())
        greedy = [lane for lane in staying if there < wanted and lane.bundle.get("GPU", 0) > needed.get("GPU", 0)]
        return [*crowded, *greedy]

    def _recall(self, lanes: Sequence[_Lane]) -> list[int]:
        """Lanes to be given back; one that has not opened is stopped at once, and nobody needs to know."""
        recalled = []
        for lane in lanes:
            if lane.leaving or lane.number not in self._lanes:
                continue
            if lane.opening is not None:
                self.release(lane.number)
            else:
                lane.leaving = True
                recalled.append(lane.number)
        return recalled

    def _free_numbers(self, count: int) -> list[int]:
        """The lowest numbers that no lane has."""
        numbers = (number for number in range(len(self._lanes) + count) if number not in self._lanes)
        return [number for number, _ in zip(numbers, range(count), strict=False)]

    def _start(self, number: int) -> None:
        bundle = self._need.bundle
        actor = self._actor.options(
            num_cpus=bundle.get("CPU", 0),
            num_gpus=bundle.get("GPU", 0),
            memory=bundle["memory"],
            resources={name: amount for name, amount in bundle.items() if name not in ("CPU", "GPU", "memory")},
            scheduling_strategy="SPREAD",
            runtime_env=self._environment,
        ).remote(self._factory, self._shared)
        self._lanes[number] = _Lane(number, actor, actor.open.remote(), bundle)
        self._names += [f"lane {other}" for other in range(len(self._names), number + 1)]

    def _wait(self, awaited: list[Any], timeout: float) -> None:
        """Wait for the first; where nothing comes for long, ask whether the cluster is there."""
        if self._ray.wait(awaited, num_returns=1, timeout=timeout)[0]:
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > SILENCE_SECONDS:
            self._ask_after_the_head()

    def _ask_after_the_head(self) -> None:
        self._heard = time.monotonic()
        try:
            knock(self._address)
        except Infrastructure as exc:
            # To stop the lanes would take longer than Ray lets this process live.
            self._lanes.clear()
            raise Infrastructure(f"the cluster is gone: {exc}") from exc

    def _check_start(self) -> None:
        """See whether a lane is there, or has still time to come."""
        now = time.monotonic()
        if any(lane.opening is None for lane in self._lanes.values()):
            self._alone_since = now
        elif now - self._alone_since > self._patience:
            raise Infrastructure(
                f"no lane has opened within {self._patience:g} s: {self._no_room()}; the cluster's free resources are "
                f"{_amounts(self._ray.available_resources())}"
            )

    def _no_room(self) -> str:
        return (
            f"a lane of {self._need} must fit in the cluster, which has room for "
            f"{room(self._need.bundle, self._nodes)} ({brief(self._nodes)})"
        )

    def _take(self, lane: _Lane) -> Sequence[News]:
        """What came of the lane's next answer: it has opened, a turn's reply, or its loss."""
        opening = lane.opening is not None
        try:
            answer = self._ray.get(lane.opening if opening else lane.turns.popleft())
        except self._ray.exceptions.RayError as exc:
            if opening and (not self._opened or isinstance(exc, self._ray.exceptions.RayTaskError)):
                raise Infrastructure(f"{self._names[lane.number]} does not start: {_reason(exc)}") from exc
            return self._died(lane, exc)
        if opening:
            self._open(lane, answer)
            return [LaneOpened()]
        if isinstance(answer, Reply):
            self._deaths.pop(lane.number, None)
            if answer.memory is not None:
                self._need.seen(answer.memory)
            return [answer]
        return [self._raised(lane, answer)]

    def _open(self, lane: _Lane, node: str) -> None:
        self._opened = True
        lane.opening, lane.node = None, node
        if node not in self._alive():
            self._look()
        self._names[lane.number] = f"lane {lane.number} on {self._place(node)}"

    def _raised(self, lane: _Lane, why: str) -> LaneLost:
        """A new worker after one that raised. On a GPU in a new process: CUDA may be of no more use to the old one."""
        if self._need.on_gpus or lane.leaving:
            self.release(lane.number)
        else:
            lane.turns.clear()
            lane.opening = lane.actor.open.remote()
        return LaneLost(f"{self._names[lane.number]}: {why}", raised=True)

    def _died(self, lane: _Lane, exc: Exception) -> Sequence[News]:
        """The process is gone; `size` starts another. Of one that had not opened nobody knew."""
        self.release(lane.number)
        name = self._names[lane.number]
        self._deaths[lane.number] += 1
        if self._deaths[lane.number] > DEATHS:
            raise Infrastructure(f"{name} died {self._deaths[lane.number]} times without an answer: {_reason(exc)}")
        if lane.opening is not None:
            return []
        self._look()
        return [LaneLost(f"{name}: {_reason(exc)}", left=lane.node not in self._alive())]

    def _look(self) -> None:
        self._nodes = self._ray.nodes()
        self._looked = time.monotonic()

    def _alive(self) -> set[str]:
        """Ids of the nodes that are there."""
        return {node["NodeID"] for node in self._nodes if node["Alive"]}

    def _place(self, node: str) -> str:
        """The node's address, with the start of its id where other nodes have, or had, that address."""
        addresses = {found["NodeID"]: found["NodeManagerAddress"] for found in self._nodes}
        shared = Counter(addresses.values())[addresses[node]] > 1
        return f"{addresses[node]} (node {node[:8]})" if shared else str(addresses[node])


def _next(lane: _Lane) -> Any | None:
    """What the lane will answer next."""
    if lane.opening is not None:
        return lane.opening
    return lane.turns[0] if lane.turns else None


def _amounts(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {resources.get(name, 0):g}" for name in ("CPU", "GPU"))


def _travelling(file: Path | None, held: ExitStack) -> Path | None:
    """A folder with a copy of the user's task file alone, which Ray sends to the nodes."""
    if file is None:
        return None
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="slalom-task-", ignore_cleanup_errors=True)))
    shutil.copy(file, folder / file.name)
    return folder


def _reason(exc: Exception) -> str:
    """What a Ray error says in one line: its cause, else the last line of a creation's trace, else the first line."""
    cause = getattr(exc, "cause", None)
    if cause is not None:
        return f"{type(cause).__name__}: {cause}"
    lines = str(exc).strip().splitlines() or [type(exc).__name__]
    return lines[-1] if "creation task" in lines[0] else lines[0]
