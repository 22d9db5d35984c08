"""Early stopping by validation: the best net so far is measured, and nothing changes after the net has stopped."""

from dataclasses import replace

from slalom.wire.trial import Turn
from slalom_worker.lane.worker import LaneWorker
from tests.workers.trials import CPU, order, settings, trial, work

EPOCHS, PATIENCE = 24, 2
WORK = work("mixture", hidden=(10,), batch_size=20)
STOPPING = {"by": "validation", "patience": PATIENCE}
SPECS = [
    trial(n, WORK, settings("adam", learning_rate=rate, early_stopping=STOPPING), epochs=EPOCHS)
    for n, rate in enumerate((0.3, 0.1, 0.03))
]


def trained(specs, rungs=(EPOCHS,), width=8):
    """Every report's metrics by trial and epoch, and the slot-epochs that it took."""
    worker = LaneWorker(".", width, turn_seconds=0.0, device=CPU)
    found, took = {}, 0
    for rung in rungs:
        reply = worker.turn(Turn(tuple(order(spec, until=rung) for spec in specs)))
        while True:
            found |= {(one.trial.number, one.epoch): dict(one.metrics) for one in reply.reports}
            took += reply.effort.trained
            if all((spec.id.number, rung) in found for spec in specs):
                break
            reply = worker.turn(Turn())
    return found, took


def losses(found, number):
    return [found[number, epoch]["validation.loss"] for epoch in range(1, EPOCHS + 1)]


def test_the_best_net_up_to_its_stop_is_measured():
    plain = [replace(spec, settings={**spec.settings, "early_stopping": {"by": "none"}}) for spec in SPECS]
    every, _ = trained(plain)
    found, _ = trained(SPECS)
    stopped = 0
    for number in range(len(SPECS)):
        wanted, waited = [], 0
        for loss in losses(every, number):
            better = waited < PATIENCE and (not wanted or loss < wanted[-1])
            wanted.append(loss if better else wanted[-1])
            waited = 0 if better else waited + 1
        stopped += waited >= PATIENCE
        assert losses(found, number) == wanted
    assert stopped >= 2


def test_rungs_widths_and_another_lane_change_no_number():
    whole, _ = trained(SPECS)
    for rungs, width in (((1, 3, 9, EPOCHS), 8), ((5, EPOCHS), 2), (tuple(range(1, EPOCHS + 1)), 1)):
        assert trained(SPECS, rungs, width)[0] == whole


def test_time_is_saved_where_reports_are_rare():
    rare = [replace(spec, report_every=EPOCHS) for spec in SPECS]
    found, took = trained(rare)
    assert took < EPOCHS * len(rare)
    assert {epoch for _, epoch in found} == {EPOCHS}
    often, _ = trained(SPECS)
    assert [found[n, EPOCHS] for n in range(len(rare))] == [often[n, EPOCHS] for n in range(len(rare))]
