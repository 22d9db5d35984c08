"""What goes wrong, and how: each fault has a site to strike, and ways to strike it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from tests.chaos.servers import mlflow_server, namespaces, postmaster, two_nodes
from tests.chaos.struck import Site
from tests.cluster.clusters import descendants, title
from tests.support.patience import Patience
from tests.support.postgres import binaries, server

TERM, KILL, STOP, RESTART = "SIGTERM", "SIGKILL", "SIGSTOP for a while", "restart"
FOR_A_WHILE, TO_THE_END = "for a while", "until the run has ended"
SIGNALS = {TERM: signal.SIGTERM, KILL: signal.SIGKILL, RESTART: signal.SIGINT}

Strike = Callable[[str, Random], None]


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    world: given a folder and a name for the study, a site and what strikes it, until the block is left
    refusal: why this machine does not permit it; None where it does
    """

    name: str
    ways: tuple[str, ...]
    world: Callable[[Path, str], AbstractContextManager[tuple[Site, Strike]]]
    refusal: Callable[[], str | None] = lambda: None


def send(pids: list[int], way: str, chance: Random) -> None:
    """Send processes what the way says; stopped ones go on after a while."""
    if way != STOP:
        return _kill(pids, SIGNALS[way])
    _kill(pids, signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 4.0))
    return _kill(pids, signal.SIGCONT)


def _kill(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def driver(folder: Path, name: str, *, local: bool = False) -> Iterator[tuple[Site, Strike]]:
    site = Site(folder, name, local=local)
    yield site, lambda way, chance: send([site.present.pid], way, chance)


@contextmanager
def part(word: str, folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    """A process of the command's own Ray, by the beginning of its title or the end of its program's path."""
    site = Site(folder, name)

    def strike(way: str, chance: Random) -> None:
        patience = Patience(30)
        while site.present.poll() is None and not patience.over:
            titles = {pid: title(pid) for pid in descendants(site.present.pid)}
            found = [pid for pid, text in titles.items() if text.startswith(word) or text.split(" ")[0].endswith(word)]
            if found:
                send(found[:1], way, chance)
                return
            time.sleep(0.05)

    yield site, strike


@contextmanager
def node(folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    with two_nodes() as nodes:
        site = Site(folder, name, options=("--ray", nodes.address))

        def strike(way: str, chance: Random) -> None:
            send(nodes.processes(), way, chance)
            if way != STOP:
                nodes.replace()

        yield site, strike


@contextmanager
def network(folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    with namespaces() as nodes:
        site = Site(folder, name, options=("--ray", nodes.address), prefix=nodes.prefix)

        def strike(way: str, chance: Random) -> None:
            nodes.cut()
            time.sleep(chance.uniform(1.0, 5.0) if way == FOR_A_WHILE else 45.0)
            nodes.mend()

        yield site, strike


@contextmanager
def postgresql(folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    programs = binaries()
    assert programs is not None
    with server(programs) as running:
        site = Site(folder, name, local=True, storage=running.url)

        def strike(way: str, chance: Random) -> None:
            pids = [postmaster(running), *descendants(postmaster(running))]
            if way == STOP:
                return send(pids, way, chance)
            if way == RESTART:
                running.stop()
            else:
                send(pids[:1] if way == TERM else pids, way, chance)
            time.sleep(chance.uniform(0.5, 4.0))
            with suppress(AssertionError):  # it is down already
                running.stop()
            return running.start()

        yield site, strike


@contextmanager
def mlflow(folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    with mlflow_server(folder) as running:
        variables = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "3", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        site = Site(folder, name, local=True, tracking=running.uri, variables=variables)

        def strike(way: str, chance: Random) -> None:
            send(running.processes(), TERM if way == RESTART else way, chance)
            if way != STOP:
                time.sleep(chance.uniform(0.0, 3.0))
                running.start()

        yield site, strike


@contextmanager
def artifacts(folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    site = Site(folder, name, local=True)
    place = folder / "home" / "artifacts"

    def strike(way: str, chance: Random) -> None:
        place.mkdir(exist_ok=True)
        _run("mount", "--bind", str(place), str(place))
        try:
            _run("mount", "-o", "remount,ro,bind", str(place))
            _wait(site, way, chance)
        finally:
            _run("umount", "-l", str(place))

    yield site, strike


@contextmanager
def disk(folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    home = folder / "home"
    home.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", "size=48m", "none", str(home))
    try:
        site = Site(folder, name, local=True)

        def strike(way: str, chance: Random) -> None:
            ballast = home / "ballast"
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16 if shutil.disk_usage(home).free > 1 << 17 else 512))
            _wait(site, way, chance)
            ballast.unlink()

        yield site, strike
    finally:
        _run("umount", "-l", str(home))


@contextmanager
def clock(folder: Path, name: str) -> Iterator[tuple[Site, Strike]]:
    file = folder / "clock"
    variables = {"SLALOM_CHAOS_CLOCK": str(file), "PYTHONPATH": str(Path(__file__).with_name("clock"))}
    site = Site(folder, name, local=True, variables=variables)

    def strike(way: str, _: Random) -> None:
        file.write_text({"an hour on": "3600", "a day back": "-86400", "a year on": "31536000"}[way])

    yield site, strike


def _wait(site: Site, way: str, chance: Random) -> None:
    if way == TO_THE_END:
        site.code()
    else:
        time.sleep(chance.uniform(0.5, 4.0))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def no_mounts() -> str | None:
    """Why nothing can be mounted here."""
    done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return done.stderr.decode().strip() if done.returncode or os.getuid() else None


def no_namespaces() -> str | None:
    """Why there can be no networks of one's own here."""
    if os.getuid():
        return "to join two networks takes root"
    done = subprocess.run(["unshare", "-n", "ip", "link"], capture_output=True, check=False)
    return done.stderr.decode().strip() if done.returncode else None


FAULTS = (
    Fault("driver", (TERM, KILL, STOP, RESTART), driver),
    Fault("lane", (TERM, KILL, STOP), partial(part, "ray::LaneActor")),
    Fault("raylet", (TERM, KILL, STOP), partial(part, "/raylet")),
    Fault("node", (TERM, KILL, STOP), node),
    Fault("Ray's head", (TERM, KILL, STOP), partial(part, "/gcs_server")),
    Fault(
        "PostgreSQL",
        (TERM, KILL, STOP, RESTART),
        postgresql,
        lambda: None if binaries() else "PostgreSQL is not installed",
    ),
    Fault("MLflow server", (TERM, KILL, STOP, RESTART), mlflow),
    Fault("artifact folder unwritable", (FOR_A_WHILE, TO_THE_END), artifacts, no_mounts),
    Fault("disk full", (FOR_A_WHILE, TO_THE_END), disk, no_mounts),
    Fault("clock jumped", ("an hour on", "a day back", "a year on"), clock),
    Fault("network between two nodes cut", (FOR_A_WHILE, "for 45 s"), network, no_namespaces),
)
"""The kinds of faults, and the ways of each."""

SHORT = Fault("driver, lanes in its process", (TERM, KILL, STOP, RESTART), partial(driver, local=True))
"""The same as the first without Ray, for a test."""
