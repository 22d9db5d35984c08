"""Slalom's own lane without loop, Ray and recording: a freed slot takes the next trial before the next epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from slalom.wire.trial import Turn
from slalom_worker.lane.environment import pin_kernels
from slalom_worker.lane.worker import LaneWorker
from tests.benchmarks.peers.contest import contest
from tests.benchmarks.peers.each_core import Done, run
from tests.benchmarks.peers.static_pack import orders
from tests.benchmarks.workloads import CORES, Workload
from tests.workers.trials import order


def prepare(workload: Workload, trials: int, core: int) -> Callable[[], Done]:
    """All trials of this core in one turn, at the width that the static pack has."""
    lane = LaneWorker(width=workload.width, turn_seconds=math.inf)
    mine = orders(workload, trials)[core::CORES]
    first = mine[0].trial
    lane.turn(Turn((order(replace(first, id=first.id._replace(number=trials), epochs=1)),)))

    def timed() -> Done:
        reply = lane.turn(Turn(tuple(mine)))
        best = min(result.metrics["validation.error"] for result in reply.results)
        return Done(best, reply.effort.trained, reply.effort.available)

    return timed


if __name__ == "__main__":
    pin_kernels()  # for the processes that are started: lanes have these kernels too
    contest(partial(run, prepare), "refilled")
