"""Servers and nodes that a round strikes, with a way to have them back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from tests.cluster.clusters import add_node, descendants, free_port, ray_cluster, raylet
from tests.support.patience import Patience, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Postgres

RAY = str(Path(sys.executable).with_name("ray"))


def postmaster(running: Postgres) -> int:
    """The number of the server's first process."""
    return int((running.folder / "data" / "postmaster.pid").read_text().split()[0])


class MlflowServer:
    """A tracking server of one process group over a file of its own, always at the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in place of one that was there, and wait until it answers."""
        self.end()
        words = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port), "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{self.folder / 'server.db'}"]
        words += ["--artifacts-destination", str(self.folder / "files")]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(words, stdout=log, stderr=log, env=environment, start_new_session=True)
        patience = Patience(60, lambda: written(self.folder))
        while not self._answers():
            assert not patience.over, f"MLflow's server does not answer: {(self.folder / 'server.log').read_text()}"
            time.sleep(0.1)

    def processes(self) -> list[int]:
        """Its own, and its workers."""
        assert self.server is not None
        return [self.server.pid, *descendants(self.server.pid)]

    def end(self) -> None:
        """Kill it."""
        if self.server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()

    def _answers(self) -> bool:
        with suppress(OSError), urlopen(f"{self.uri}/health", timeout=5) as response:
            return bool(response.status == 200)
        return False


@contextmanager
def mlflow_server(folder: Path) -> Iterator[MlflowServer]:
    """A running server."""
    running = MlflowServer(folder)
    try:
        running.start()
        yield running
    finally:
        running.end()


@dataclass
class Nodes:
    """A Ray cluster of a head and one node beside it."""

    cluster: Any
    node: Any

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def processes(self) -> list[int]:
        """The node's raylet, and all that it has started."""
        return [raylet(self.node), *descendants(raylet(self.node))]

    def replace(self) -> None:
        """A node in place of the one that is gone."""
        self.cluster.remove_node(self.node)
        self.node = add_node(self.cluster)


@contextmanager
def two_nodes() -> Iterator[Nodes]:
    """A cluster on this machine."""
    with ray_cluster(0, 0) as cluster:
        (other,) = cluster.worker_nodes
        yield Nodes(cluster, other)


@dataclass
class Networks:
    """A Ray cluster of two nodes, each in a network of its own, and a wire between them.

    names: of the networks, the head's first
    """

    names: tuple[str, str]
    folder: Path
    node: subprocess.Popen[bytes] | None = None

    address = "10.77.0.1:6399"

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command in the head's network."""
        return ("ip", "netns", "exec", self.names[0])

    def cut(self) -> None:
        _ip("-n", self.names[1], "link", "set", self.names[1], "down")

    def mend(self) -> None:
        """Join the two again, and start a node where the one that was there has given up."""
        _ip("-n", self.names[1], "link", "set", self.names[1], "up")
        time.sleep(2.0)
        if self.node is not None and self.node.poll() is not None:
            self.start_node()

    def start_node(self) -> None:
        words = (f"--address={self.address}", "--node-ip-address=10.77.0.2")
        self.node = self._ray(self.names[1], *words)

    def start_head(self) -> subprocess.Popen[bytes]:
        words = ("--head", "--port=6399", "--node-ip-address=10.77.0.1", "--include-dashboard=false")
        head = self._ray(self.names[0], *words, f"--temp-dir={self.folder}")
        patience = Patience(60)
        while subprocess.run(
            [*self.prefix, "bash", "-c", "echo > /dev/tcp/10.77.0.1/6399"], capture_output=True, check=False
        ).returncode:
            assert not patience.over, "Ray's head does not answer"
            time.sleep(0.2)
        return head

    def _ray(self, network: str, *words: str) -> subprocess.Popen[bytes]:
        least = ("--num-cpus=1", "--num-gpus=0", "--object-store-memory=80000000", "--block", "--disable-usage-stats")
        # else it would ask for the token that a local Ray of this user's has left behind, and the command has none
        environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
        with (self.folder / "log").open("ab") as log:
            command = ["ip", "netns", "exec", network, RAY, "start", *words, *least]
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)


@contextmanager
def namespaces() -> Iterator[Networks]:
    """Two networks with a wire between them, and a cluster over it."""
    ends = tuple(f"chaos{os.getpid() % 100_000}{end}" for end in "ab")
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as folder:
        nodes = Networks((ends[0], ends[1]), Path(folder))
        try:
            for end in ends:
                _ip("netns", "add", end)
            _ip("link", "add", ends[0], "netns", ends[0], "type", "veth", "peer", "name", ends[1], "netns", ends[1])
            for end, address in zip(ends, ("10.77.0.1/24", "10.77.0.2/24"), strict=True):
                _ip("-n", end, "address", "add", address, "dev", end)
                _ip("-n", end, "link", "set", "lo", "up")
                _ip("-n", end, "link", "set", end, "up")
            started.append(nodes.start_head())
            nodes.start_node()
            yield nodes
        finally:
            for process in [*started, *([nodes.node] if nodes.node else [])]:
                for pid in [*descendants(process.pid), process.pid]:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.wait()
            for end in ends:
                for pid in _pids(end):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                with suppress(subprocess.CalledProcessError):
                    _ip("netns", "delete", end)


def _pids(network: str) -> list[int]:
    """The processes that live in one of our networks."""
    done = subprocess.run(["ip", "netns", "pids", network], capture_output=True, text=True, check=False)
    return [*map(int, done.stdout.split())]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
