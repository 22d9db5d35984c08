"""Slalom's own lane without loop, Ray and recording: a freed slot takes the next trial before the next epoch."""

from __future__ import annotations

import math
from dataclasses import replace

from slalom.wire.trial import Turn
from slalom_worker.lane.worker import LaneWorker
from tests.benchmarks.peers.contest import Timing, contest
from tests.benchmarks.peers.moments import now
from tests.benchmarks.peers.static_pack import orders
from tests.benchmarks.workloads import Workload
from tests.workers.trials import order


def run(workload: Workload, trials: int) -> Timing:
    """All trials in one turn, at the width that the static pack has."""
    lane = LaneWorker(width=workload.width, turn_seconds=math.inf)
    waiting = orders(workload, trials)
    first = waiting[0].trial
    lane.turn(Turn((order(replace(first, id=first.id._replace(number=trials), epochs=1)),)))
    began = now()
    reply = lane.turn(Turn(tuple(waiting)))
    spent = now().since(began)
    best = min(result.metrics["validation.error"] for result in reply.results)
    return Timing(1, len(reply.results), *spent, best, reply.effort.trained / reply.effort.available)


if __name__ == "__main__":
    contest(run, "refilled")
