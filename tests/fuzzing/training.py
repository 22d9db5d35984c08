"""What a study accepted trains, in a tiny form: a trial of each arm, an epoch each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slalom.study.model import StudySpec
from slalom.study.space import typical
from slalom.study.trials import trial_spec
from slalom.wire.trial import Order, Outcome, Phase, TrialId, TrialResult, Turn
from slalom_worker.lane.worker import LaneWorker

LARGEST = 200_000
"""Connections of a net that is trained here, over all; of larger ones nothing is trained."""


def trained(spec: StudySpec, folder: Path) -> list[TrialResult] | None:
    """How a trial of each arm ends; None where its nets are too large to train many."""
    orders = []
    for arm in spec.arms:
        trial = trial_spec(spec, TrialId(arm.name, Phase.CONFIRM, 0), typical(arm.space))
        size = spec.nets.size(trial.work)
        if size is None or size.connections * arm.nets > LARGEST:
            return None
        orders.append(Order(replace(trial, epochs=1, report_every=1), 1))
    worker, results = LaneWorker(folder, 1, turn_seconds=5.0), []
    turn = Turn(tuple(orders))
    for _ in range(20):
        reply = worker.turn(turn)
        results += reply.results
        if len(results) == len(orders):
            break
        turn = Turn()
    return results


def sound(results: list[TrialResult]) -> list[str]:
    """What went wrong: nothing where each trial is complete or has diverged."""
    return [f"{one.trial}: {one.error}" for one in results if one.outcome not in (Outcome.COMPLETE, Outcome.DIVERGED)]
