"""Lanes as Ray actors, one for each share of a device. The only file that imports ray."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure, InputError, LaneLost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.lanes.base import WorkerFactory
    from slalom.spec.model import StudySpec
    from slalom.trial import Reply, Turn

CONNECT_SECONDS = 5.0
START_SECONDS = 120.0
RESTARTS = 10


class RayLanes:
    """Actors on a running cluster (`address`), or on a local one that is started and stopped here."""

    def __init__(
        self, address: str | None, spec: StudySpec, factory: WorkerFactory, environment: Mapping[str, str]
    ) -> None:
        """factory: builds the worker within the actor, with the user's task file in its working folder.

        environment: variables that the lanes' processes need before they start
        Raises Infrastructure where the cluster does not answer, InputError where it cannot hold the lanes asked for.
        """
        self._spec = spec
        self._factory = factory
        self._environment = dict(environment)
        self._pending: dict[Any, int] = {}
        self._restarts = 0
        self._folder = _travelling(spec.task_file)
        self._ray = _connect(address, self._folder, f"slalom-{spec.name}-{spec.fingerprint[:12]}")
        try:
            self._share = self._device_share()
            count = self._count()
            self._actors = [self._start() for _ in range(count)]
            self._names = [self._name(number) for number in range(count)]
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> Sequence[str]:
        """Each lane's number and the node it is on."""
        return self._names

    def send(self, lane: int, turn: Turn) -> None:
        """Queue a turn at the lane's actor."""
        self._pending[self._actors[lane].turn.remote(turn)] = lane

    def collect(self, timeout: float) -> Sequence[tuple[int, Reply | LaneLost]]:
        """All turns that are back."""
        if not self._pending:
            return []
        waiting = list(self._pending)
        ready, _ = self._ray.wait(waiting, num_returns=1, timeout=timeout)
        if ready:
            ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        replies: list[tuple[int, Reply | LaneLost]] = []
        for turn in ready:
            lane = self._pending.pop(turn, None)
            if lane is not None:
                replies.append((lane, self._fetch(lane, turn)))
        return replies

    def close(self) -> None:
        """Stop the actors, and the cluster where it was started here."""
        for actor in getattr(self, "_actors", []):
            self._ray.kill(actor)
        self._actors = []
        self._pending.clear()
        self._ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _fetch(self, lane: int, turn: Any) -> Reply | LaneLost:
        """A turn's reply, or the loss of its lane, which is then replaced."""
        try:
            reply: Reply = self._ray.get(turn)
        except self._ray.exceptions.RayError as exc:
            self._replace(lane)
            cause = getattr(exc, "cause", None)
            reason = f"{type(cause).__name__}: {cause}" if cause is not None else str(exc).strip().splitlines()[0]
            return LaneLost(f"{self._names[lane]}: {reason}")
        return reply

    def _replace(self, lane: int) -> None:
        self._pending = {turn: other for turn, other in self._pending.items() if other != lane}
        self._ray.kill(self._actors[lane])
        self._restarts += 1
        if self._restarts > RESTARTS * len(self._actors):
            raise Infrastructure(f"lanes died {self._restarts} times; the last was {self._names[lane]}")
        self._actors[lane] = self._start()
        self._names[lane] = self._name(lane)

    def _start(self) -> Any:
        options: dict[str, Any] = {"num_cpus": 0 if self._share else 1, "num_gpus": self._share}
        actor = self._ray.remote(_Actor).options(
            **options, scheduling_strategy="SPREAD", runtime_env={"env_vars": self._environment}
        )
        return actor.remote(self._factory)

    def _name(self, lane: int) -> str:
        try:
            node = self._ray.get(self._actors[lane].node.remote(), timeout=START_SECONDS)
        except self._ray.exceptions.GetTimeoutError as exc:
            raise Infrastructure(
                f"lane {lane} found no place within {START_SECONDS:g} s: the cluster's free resources are "
                f"{_brief(self._ray.available_resources())}"
            ) from exc
        except self._ray.exceptions.RayError as exc:
            raise Infrastructure(f"lane {lane} does not start: {getattr(exc, 'cause', None) or exc}") from exc
        return f"lane {lane} on {node}"

    def _device_share(self) -> float:
        """GPUs a lane takes: as the study says where the cluster has any, else none."""
        return self._spec.resources.gpus_per_lane if self._ray.cluster_resources().get("GPU", 0) > 0 else 0.0

    def _count(self) -> int:
        """As many lanes as asked for, or as the cluster holds; InputError where it cannot hold so many."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        kind, share = ("GPU", self._share) if self._share else ("CPU", 1.0)
        room = sum(int(node.get(kind, 0) / share + 1e-9) for node in nodes)
        asked = self._spec.resources.lanes
        if room == 0 or (asked is not None and asked > room):
            raise InputError(
                f"resources: {asked or 'auto'} lanes of {share:g} {kind} each must fit in the cluster, which has room "
                f"for {room} ({_brief(self._ray.cluster_resources())})"
            )
        return asked or room


class _Actor:
    """A lane's process."""

    def __init__(self, factory: WorkerFactory) -> None:
        self._worker = factory()

    def turn(self, turn: Turn) -> Reply:
        return self._worker.turn(turn)

    def node(self) -> str:
        import ray

        return str(ray.util.get_node_ip_address())


def _connect(address: str | None, folder: Path | None, namespace: str) -> Any:
    """The ray module, connected; raises Infrastructure within seconds where nothing answers."""
    if address is not None and address != "auto":
        _knock(address)
    # Ray reads these when it is imported and when it starts its processes: no usage report, no warning on the
    # accelerator's variable that later versions will change.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        options: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
        if folder is not None:
            options["runtime_env"] = {"working_dir": str(folder)}
        try:
            ray.init(
                **options, namespace=namespace, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True
            )
        except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as exc:
            raise Infrastructure(f"Ray at {address or 'this machine'} does not answer: {exc}; check --ray") from exc
    return ray


def _knock(address: str) -> None:
    """A quick try at the address, since Ray itself waits for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"--ray: an address is host:port, ray://host:port or auto, but got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as exc:
        raise Infrastructure(f"Ray at {address} does not answer: {exc}; check --ray, or leave it out") from exc


def _travelling(file: Path | None) -> Path | None:
    """A folder with a copy of the user's task file alone, which Ray sends to the nodes."""
    if file is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="slalom-task-"))
    shutil.copy(file, folder / file.name)
    return folder


def _brief(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {resources.get(name, 0):g}" for name in ("CPU", "GPU"))
