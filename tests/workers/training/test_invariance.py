"""Invariant 1: a trial's numbers are its own, whatever its neighbours, slot, width, arrival and interruptions."""

from functools import cache

import pytest
import torch

from slalom.wire.trial import Outcome, Phase, Turn
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.support.tiers import few
from tests.workers.cases import PRECISIONS, STRUCTURES, WIDTHS, cases, clouds_objective, clouds_work, diverging
from tests.workers.checks import check_invariance
from tests.workers.trials import CPU, objective, order, settings, trial, work

MIX = [
    settings("adam", learning_rate=0.01, hidden_dropout=0.3),
    settings("sgd", learning_rate=0.5, weight_decay=1e-4, decay_biases=False),
    settings("rmsprop", learning_rate=0.003, emphasis={"scheme": "class_balanced", "strength": 0.7, "by": "sampling"}),
    settings("nesterov", momentum={"schedule": "sutskever", "end": 0.99}, input_dropout=0.1),
    settings("momentum", momentum={"schedule": "gradient_norm", "start": 0.5, "end": 0.9}),
    settings("amsgrad", learning_rate=0.01, learning_rate_schedule={"schedule": "cosine", "end": 0.0}),
    settings("adam", learning_rate=0.002, weight_decay=1e-2),
]


@cache
def mixed():
    """The settings of all cases."""
    return [case.settings for case in cases()]


def some(of, count=64):
    """Trials of one epoch whose settings are spread over the cases."""
    chosen = [mixed()[4 * n % len(mixed())] | {"layer_rates": 1.0} for n in range(count)]  # nets differ in their layers
    return [trial(n, of, one, epochs=1) for n, one in enumerate(chosen)]


@pytest.mark.thorough
@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_setting_makes_a_trial_depend_on_its_pack(precision):
    """Every case, at every width, beside trials that diverge; 203 examples in batches of 33 leave 5."""
    of = clouds_work(batch_size=33, precision=precision, hidden=(7,))
    specs = [trial(n, of, chosen, epochs=2) for n, chosen in enumerate(mixed())]
    wild = diverging(of, epochs=2)
    check_invariance(clouds_objective(of), [*specs[:50], *wild, *specs[50:]], WIDTHS)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("name", "structure"), few(STRUCTURES))
def test_no_model_makes_a_trial_depend_on_its_pack(name, structure, precision):
    of = clouds_work(batch_size=51, precision=precision, name=name, **structure)
    check_invariance(clouds_objective(of), some(of), WIDTHS)


WORKS = {
    "digits, a last batch of one example": work(hidden=(32,), batch_size=359),
    "digits, wide": work(hidden=(100,), batch_size=301),
    "digits, odd widths": work(hidden=(33, 13), batch_size=250, activation="logistic"),
    "digits, relu, float64": work(hidden=(17,), batch_size=333, activation="relu", precision="float64"),
    "mixture, one unit": work("mixture", hidden=(3, 1), batch_size=None),
    "mixture, all at once": work("mixture", hidden=(10,), activation="scaled_tanh", batch_size=None),
}


@pytest.mark.parametrize("name", few(WORKS))
def test_no_size_makes_a_trial_depend_on_its_pack(name):
    check_invariance(objective(WORKS[name]), some(WORKS[name]), WIDTHS)


@pytest.mark.parametrize("name", few(["digits, wide", "digits, relu, float64"]))
def test_two_threads_are_no_matter_to_packs_of_two_and_more(name, two_threads):
    """A single matrix product is split over threads and then rounds differently: why a lane computes on one."""
    check_invariance(objective(WORKS[name]), some(WORKS[name], 16), (2, 7), disturbed=False)


def lane(width, **options):
    return LaneWorker(".", width, turn_seconds=0.0, device=CPU, **options)


def finish(worker, orders):
    """Every report and result of these orders."""
    reply, reports, results = worker.turn(Turn(tuple(orders))), [], []
    left = {one.trial.id for one in orders}
    while True:
        reports += reply.reports
        results += reply.results
        by_id = {one.trial.id: one for one in orders}
        left -= {result.trial for result in reply.results}
        left -= {report.trial for report in reply.reports if report.epoch >= by_id[report.trial].until}
        if not left:
            return reports, results
        reply = worker.turn(Turn())


def facts(reports, results):
    reported = {(report.trial, report.epoch): dict(report.metrics) for report in reports}
    ended = {result.trial: (result.outcome, result.epochs, dict(result.metrics)) for result in results}
    return reported, ended


def test_refill_order_and_rungs_change_no_number():
    of = work()
    specs = [trial(n, of, MIX[n % len(MIX)], epochs=4) for n in range(12)]
    alone = facts(*finish(lane(12), [order(spec) for spec in specs]))
    narrow = facts(*finish(lane(5), [order(spec) for spec in reversed(specs)]))
    assert narrow == alone
    worker = lane(3)
    first = finish(worker, [order(spec, until=1) for spec in specs])
    second = finish(worker, [order(spec, until=2) for spec in specs[::-1]])
    third = finish(worker, [order(spec) for spec in specs])
    assert facts(first[0] + second[0] + third[0], third[1]) == alone


def test_a_trial_goes_on_in_another_lane_as_if_nothing_had_been():
    of = work()
    spec = trial(0, of, MIX[4], epochs=4)
    whole = facts(*finish(lane(1), [order(spec)]))
    finish(lane(1), [order(spec, until=2)])
    assert facts(*finish(lane(1), [order(spec)])) == whole


def test_a_neighbour_that_diverges_touches_nobody():
    of = work(activation="relu")
    good = [trial(n, of, MIX[n % len(MIX)], epochs=3) for n in range(4)]
    wild = trial(9, of, settings("momentum", learning_rate=1e20), epochs=3)
    quiet = facts(*finish(lane(8), [order(spec) for spec in good]))
    reports, results = finish(lane(8), [order(spec) for spec in [*good[:2], wild, *good[2:]]])
    outcome = next(result for result in results if result.trial == wild.id)
    assert outcome.outcome is Outcome.DIVERGED
    assert outcome.epochs == 1
    others = facts(
        [report for report in reports if report.trial != wild.id],
        [result for result in results if result.trial != wild.id],
    )
    assert others == quiet


def test_dropout_at_rate_zero_is_the_net_without_it():
    of = work()
    chosen = settings("adam", learning_rate=0.01)
    program = objective(of)
    alone, beside = (Slot.start(order(trial(0, of, chosen)), program) for _ in range(2))
    dropping = Slot.start(order(trial(1, of, chosen | {"hidden_dropout": 0.5})), program)
    for slots in ([alone], [beside, dropping]):
        pack = Pack(program)
        pack.seat(slots)
        pack.advance()
    assert torch.equal(alone.tensors["parameters"], beside.tensors["parameters"])
    assert not torch.equal(alone.tensors["parameters"], dropping.tensors["parameters"])


def test_only_confirm_trials_see_test_data():
    of = work()
    chosen = settings("adam", learning_rate=0.01)
    _, tuned = finish(lane(2), [order(trial(0, of, chosen, Phase.TUNE, 2))])
    _, confirmed = finish(lane(2), [order(trial(0, of, chosen, Phase.CONFIRM, 2))])
    assert not any(name.startswith("test") for name in tuned[0].metrics)
    assert {"test.error", "test.loss", "test.accuracy", "train.error", "validation.error"} <= set(confirmed[0].metrics)


def test_a_full_pack_takes_the_next_trial_into_a_freed_slot():
    """A queue of 300, as successive halving leaves it: of three trials two end after 1 epoch, of nine one after 9."""
    of = work("mixture", hidden=(3,), batch_size=50)
    worker = LaneWorker(".", 4, turn_seconds=1e9, device=CPU)
    specs = [trial(n, of, settings("sgd"), epochs=9 if n % 9 == 0 else 3 if n % 3 == 0 else 1) for n in range(300)]
    reply = worker.turn(Turn(tuple(order(spec) for spec in specs)))
    assert len(reply.results) == 300
    assert reply.effort.trained == sum(spec.epochs for spec in specs)
    assert reply.effort.trained / reply.effort.available > 0.95
    assert reply.slots == 4
