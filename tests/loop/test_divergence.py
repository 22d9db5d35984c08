"""Invariant 5: a trial that diverges is a result, and counts against its arm."""

import math

import pytest

from slalom.records import InMemoryRecorder
from slalom.search.choice import contenders
from slalom.verdict.answers import Answer
from slalom.verdict.summary import State
from slalom.wire.trial import Outcome, Phase
from tests.loop.worlds import SEEDS, MemoryStore, Nature, budget, expected, scattered, study, train, written

SPEC = study()


def outcome_of(nature, spec=SPEC):
    """What was recorded of a study, and its trials."""
    recorder, store = InMemoryRecorder(), MemoryStore(spec)
    train(spec, store, scattered(1, nature=nature), recorder)
    assert store.notes()["state"] == State.COMPLETE
    assert recorder.records.trials == store.ended()
    return recorder.records.summary, store


def test_it_uses_up_a_trial_of_its_arms_budget_and_is_shown():
    fast = Nature(diverges=lambda trial: 2 if trial.params["learning_rate"] > 0.1 else None)
    summary, store = outcome_of(fast)
    assert written(SPEC, store) == budget(SPEC)
    for arm in summary.arms:
        tuned = [e for t, e in store.ended().items() if t.arm == arm.name and t.phase is Phase.TUNE]
        diverged = [trial for trial in tuned if trial.result.outcome is Outcome.DIVERGED]
        assert arm.tuning.diverged == len(diverged) > 0
        assert arm.tuning.trials == SPEC.tune.trials
        assert {trial.result.epochs for trial in diverged} == {2}
        assert all([report.epoch for report in trial.result.history] == [1] for trial in diverged)
        assert arm.chosen[0]["learning_rate"] <= 0.1


def test_a_confirm_trial_that_diverges_counts_as_the_worst():
    unlucky = Nature(diverges=lambda trial: 1 if trial.id == ("rising", "confirm", 2, 0) else None)
    summary, store = outcome_of(unlucky)
    rising = summary.arms[1].confirm
    assert (rising.seeds, rising.diverged, rising.worst) == (SEEDS, 1, 1.0)
    finite = [value for value in rising.values[0] if not math.isnan(value)]
    assert len(finite) == SEEDS - 1
    assert rising.mean == pytest.approx((sum(finite) + 1.0) / SEEDS)
    assert any("confirm trainings that diverged or failed: 1 of 6 of rising" in one for one in summary.verdict.warnings)
    assert written(SPEC, store) == budget(SPEC)


def test_an_arm_in_which_everything_diverges_is_not_confirmed_and_the_study_ends():
    summary, store = outcome_of(Nature(diverges=lambda trial: 1 if trial.id.arm == "rising" else None))
    assert summary.state is State.COMPLETE
    assert summary.arms[1].tuning.diverged == SPEC.tune.trials
    assert summary.arms[1].confirm is None
    assert summary.arms[1].chosen == (None,)
    assert "rising never finished a tuning trial (16 diverged of 16)." in summary.verdict.warnings
    assert summary.arms[0].confirm.seeds == SEEDS
    assert {trial.phase for trial in store.ended() if trial.arm == "rising"} == {Phase.TUNE}


def test_a_study_in_which_everything_diverges_says_so():
    summary, store = outcome_of(Nature(diverges=lambda trial: 1))
    assert summary.state is State.COMPLETE
    assert summary.verdict.sentence.startswith("No arm finished any of its 16 tuning trials")
    assert {trial.phase for trial in store.ended()} == {Phase.TUNE}


def test_an_arm_whose_confirm_trials_all_diverge_keeps_no_weights():
    summary, _ = outcome_of(Nature(diverges=lambda trial: 1 if trial.id[:2] == ("rising", "confirm") else None))
    rising = summary.arms[1]
    assert (rising.confirm.diverged, rising.confirm.mean) == (SEEDS, 1.0)
    assert rising.kept is None
    assert rising.difference.answer == Answer.WORSE


def test_what_diverges_in_one_search_alone_leaves_the_others_their_choice():
    """The search counts as the worst value, and what it would have confirmed is not trained."""
    spec = study(searches=6, pick=(2, 2), pruner="none", trials=8)
    summary, store = outcome_of(Nature(diverges=lambda trial: 1 if trial.id[0::3] == ("rising", 4) else None), spec)
    ended = store.ended()
    assert written(spec, store) == expected(spec, ended)
    assert {trial.phase for trial in ended if trial[0::3] == ("rising", 4)} == {Phase.TUNE}
    rising = summary.arms[1]
    assert [choice is None for choice in rising.chosen] == [False, False, False, False, True, False]
    assert [all(map(math.isnan, search)) for search in rising.confirm.values] == [n == 4 for n in range(6)]
    assert rising.confirm.searches == summary.arms[0].confirm.searches == 6


@pytest.mark.parametrize("lost", [{0}, {0, 1}, {0, 1, 2, 3}])
def test_a_contender_that_diverges_when_it_is_picked_is_not_chosen_while_another_is_whole(lost):
    """Where none is whole, the best tuning trial is the choice."""
    spec = study(pick=(4, 3), pruner="none")
    order = contenders(spec, "rising", 0, outcome_of(Nature(), spec)[1].ended())
    unlucky = Nature(
        diverges=lambda trial: (
            5 if trial.id.phase is Phase.PICK and trial.id.number in {3 * n + 1 for n in lost} else None
        )
    )
    summary, store = outcome_of(unlucky, spec)
    assert written(spec, store) == budget(spec)
    whole = [one for place, one in enumerate(order) if place not in lost]
    chosen = summary.arms[1].chosen[0]
    assert chosen in [one.spec.params for one in whole or order[:1]]
