"""Lanes as Ray actors: as many as the study can use and the cluster has room for, replaced where they die."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure, LaneLost
from slalom.lanes.base import LaneNotice, LaneOpened
from slalom.lanes.hangs import Hangs
from slalom.lanes.on_ray.actor import ASIDE, LaneActor
from slalom.lanes.on_ray.broadcast import put, size
from slalom.lanes.on_ray.connection import connected, knock
from slalom.lanes.on_ray.first_lane import FirstLane
from slalom.lanes.on_ray.lane import Lane
from slalom.lanes.on_ray.sharing.allotment import Allotment
from slalom.study.folder import copy
from slalom.wire.trial import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.lanes.base import Demand, News, WorkerFactory
    from slalom.study.model import StudySpec
    from slalom.wire.trial import Turn

SILENCE_SECONDS = 20.0
"""Time without an answer after which the cluster is asked whether it is there; Ray ends the process after 60 s."""

DEATHS = 10
"""How often a lane's process may die without a reply in between."""

WATCH_SECONDS = 1.0
"""The time between two looks for lanes that hang."""

CREATION = "creation task"
"""What Ray's message says where an actor could not be made."""


class RayLanes:
    """`Lanes` as actors on a running cluster, or on a local one that is started and stopped here.

    There are as many lanes as the study has trials to train, as its file allows, and as the cluster has room for. When
    nodes join there are more, when nodes leave there are fewer, and the study goes on with the lanes that are left.
    """

    def __init__(
        self,
        address: str | None,
        spec: StudySpec,
        factory: WorkerFactory,
        environment: Mapping[str, str],
        data: object | None = None,
    ) -> None:
        """Connect to the cluster; no lane is started before `size` is called.

        address: of a running cluster; None starts a local Ray
        factory: makes the worker within the actor, whose working folder holds the user's own files
        environment: variables that the lanes' processes need before they start
        data: what the factory is called with, in memory that all lanes of a node share; None calls it with nothing
        Raises Infrastructure where the cluster does not answer, and InputError for a malformed address, or where the
        cluster lacks what the study asks for.
        """
        self._factory = factory
        self._lanes: dict[int, Lane] = {}
        self._names: list[str] = []
        self._deaths: Counter[int] = Counter()
        self._held = ExitStack()
        self._blind = False
        try:
            folder = _travelling(spec, self._held)
            name = f"slalom-{spec.name}-{spec.fingerprint[:12]}"
            self._ray = self._held.enter_context(connected(address, folder, name, size(data)))
            self._shared = put(self._ray, data)
            client = address is not None and address.startswith("ray://")
            self._address = str(address if client else self._ray.get_runtime_context().gcs_address)
            self._allotment = Allotment(self._ray, address, spec)
            self._held.callback(self._allotment.leave)
            self._first = FirstLane(self._ray, self._allotment, client=client)
            self._actor = self._ray.remote(concurrency_groups={ASIDE: 1})(LaneActor)
            self._environment = {"env_vars": {**environment, **self._allotment.need.environment}}
        except BaseException:
            self.close()
            raise
        self._hangs = Hangs(spec.resources.trial_timeout, by_reports=spec.own_training)
        self._heard = self._watched = time.monotonic()

    @property
    def names(self) -> Sequence[str]:
        """See `Lanes`."""
        return self._names

    def size(self, demand: Demand) -> Sequence[int]:
        """See `Lanes`; a lane too many that has not opened yet is stopped at once and is not returned."""
        staying = [lane for lane in self._lanes.values() if not lane.leaving]
        wanted = self._allotment.wanted(demand)
        for number in self._free_numbers(wanted - len(staying)):
            self._start(number)
        recalled = []
        for lane in self._allotment.surplus(staying, wanted):
            if lane.opening is not None:
                self.release(lane.number)
            else:
                lane.leaving = True
                recalled.append(lane.number)
        return recalled

    def release(self, lane: int) -> None:
        """See `Lanes`: the lane's actor is killed; where its process is stopped, the node does that within seconds."""
        self._hangs.end(lane)
        self._ray.kill(self._lanes.pop(lane).actor)

    def send(self, lane: int, turn: Turn) -> None:
        """See `Lanes`."""
        own = self._lanes[lane]
        if not own.turns:
            self._hangs.begin(lane)
        own.turns.append(own.actor.turn.remote(turn))

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        """See `Lanes`; at most one answer of each lane is returned, and where there is none, whether the lane hangs."""
        if not self._lanes:
            time.sleep(timeout)
        awaited = {ref: lane for lane in self._lanes.values() if (ref := lane.awaited) is not None}
        ready = self._ready(list(awaited), timeout) if awaited else []
        self._hangs.look()
        found = [(awaited[ref].number, news) for ref in ready for news in self._take(awaited[ref])]
        self._first.look(self._lanes.values())
        return found + self._hung()

    def close(self) -> None:
        """Stop the actors, and the cluster where it was started here; a second call does nothing."""
        for lane in self._lanes.values():
            self._ray.kill(lane.actor)
        self._lanes.clear()
        self._held.close()

    def _free_numbers(self, count: int) -> Sequence[int]:
        """The lowest `count` numbers that no lane has."""
        numbers = [number for number in range(len(self._lanes) + max(0, count)) if number not in self._lanes]
        return numbers[: max(0, count)]

    def _start(self, number: int) -> None:
        bundle = self._allotment.need.bundle
        actor = self._actor.options(
            num_cpus=bundle.get("CPU", 0),
            num_gpus=bundle.get("GPU", 0),
            memory=bundle["memory"],
            resources={name: amount for name, amount in bundle.items() if name not in ("CPU", "GPU", "memory")},
            scheduling_strategy="SPREAD",
            runtime_env=self._environment,
        ).remote(self._factory, self._shared)
        self._lanes[number] = Lane(number, actor, actor.open.remote(), bundle)
        self._names += [f"lane {other}" for other in range(len(self._names), number + 1)]

    def _ready(self, awaited: list[Any], timeout: float) -> list[Any]:
        """Those of the references that have an answer, after a wait for the first.

        After SILENCE_SECONDS without any answer the cluster is asked whether it is there.
        """
        if self._ray.wait(awaited, num_returns=1, timeout=timeout)[0]:
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > SILENCE_SECONDS:
            self._ask_after_the_head()
        ready: list[Any] = self._ray.wait(awaited, num_returns=len(awaited), timeout=0)[0]
        return ready

    def _ask_after_the_head(self) -> None:
        self._heard = time.monotonic()
        try:
            knock(self._address)
        except Infrastructure as exc:
            # Stopping the lanes would take longer than Ray lets this process live.
            self._lanes.clear()
            raise Infrastructure(f"the cluster is gone: {exc}") from exc

    def _take(self, lane: Lane) -> Sequence[News]:
        """The news in a lane's next answer: that the lane has opened, the reply to a turn, or the lane's loss."""
        opening = lane.opening is not None
        try:
            answer = self._ray.get(lane.opening if opening else lane.turns.popleft())
        except self._ray.exceptions.RayError as exc:
            if opening and (isinstance(exc, self._ray.exceptions.RayTaskError) or CREATION in str(exc)):
                raise Infrastructure(f"{self._names[lane.number]} does not start: {_reason(exc)}") from exc
            return self._died(lane, exc)
        if opening:
            lane.opening, (lane.node, device) = None, answer
            self._names[lane.number] = f"lane {lane.number} on {self._allotment.place(lane.node)}"
            return [LaneOpened(device), *self._without_gpu(lane, device)]
        if isinstance(answer, Reply):
            self._hangs.answered(lane.number)
            if not lane.turns:
                self._hangs.end(lane.number)
            self._deaths.pop(lane.number, None)
            if answer.memory is not None:
                self._allotment.need.seen(answer.memory)
            return [answer]
        return [self._raised(lane, answer)]

    def _without_gpu(self, lane: Lane, device: str) -> list[LaneNotice]:
        """A notice that a lane was given a GPU and can use none; only the first such lane of a study has one."""
        if self._blind or not self._allotment.need.on_gpus or not device.startswith("cpu "):
            return []
        self._blind = True
        return [
            LaneNotice(
                f"{self._names[lane.number]} was given a GPU, but its torch can use none: it trains on {device}; "
                "`resources: {device: gpu}` refuses that, and `device: cpu` leaves GPUs to others"
            )
        ]

    def _raised(self, lane: Lane, why: str) -> LaneLost:
        """Replace a worker that raised. On a GPU the process is replaced too, since CUDA may be broken in it."""
        if self._allotment.need.on_gpus or lane.leaving:
            self.release(lane.number)
        else:
            lane.turns.clear()
            self._hangs.end(lane.number)
            lane.opening = lane.actor.open.remote()
        return LaneLost(f"{self._names[lane.number]}: {why}", raised=True)

    def _died(self, lane: Lane, exc: Exception) -> Sequence[News]:
        """Drop a lane whose process died; `size` starts another. One that had not opened is lost to nobody."""
        self.release(lane.number)
        text = f"{self._names[lane.number]}: {_reason(exc)}"
        self._count_death(lane, text)
        if lane.opening is not None:
            return [LaneNotice(f"{text}; it had not opened yet, and is started again")]
        self._allotment.look()
        return [LaneLost(text, left=not self._allotment.has(lane.node))]

    def _count_death(self, lane: Lane, text: str) -> None:
        """Raise Infrastructure where the lanes of that number have died too often."""
        self._deaths[lane.number] += 1
        if self._deaths[lane.number] > DEATHS:
            raise Infrastructure(f"{text}; it died {self._deaths[lane.number]} times without an answer")

    def _hung(self) -> list[tuple[int, News]]:
        """The lanes that hang, which are dropped, and notices of those that may; looked for once a second."""
        if time.monotonic() - self._watched < WATCH_SECONDS:
            return []
        self._watched = time.monotonic()
        for number in self._hangs.to_ask():
            lane = self._lanes[number]
            if lane.progress is None:
                lane.progress = lane.actor.progress.options(concurrency_group=ASIDE).remote()
        asked = {lane.progress: lane for lane in self._lanes.values() if lane.progress is not None}
        for ref in self._ray.wait(list(asked), num_returns=len(asked), timeout=0)[0] if asked else ():
            self._hear(asked[ref])
        at_work = [lane for lane in self._lanes.values() if lane.opening is None and lane.turns]
        return [(lane.number, news) for lane in at_work if (news := self._judge(lane)) is not None]

    def _hear(self, lane: Lane) -> None:
        """Take in how far a lane has come; that a lane has died is told by its turn's answer."""
        answer, lane.progress = lane.progress, None
        with suppress(self._ray.exceptions.RayError):
            progress, where = self._ray.get(answer)
            if lane.opening is None and lane.turns:
                self._hangs.heard(lane.number, progress, where)

    def _judge(self, lane: Lane) -> News | None:
        news = self._hangs.found(lane.number, self._names[lane.number])
        if isinstance(news, LaneLost):
            self.release(lane.number)
            self._count_death(lane, str(news))
        return news


def _travelling(spec: StudySpec, held: ExitStack) -> Path | None:
    """A copy of the study's folder, which Ray sends to the nodes; None where no file of the user's own lies there."""
    if not spec.code:
        return None
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="slalom-task-", ignore_cleanup_errors=True)))
    copy(spec.folder, folder)
    return folder


def _reason(exc: Exception) -> str:
    """An error of Ray's in one line: its cause, else the last line of a creation's trace, else its first line."""
    cause = getattr(exc, "cause", None)
    if cause is not None:
        return f"{type(cause).__name__}: {cause}"
    lines = str(exc).strip().splitlines() or [type(exc).__name__]
    return lines[-1] if CREATION in lines[0] else lines[0]
