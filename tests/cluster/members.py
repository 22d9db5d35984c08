"""Drivers that do nothing but ask for lanes, each in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, signal, sys, time
from slalom.lanes.on_ray.connection import connected
from slalom.lanes.on_ray.sharing.membership import Membership

address, study, priority, lanes, demand, need = sys.argv[1:]
told = []
with connected(address, None, study) as ray:
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    member = Membership(ray, study, int(priority))
    slowest, shown = 0.0, "nothing"
    while not told:
        start = time.monotonic()
        share = member.claim(int(lanes), json.loads(need), int(demand))
        slowest = max(slowest, time.monotonic() - start)
        if share != shown:
            print(share, flush=True)
            shown = share
        time.sleep(0.02)
    member.leave()
    print(f"slowest {slowest:.3f}", flush=True)
"""


class Member:
    """A driver's process, and the share that it was last told of."""

    def __init__(self, process, said):
        self.process, self._said = process, said

    @property
    def share(self):
        lines = self._said.read_text().split("\n")[:-1]
        return int(lines[-1]) if lines and lines[-1].isdigit() else None

    def end(self):
        """Have it leave; the longest that it waited for an answer, in seconds."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        return float(self._said.read_text().split()[-1])

    def kill(self):
        self.process.kill()
        self.process.wait()


class Members:
    """Starts drivers on a cluster."""

    def __init__(self, address, folder):
        self.address, self._folder, self.all = address, folder, []

    def join(self, study, lanes=99, priority=0, demand=0, address=None, need='{"GPU": 1}'):
        said = self._folder / f"{study}.txt"
        words = [address or self.address, study, str(priority), str(lanes), str(demand), need]
        with said.open("w") as out:
            process = subprocess.Popen([sys.executable, "-c", PROGRAM, *words], stdout=out, cwd=ROOT)
        self.all.append(Member(process, said))
        return self.all[-1]


@contextmanager
def members(address, folder):
    """Drivers that are gone in the end."""
    started = Members(address, folder)
    try:
        yield started
    finally:
        for member in started.all:
            member.kill()
