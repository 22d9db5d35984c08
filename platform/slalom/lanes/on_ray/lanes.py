"""Lanes as Ray actors: started where there is room, replaced where they die."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure, LaneLost
from slalom.lanes.on_ray.actor import LaneActor
from slalom.lanes.on_ray.broadcast import put, size
from slalom.lanes.on_ray.connection import connected, knock
from slalom.lanes.on_ray.room import brief, lane_count, lane_share
from slalom.trial import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.lanes.base import WorkerFactory
    from slalom.spec.model import StudySpec
    from slalom.trial import Turn

START_SECONDS = 120.0
"""In which a lane must have started."""

PLACE_SECONDS = 30.0
"""In which a lane that is replaced finds a place of its own, or moves in with another."""

SILENCE_SECONDS = 20.0
"""After which the cluster is asked whether it is there; Ray ends the process where its head is gone for 60 s."""

DEATHS = 10
"""Times a lane's process may die without a reply in between."""


@dataclass
class _Lane:
    """A lane's actor and what was asked of it, each the reference to an answer that will come.

    node, opened: the actor's node, and its worker's making; `opened` is None once it has been looked at
    turns: those it was sent, oldest first
    """

    number: int
    actor: Any
    node: Any
    opened: Any | None
    since: float
    name: str
    deaths: int = 0
    turns: deque[tuple[Any, Turn]] = field(default_factory=deque)


class RayLanes:
    """Actors on a running cluster (`address`), or on a local one that is started and stopped here.

    A lane whose process dies gets a new one wherever the cluster has room. Where it has none, because a node left, the
    lane moves into the process of another one, and the study goes on with what is left.
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
        Raises Infrastructure where the cluster does not answer, InputError where it cannot hold the lanes asked for.
        """
        self._factory = factory
        self._lanes: list[_Lane] = []
        self._held = ExitStack()
        try:
            folder = _travelling(spec.task_file, self._held)
            name = f"slalom-{spec.name}-{spec.fingerprint[:12]}"
            self._ray = self._held.enter_context(connected(address, folder, name, size(data)))
            self._shared = put(self._ray, data)
            client = address is not None and address.startswith("ray://")
            self._address = str(address if client else self._ray.get_runtime_context().gcs_address)
            self._heard = time.monotonic()
            share = lane_share(self._ray, spec.resources)
            self._on_gpus = share.kind == "GPU"
            self._process = self._ray.remote(LaneActor).options(
                num_cpus=0 if self._on_gpus else share.amount,
                num_gpus=share.amount if self._on_gpus else 0,
                scheduling_strategy="SPREAD",
                runtime_env={"env_vars": dict(environment)},
            )
            for number in range(lane_count(self._ray, spec.resources, share)):
                self._lanes.append(self._start(number))
            self._await_start()
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> Sequence[str]:
        """Each lane's number and the node it is on."""
        return [lane.name for lane in self._lanes]

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn at the lane's actor."""
        own = self._lanes[lane]
        own.turns.append((own.actor.turn.remote(lane, turn), turn))

    def collect(self, timeout: float) -> Sequence[tuple[int, Reply | LaneLost]]:
        """The turns that are back, at most one of each lane."""
        self._settle()
        heads = {lane.turns[0][0]: lane for lane in self._lanes if lane.turns}
        if not heads:
            return []
        ready, _ = self._ray.wait(list(heads), num_returns=1, timeout=timeout)
        if ready:
            ready, _ = self._ray.wait(list(heads), num_returns=len(heads), timeout=0)
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > SILENCE_SECONDS:
            self._ask_after_the_head()
        return [(heads[turn].number, self._take(heads[turn])) for turn in ready]

    def close(self) -> None:
        """Stop the actors, and the cluster where it was started here."""
        for lane in self._lanes:
            self._ray.kill(lane.actor)
        self._lanes.clear()
        self._held.close()

    def _ask_after_the_head(self) -> None:
        self._heard = time.monotonic()
        try:
            knock(self._address)
        except Infrastructure as exc:
            # To stop the lanes would take longer than Ray lets this process live.
            self._lanes.clear()
            raise Infrastructure(f"the cluster is gone: {exc}") from exc

    def _take(self, lane: _Lane) -> Reply | LaneLost:
        """A turn's reply, or the loss of its lane, which is then replaced."""
        if lane.opened is not None:
            self._look_in(lane)
        try:
            reply: Reply | str = self._ray.get(lane.turns.popleft()[0])
        except self._ray.exceptions.RayError as exc:
            lane.deaths += 1
            self._replace(lane)
            return LaneLost(f"{lane.name}: {_reason(exc)}")
        if isinstance(reply, Reply):
            lane.deaths = 0
            return reply
        self._renew(lane)
        return LaneLost(f"{lane.name}: {reply}", raised=True)

    def _renew(self, lane: _Lane) -> None:
        """A new worker after one that raised. On a GPU in a new process: CUDA may be of no more use to the old one."""
        if self._on_gpus:
            self._replace(lane)
        else:
            lane.turns.clear()
            self._open(lane)

    def _replace(self, lane: _Lane) -> None:
        """A new process, on whatever node has room."""
        self._ray.kill(lane.actor)
        if lane.deaths > DEATHS:
            raise Infrastructure(f"{lane.name} died {lane.deaths} times without an answer")
        new = self._start(lane.number)
        lane.actor, lane.node, lane.opened, lane.since = new.actor, new.node, new.opened, new.since
        lane.turns.clear()

    def _settle(self) -> None:
        """Look after the lanes that are being replaced."""
        for lane in self._lanes:
            if lane.opened is None:
                continue
            if self._is_back(lane.opened):
                self._look_in(lane)
            elif time.monotonic() - lane.since > PLACE_SECONDS and not self._is_back(lane.node):
                self._move_in(lane)

    def _move_in(self, lane: _Lane) -> None:
        """Let a lane without a place share the process of another one, and take its turns there."""
        sharing = Counter(other.actor for other in self._lanes if other.opened is None)
        if not sharing:
            if time.monotonic() - lane.since > START_SECONDS:
                raise Infrastructure(self._no_place([lane]))
            return
        self._ray.kill(lane.actor)
        lane.actor = min(sharing, key=sharing.__getitem__)
        self._open(lane)
        lane.turns = deque((lane.actor.turn.remote(lane.number, turn), turn) for _, turn in lane.turns)

    def _start(self, number: int) -> _Lane:
        lane = _Lane(number, self._process.remote(self._factory, self._shared), None, None, 0.0, f"lane {number}")
        self._open(lane)
        return lane

    def _open(self, lane: _Lane) -> None:
        lane.since = time.monotonic()
        lane.node = lane.actor.node.remote()
        lane.opened = lane.actor.open.remote(lane.number)

    def _await_start(self) -> None:
        """Wait until every lane is open."""
        calls = [lane.opened for lane in self._lanes]
        _, late = self._ray.wait(calls, num_returns=len(calls), timeout=START_SECONDS)
        if late:
            raise Infrastructure(self._no_place([lane for lane in self._lanes if lane.opened in late]))
        for lane in self._lanes:
            try:
                self._ray.get([lane.node, lane.opened])
            except self._ray.exceptions.RayError as exc:
                raise Infrastructure(f"{lane.name} does not start: {_reason(exc)}") from exc
            self._look_in(lane)

    def _look_in(self, lane: _Lane) -> None:
        """Name a lane that has opened. Where it died again, its next turn says so."""
        opened, lane.opened = lane.opened, None
        try:
            lane.name = f"lane {lane.number} on {self._place(self._ray.get(lane.node))}"
            self._ray.get(opened)
        except self._ray.exceptions.RayTaskError as exc:
            raise Infrastructure(f"{lane.name} does not start again: {_reason(exc)}") from exc
        except self._ray.exceptions.RayError:
            return

    def _place(self, node: str) -> str:
        """The node's address, with the start of its id where other nodes have, or had, that address."""
        addresses = {found["NodeID"]: found["NodeManagerAddress"] for found in self._ray.nodes()}
        shared = Counter(addresses.values())[addresses[node]] > 1
        return f"{addresses[node]} (node {node[:8]})" if shared else str(addresses[node])

    def _is_back(self, call: Any) -> bool:
        ready, _ = self._ray.wait([call], timeout=0)
        return bool(ready)

    def _no_place(self, lanes: Sequence[_Lane]) -> str:
        return (
            f"{', '.join(f'lane {lane.number}' for lane in lanes)} did not start within {START_SECONDS:g} s: the "
            f"cluster's free resources are {brief(self._ray.available_resources())}"
        )


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
