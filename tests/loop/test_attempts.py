"""A lost lane costs an attempt; a trial whose attempts are spent is failed, and the study goes on."""

import re
from dataclasses import replace

import pytest

from slalom.errors import LaneLost
from slalom.loop.attempts import ATTEMPTS, DEATHS
from slalom.loop.plan import ArmPlan
from slalom.records import InMemoryRecorder
from slalom.search.on_optuna import Proposals
from slalom.wire.trial import Outcome, Phase, Report, TrialId, TrialResult
from tests.loop.worlds import MemoryStore, Nature, Wire, budget, exported, one_lane, scattered, study, train, written

SPEC = study()
BAD = TrialId("rising", Phase.TUNE, 3)
GONE, RAISED = LaneLost("lane 0: gone"), LaneLost("lane 0: ValueError", raised=True)
LEFT = LaneLost("lane 0: its node left", left=True)
LOOPED = LaneLost("lane 0 has come on no further", looped=True)


def raising(trial):
    return 1 if trial.id == BAD else None


@pytest.mark.parametrize("lanes", [1, 2, 8])
def test_a_trial_that_always_raises_is_failed_after_three_attempts(lanes):
    crew = scattered(1, lanes, Nature(raises=raising))
    store = train(SPEC, lanes=crew)
    ended = store.ended()
    failed = {trial: e.result for trial, e in ended.items() if e.result.outcome is Outcome.FAILED}
    assert set(failed) == {BAD}
    assert failed[BAD].attempt == ATTEMPTS - 1 == 2
    assert "ZeroDivisionError: rising/0/tune/3 in epoch 1" in failed[BAD].error
    assert written(SPEC, store) == budget(SPEC)
    assert sorted(attempt for trial, attempt, epoch in crew.trained if trial == BAD) == [0, 1, 2]


def test_a_lane_that_is_lost_is_told_at_once_but_not_a_trial_that_raises():
    told = []
    lanes = scattered(4, 3, Nature(raises=raising), deaths=6)
    train(SPEC, lanes=lanes, watch=lambda progress: told.extend(progress.told))
    assert len(told) == lanes.died - ATTEMPTS == 3
    assert all(re.fullmatch(r"lane \d.*?(; \d+ trials? in it lost an attempt)?", line) for line in told), told
    assert any("lost an attempt" in line for line in told)


def test_a_failed_trial_is_counted_in_its_arm():
    recorder = InMemoryRecorder()
    train(SPEC, lanes=one_lane(Nature(raises=raising)), recorder=recorder)
    assert [arm.tuning.failed for arm in recorder.records.summary.arms] == [0, 1]
    assert [arm.tuning.trials for arm in recorder.records.summary.arms] == [16, 16]


def test_a_study_in_which_everything_raises_ends():
    store = train(SPEC, lanes=scattered(1, 2, Nature(raises=lambda trial: 1)))
    outcomes = [ended.result.outcome for ended in store.ended().values()]
    assert outcomes == [Outcome.FAILED] * 2 * SPEC.tune.trials


def test_the_attempt_that_gave_the_numbers_is_on_record():
    """Each lane that dies costs the trials in it one: what ended in the first try has attempt 0."""
    lanes = scattered(4, 3, deaths=6)
    store = train(SPEC, lanes=lanes)
    results = [e.result for t, e in store.ended().items() if t.phase is Phase.TUNE and e.result.epochs == SPEC.epochs]
    assert lanes.died == 6
    assert [result.attempt for result in results] == [lanes.losses.get(result.trial, 0) for result in results]
    assert len({result.attempt for result in results}) > 1
    assert {ended.result.attempt for ended in train(SPEC).ended().values()} == {0}


@pytest.mark.parametrize("seed", range(12))
def test_late_answers_of_a_lost_attempt_are_dropped(seed):
    """Here a lane that dies answers after its death, with numbers that would win."""
    lanes = scattered(seed, 4, deaths=20, echoes=True)
    store = train(SPEC, lanes=lanes)
    assert lanes.lies > 0
    assert exported(SPEC, store) == exported(SPEC, train(SPEC))


def plan():
    """An arm whose first generation is due, and its orders by number."""
    arm = ArmPlan(SPEC, SPEC.arms[0], Proposals, {})
    return arm, {order.trial.id.number: order for order in arm.due()}


def test_a_lost_trial_comes_up_again_with_the_next_attempt():
    arm, orders = plan()
    arm.lost(orders[5].trial.id, GONE)
    assert arm.due() == [replace(orders[5], trial=replace(orders[5].trial, attempt=1))]
    assert arm.due() == []


@pytest.mark.parametrize(
    ("losses", "fails"),
    [
        ([RAISED] * ATTEMPTS, True),
        ([GONE] * (DEATHS - 1), False),
        ([GONE] * DEATHS, True),
        ([GONE] * (ATTEMPTS - 1) + [RAISED], True),
        ([RAISED] * (ATTEMPTS - 1) + [GONE], False),
        ([LEFT] * (DEATHS - 1), False),
        ([LEFT] * DEATHS, True),
        ([LEFT] * ATTEMPTS + [RAISED] * (ATTEMPTS - 1), False),
        ([LEFT] * ATTEMPTS + [RAISED] * ATTEMPTS, True),
        ([LOOPED] * (ATTEMPTS - 1), False),
        ([LOOPED] * ATTEMPTS, True),
    ],
)
def test_machines_that_go_are_not_the_trials_fault(losses, fails):
    """A lane that dies is forgiven more often than a trial that raises."""
    arm, orders = plan()
    for loss in losses:
        arm.lost(orders[5].trial.id, loss)
        again = [order.trial.attempt for order in arm.due()]
    ended = [(over.result.outcome, over.result.error) for over in arm.over()]
    assert ended == ([(Outcome.FAILED, str(losses[-1]))] if fails else [])
    assert again == ([] if fails else [len(losses)])


@pytest.mark.parametrize(
    ("losses", "alone"),
    [
        ([GONE] * (ATTEMPTS - 2), False),
        ([GONE] * (ATTEMPTS - 1), True),
        ([RAISED] * (ATTEMPTS - 1), True),
        ([LOOPED] * (ATTEMPTS - 1), True),
        ([RAISED] + [LEFT] * (ATTEMPTS - 1), False),
        ([LEFT] * (DEATHS // 2 - 1), False),
        ([LEFT] * (DEATHS // 2), True),
    ],
)
def test_a_trial_is_alone_once_it_may_be_to_blame(losses, alone):
    """At its next rung too; that its nodes leave says so late."""
    arm, orders = plan()
    trial = orders[0].trial.id
    for loss in losses:
        arm.lost(trial, loss)
        again = [order.alone for order in arm.due()]
    for order in orders.values():
        attempt = len(losses) if order.trial.id == trial else 0
        arm.hear(Report(order.trial.id, attempt, 1, {"validation.error": order.trial.id.number / 10}))
    assert again == [alone]
    assert {order.trial.id.number: order.alone for order in arm.due()} == {0: alone, 1: False, 2: False}


def test_a_trial_that_waits_at_a_rung_loses_no_attempt():
    """Its lane can die as often as it likes: it was not trained."""
    arm, orders = plan()
    for order in orders.values():
        arm.hear(Report(order.trial.id, 0, 1, {"validation.error": order.trial.id.number / 10}))
        if order.trial.id.number < 7:
            arm.lost(orders[0].trial.id, GONE)
    assert [(order.trial.id.number, order.trial.attempt, order.until) for order in arm.due()] == [
        (number, 0, 3) for number in range(3)
    ]


def test_answers_of_another_attempt_end_nothing():
    arm, orders = plan()
    trial = orders[0].trial.id
    arm.lost(trial, GONE)
    for late in (0, 7):
        arm.end(TrialResult(trial, late, Outcome.COMPLETE, 9, {"validation.error": 0.0}))
        arm.hear(Report(trial, late, 1, {"validation.error": 0.0}))
    assert arm.over() == []
    arm.end(TrialResult(trial, 1, Outcome.DIVERGED, 1, {}))
    arm.end(TrialResult(trial, 1, Outcome.COMPLETE, 9, {"validation.error": 0.0}))
    assert [(ended.spec.attempt, ended.result.outcome) for ended in arm.over()] == [(1, Outcome.DIVERGED)]


@pytest.mark.parametrize("seed", range(6))
def test_every_trial_on_record_is_of_one_attempt(seed):
    """Its spec, its result and its history, in the store and in the run that wrote it."""
    recorder = InMemoryRecorder()
    store = train(SPEC, lanes=scattered(seed, 3, deaths=30, spare=False), recorder=recorder)
    assert recorder.records.trials == store.ended()
    for ended in store.ended().values():
        attempts = {ended.spec.attempt, ended.result.attempt, *(report.attempt for report in ended.result.history)}
        assert len(attempts) == 1


@pytest.mark.parametrize("seed", range(6))
def test_the_best_confirm_trial_is_trained_again_for_its_weights(seed):
    recorder = InMemoryRecorder()
    store = train(SPEC, lanes=scattered(seed, 3, deaths=2, echoes=True), recorder=recorder)
    arms = recorder.records.summary.arms
    best = {TrialId(arm.name, Phase.CONFIRM, arm.kept[1], arm.kept[0]) for arm in arms}
    assert set(recorder.records.models) == best
    assert store.notes()["reproduced"] == {arm.name: True for arm in arms}
    for trial in best:
        assert recorder.records.models[trial] == (repr(store.ended()[trial].spec.seeds).encode(),)


def test_a_confirm_trial_that_does_not_come_out_the_same_is_told():
    class Fickle(Nature):
        def metrics(self, trial, epoch):
            again = trial.id.arm == "rising" and trial.id.phase is Phase.CONFIRM and trial.attempt
            return super().metrics(trial, epoch) | ({"test.error": 0.5} if again else {})

    store = train(SPEC, lanes=one_lane(Fickle()))
    assert store.notes()["reproduced"] == {"constant": True, "rising": False}


def test_a_run_that_starts_anew_starts_attempts_anew():
    """Attempts are tries of one run: what an earlier one spent is forgotten with it."""
    nature = Nature(raises=raising)
    store = MemoryStore(SPEC)
    with pytest.raises(OSError, match="gone"):
        train(SPEC, store, scattered(1, 2, nature), wire=Wire(12))
    assert BAD not in store.ended()
    train(SPEC, store, scattered(2, 2, nature))
    assert store.ended()[BAD].result.attempt == 2
