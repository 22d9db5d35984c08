"""The serial loop with the kernels that Slalom's lanes keep to, so that numbers do not depend on the machine."""

from __future__ import annotations

from functools import partial

from slalom_worker.lane.environment import pin_kernels
from tests.benchmarks.peers.contest import contest
from tests.benchmarks.peers.each_core import run
from tests.benchmarks.peers.serial import prepare

if __name__ == "__main__":
    pin_kernels()  # for the processes that are started
    contest(partial(run, prepare), "serial_pinned")
