"""Invariant 4: every arm has the same budget and the same seeds, and test data chooses nothing."""

import pytest

from slalom.records import InMemoryRecorder
from slalom.wire.trial import Outcome, Phase, TrialId
from tests.loop.test_reproducible import asking
from tests.loop.worlds import MIXED, SEEDS, Nature, exported, one_lane, study, train

ARMS = ("constant", "rising", "tuned")
SPEC = study(arms=ARMS, space=MIXED, trials=24)


@pytest.fixture(scope="module")
def ended():
    return train(SPEC).ended()


def test_confirm_seeds_are_paired_across_the_arms_and_new(ended):
    seeds = {arm: {n: ended[TrialId(arm, Phase.CONFIRM, n)].spec.seeds for n in range(SEEDS)} for arm in ARMS}
    assert seeds["constant"] == seeds["rising"] == seeds["tuned"]
    assert len(set(seeds["constant"].values())) == SEEDS
    streams = {phase: {seed for t, e in ended.items() if t.phase is phase for seed in e.spec.seeds} for phase in Phase}
    assert not streams[Phase.TUNE] & streams[Phase.CONFIRM]


def test_tuning_seeds_are_paired_across_the_arms_too(ended):
    for number in range(SPEC.tune.trials):
        assert len({ended[TrialId(arm, Phase.TUNE, number)].spec.seeds for arm in ARMS}) == 1


def test_every_confirm_trial_has_its_arms_chosen_hyperparameters_and_all_epochs(ended):
    for arm in ARMS:
        tuned = [ended[TrialId(arm, Phase.TUNE, number)] for number in range(SPEC.tune.trials)]
        complete = [trial for trial in tuned if trial.result.outcome is Outcome.COMPLETE]
        best = min(complete, key=lambda trial: trial.result.metrics["validation.error"])
        for number in range(SEEDS):
            confirm = ended[TrialId(arm, Phase.CONFIRM, number)]
            assert confirm.spec.params == best.spec.params
            assert confirm.spec.settings == best.spec.settings
            assert (confirm.result.outcome, confirm.result.epochs) == (Outcome.COMPLETE, SPEC.epochs)


@pytest.mark.parametrize("poison", [-1e6, float("nan")])
@pytest.mark.parametrize(
    ("goal", "pruner"), [("minimize", "successive_halving"), ("minimize", "none"), ("maximize", "none")]
)
def test_no_number_from_test_data_reaches_the_tuning(goal, pruner, poison):
    """Neither proposals nor prunings nor choices change with it, nor the confirm trial whose weights are kept."""
    spec = study(space=MIXED, trials=24, goal=goal, pruner=pruner)
    runs = []
    for nature in (Nature(), Nature(test=poison)):
        asked, recorder = {}, InMemoryRecorder()
        rows = exported(spec, train(spec, lanes=one_lane(nature), recorder=recorder, propose=asking(asked)))
        arms = recorder.records.summary.arms
        kept = [(arm.chosen, arm.tuning, arm.kept) for arm in arms]
        values = [arm.confirm.values for arm in arms]
        runs.append((asked, [_without_test(row) for row in rows], kept, list(recorder.records.models), values))
    (*clean, measured), (*poisoned, changed) = runs
    assert poisoned == clean
    assert changed != measured


def _without_test(row):
    history = [_untested(point) for point in row["history"]]
    return row | {"metrics": _untested(row["metrics"]), "history": history}


def _untested(metrics):
    return {name: value for name, value in metrics.items() if not name.startswith("test.")}
