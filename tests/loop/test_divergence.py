"""Invariant 5: a trial that diverges is a result, and counts against its arm."""

from slalom.records import InMemoryRecorder
from slalom.verdict.summary import State
from slalom.wire.trial import Outcome, Phase
from tests.loop.worlds import SEEDS, MemoryStore, Nature, budget, scattered, study, train, written

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
        assert arm.chosen["learning_rate"] <= 0.1


def test_a_confirm_trial_that_diverges_counts_as_the_worst():
    unlucky = Nature(diverges=lambda trial: 1 if trial.id == ("rising", "confirm", 2) else None)
    summary, store = outcome_of(unlucky)
    rising = summary.arms[1].confirm
    assert (rising.seeds, rising.diverged, rising.values[2]) == (SEEDS, 1, 1.0)
    assert "1 of 6 confirm trials of rising diverged or failed" in summary.verdict.sentence
    assert written(SPEC, store) == budget(SPEC)


def test_an_arm_in_which_everything_diverges_is_not_confirmed_and_the_study_ends():
    summary, store = outcome_of(Nature(diverges=lambda trial: 1 if trial.id.arm == "rising" else None))
    assert summary.state is State.COMPLETE
    assert summary.arms[1].tuning.diverged == SPEC.tune.trials
    assert summary.arms[1].confirm is None
    assert summary.arms[1].chosen is None
    assert "rising never finished a tuning trial (16 diverged of 16)" in summary.verdict.sentence
    assert summary.arms[0].confirm.seeds == SEEDS
    assert {trial.phase for trial in store.ended() if trial.arm == "rising"} == {Phase.TUNE}


def test_a_study_in_which_everything_diverges_says_so():
    summary, store = outcome_of(Nature(diverges=lambda trial: 1))
    assert summary.state is State.COMPLETE
    assert summary.verdict.sentence.startswith("No arm finished any of its 16 tuning trials")
    assert {trial.phase for trial in store.ended()} == {Phase.TUNE}


def test_an_arm_whose_confirm_trials_all_diverge_keeps_no_weights():
    summary, _ = outcome_of(Nature(diverges=lambda trial: 1 if trial.id[:2] == ("rising", "confirm") else None))
    assert summary.arms[1].confirm.values == (1.0,) * SEEDS
    assert summary.arms[1].best_seed is None
    assert summary.verdict.winner == "constant"
