"""What the rounds of a fault stand on: sites to strike, and what strikes them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.servers import mlflow_server, namespaces, postmaster, two_nodes
from tests.chaos.struck import TOTAL, Site
from tests.cluster.clusters import descendants, lane_processes, ray_cluster, title
from tests.support.patience import Patience
from tests.support.postgres import binaries, server

TERM, KILL, STOP, RESTART = "SIGTERM", "SIGKILL", "SIGSTOP for a while", "restart"
FOR_A_WHILE, TO_THE_END = "for a while", "until the run has ended"
SIGNALS = {TERM: signal.SIGTERM, KILL: signal.SIGKILL, RESTART: signal.SIGINT}


@dataclass(frozen=True)
class Stage:
    """A server or a cluster that several rounds share, or nothing.

    site: given a folder and a name for the study, a site
    strike: given the site, a way and chance, strikes; gives False where the command ended before it could
    """

    site: Callable[[Path, str], Site]
    strike: Callable[[Site, str, Random], bool]


def send(pids: Sequence[int], way: str, chance: Random) -> bool:
    """Send processes what the way says; stopped ones go on after a while. Gives whether any was there."""
    if way != STOP:
        return kill(pids, SIGNALS[way])
    found = kill(pids, signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 4.0))
    kill(pids, signal.SIGCONT)
    return found


def kill(pids: Sequence[int], number: int) -> bool:
    """Send processes a signal; gives whether any was there."""
    found = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            found += 1
    return found > 0


def until_found(site: Site, look: Callable[[], list[int]]) -> list[int]:
    """What is looked for, once there is any; none where the command ends before."""
    patience = Patience(60)
    while site.present.poll() is None:
        if found := look():
            return found
        assert not patience.over, f"there is nothing to strike: {site.log}"
        time.sleep(0.02)
    return []


@contextmanager
def driver(_: Path, *, local: bool = False) -> Iterator[Stage]:
    """The command's own process."""
    yield Stage(
        lambda folder, name: Site(folder, name, local=local),
        lambda site, way, chance: site.present.poll() is None and send([site.present.pid], way, chance),
    )


@contextmanager
def part(word: str, _: Path) -> Iterator[Stage]:
    """A process of the command's own Ray, by the end of its program's path."""

    def strike(site: Site, way: str, chance: Random) -> bool:
        return send(until_found(site, lambda: _programs(site, word))[:1], way, chance)

    yield Stage(Site, strike)


def _programs(site: Site, word: str) -> list[int]:
    return [pid for pid in descendants(site.present.pid) if title(pid).split(" ")[0].endswith(word)]


@contextmanager
def lane(_: Path) -> Iterator[Stage]:
    """One of the lanes, on a cluster that goes on."""
    with ray_cluster(0, cpus=2) as cluster:
        options = ("--ray", str(cluster.address))

        def strike(site: Site, way: str, chance: Random) -> bool:
            found = until_found(site, lambda: list(lane_processes()))
            return site.ended() < TOTAL and send([chance.choice(found)] if found else [], way, chance)

        yield Stage(lambda folder, name: Site(folder, name, options=options), strike)


@contextmanager
def node(_: Path) -> Iterator[Stage]:
    """The node beside the head; in place of one that is gone there is another."""
    with two_nodes() as nodes:

        def strike(site: Site, way: str, chance: Random) -> bool:
            until_found(site, lambda: list(lane_processes()))
            struck = site.present.poll() is None and send(nodes.processes(), way, chance)
            if struck and way != STOP:
                nodes.replace()
            return struck

        yield Stage(lambda folder, name: Site(folder, name, options=("--ray", nodes.address)), strike)


@contextmanager
def network(_: Path) -> Iterator[Stage]:
    """The wire between two nodes."""
    with namespaces() as nodes:

        def strike(site: Site, way: str, chance: Random) -> bool:
            if not until_found(site, lambda: list(lane_processes())):
                return False
            nodes.cut()
            time.sleep(chance.uniform(1.0, 5.0) if way == FOR_A_WHILE else 45.0)
            nodes.mend()
            return True

        options = ("--ray", nodes.address)
        yield Stage(lambda folder, name: Site(folder, name, options=options, prefix=nodes.prefix), strike)


@contextmanager
def postgresql(_: Path) -> Iterator[Stage]:
    """A server that is always started again."""
    programs = binaries()
    assert programs is not None
    with server(programs) as running:

        def strike(site: Site, way: str, chance: Random) -> bool:
            struck = site.present.poll() is None
            pids = [postmaster(running), *descendants(postmaster(running))]
            if way == STOP:
                return send(pids, way, chance) and struck
            if way == RESTART:
                running.stop()
            else:
                send(pids[:1] if way == TERM else pids, way, chance)
            time.sleep(chance.uniform(0.5, 4.0))
            with suppress(AssertionError):  # it is down already
                running.stop()
            running.start()
            return struck

        yield Stage(lambda folder, name: Site(folder, name, local=True, storage=running.url), strike)


@contextmanager
def mlflow(folder: Path) -> Iterator[Stage]:
    """A server that is started again at its port, over its file."""
    with mlflow_server(folder) as running:
        variables = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "3", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}

        def strike(site: Site, way: str, chance: Random) -> bool:
            struck = site.present.poll() is None and send(running.processes(), TERM if way == RESTART else way, chance)
            if struck and way != STOP:
                time.sleep(chance.uniform(0.0, 3.0))
                running.start()
            return struck

        yield Stage(
            lambda place, name: Site(place, name, local=True, tracking=running.uri, variables=variables), strike
        )


@contextmanager
def artifacts(_: Path) -> Iterator[Stage]:
    """The home's folder of artifacts, mounted so that nobody can write."""

    def strike(site: Site, way: str, chance: Random) -> bool:
        place = site.folder / "home" / "artifacts"
        place.mkdir(exist_ok=True)
        struck = site.present.poll() is None
        _run("mount", "--bind", str(place), str(place))
        try:
            _run("mount", "-o", "remount,ro,bind", str(place))
            _wait(site, way, chance)
        finally:
            _run("umount", "-l", str(place))
        return struck

    yield Stage(lambda folder, name: Site(folder, name, local=True), strike)


@contextmanager
def disk(_: Path) -> Iterator[Stage]:
    """A small file system as home, filled to the last byte."""
    mounted: list[Path] = []

    def site(folder: Path, name: str) -> Site:
        home = folder / "home"
        home.mkdir(parents=True)
        _run("mount", "-t", "tmpfs", "-o", "size=48m", "none", str(home))
        mounted.append(home)
        return Site(folder, name, local=True, at_end=lambda: _run("umount", "-l", str(mounted.pop())))

    def strike(site: Site, way: str, chance: Random) -> bool:
        home, struck = site.folder / "home", site.present.poll() is None
        ballast = home / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16 if shutil.disk_usage(home).free > 1 << 17 else 512))
        _wait(site, way, chance)
        ballast.unlink()
        return struck

    yield Stage(site, strike)


@contextmanager
def clock(_: Path) -> Iterator[Stage]:
    """Python's clock in all processes of the command."""

    def site(folder: Path, name: str) -> Site:
        variables = {
            "SLALOM_CHAOS_CLOCK": str(folder / "clock"),
            "PYTHONPATH": str(Path(__file__).with_name("clock")),
        }
        return Site(folder, name, local=True, anew=True, variables=variables)

    def strike(site: Site, way: str, _: Random) -> bool:
        seconds = {"an hour on": "3600", "a day back": "-86400", "a year on": "31536000"}[way]
        (site.folder / "clock").write_text(seconds)
        return site.present.poll() is None

    yield Stage(site, strike)


def _wait(site: Site, way: str, chance: Random) -> None:
    if way == TO_THE_END:
        site.code()
    else:
        time.sleep(chance.uniform(0.5, 4.0))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
