"""Synchronous successive halving within a generation, and no barrier between arms."""

import pytest

from slalom.search.halving import rungs, survivors
from slalom.wire.trial import Outcome, Phase, TrialId
from tests.loop.scattered import ScatteredLanes
from tests.loop.worlds import (
    FakeWorker,
    MemoryStore,
    Nature,
    exported,
    one_lane,
    scattered,
    study,
    train,
)


@pytest.mark.parametrize(
    ("expected", "options"),
    [
        ([1, 3, 9], {"epochs": 9}),  # ceil(log_3 8) = 2 rungs, at 9/3 and 9/9
        ([5, 14, 40], {"epochs": 40}),  # 13.3 and 4.4, rounded up
        ([10, 20, 40], {"epochs": 40, "report_every": 10}),  # up to the next report
        ([20, 40], {"epochs": 40, "report_every": 20}),  # both to the same one
        ([8], {"epochs": 8, "report_every": 8}),
        ([2, 5], {"epochs": 5}),  # less than an epoch would be left for a second one
        ([2], {"epochs": 2}),
        ([3, 9], {"epochs": 9, "generation": 3}),  # ceil(log_3 3) = 1
        ([1, 3, 9], {"epochs": 9, "generation": 4}),
        ([3, 9], {"epochs": 9, "generation": 8, "trials": 3}),
        ([9], {"epochs": 9, "generation": 1}),
        ([1, 2, 4, 8], {"epochs": 8, "factor": 2}),
        ([8], {"epochs": 8, "factor": 2, "pruner": "none"}),
        ([4, 8, 10], {"epochs": 10, "report_every": 4, "factor": 2, "generation": 4}),  # the last epoch reports too
    ],
)
def test_rungs(expected, options):
    assert rungs(study(**options)) == expected


def test_survivors_are_one_in_so_many_rounded_up():
    assert [survivors(contenders, 3) for contenders in range(8)] == [0, 1, 1, 1, 2, 2, 2, 3]


def tuning(spec, store, arm="rising"):
    """The arm's generations, each a list of trials that ended."""
    ended = store.ended()
    trials = [ended[TrialId(arm, Phase.TUNE, number)] for number in range(spec.tune.trials)]
    size = spec.tune.generation
    return [trials[start : start + size] for start in range(0, len(trials), size)]


def at(trial, epoch):
    return next((p.metrics["validation.error"] for p in trial.result.history if p.epoch == epoch), None)


@pytest.mark.parametrize(
    "options", [{}, {"goal": "maximize"}, {"factor": 2}, {"trials": 13, "generation": 11}, {"generation": 5}]
)
def test_the_best_of_a_generation_go_on_from_each_rung(options):
    spec = study(trials=options.pop("trials", 16), **options)
    for generation in tuning(spec, train(spec, lanes=scattered(3))):
        contenders = generation
        for rung in rungs(spec)[:-1]:
            ranked = sorted(contenders, key=lambda trial: at(trial, rung))
            kept = -(-len(contenders) // spec.tune.factor)
            assert all(trial.result.epochs > rung for trial in ranked[:kept])
            assert all(trial.result.outcome is Outcome.PRUNED for trial in ranked[kept:])
            assert all(trial.result.epochs == rung for trial in ranked[kept:])
            contenders = ranked[:kept]
        assert all(trial.result.outcome is Outcome.COMPLETE for trial in contenders)


def test_a_pruned_trial_keeps_the_numbers_it_was_pruned_by():
    spec = study()
    pruned = [t for g in tuning(spec, train(spec, lanes=scattered(1, stride=2))) for t in g if t.result.epochs == 3]
    assert pruned
    for trial in pruned:
        assert [report.epoch for report in trial.result.history] == [1, 2, 3]
        assert trial.result.metrics == trial.result.history[-1].metrics


class Even(Nature):
    """Every trial is as good as any other."""

    def metrics(self, trial, epoch):
        return {"validation.error": 0.5, "test.error": 0.5}


def test_of_equals_the_lower_number_goes_on():
    spec = study()
    for generation in tuning(spec, train(spec, lanes=scattered(5, nature=Even()))):
        assert [trial.result.epochs for trial in generation] == [9, 3, 3, 1, 1, 1, 1, 1]


class Missing(Nature):
    """Trial 0 has no finite metric, though its loss is one."""

    def metrics(self, trial, epoch):
        found = super().metrics(trial, epoch)
        return found | ({"validation.error": float("nan")} if trial.id.number == 0 else {})


@pytest.mark.parametrize("ending", ["diverges", "raises"])
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_what_ended_is_never_among_those_that_go_on(ending, epoch):
    """The two best end in some epoch: up to the rung's, others go on in their place; later, nobody does."""
    spec = study(trials=8)
    ranked = sorted(tuning(spec, train(spec))[0], key=lambda trial: at(trial, 1))
    doomed = {trial.spec.id for trial in ranked[:2]}
    nature = Nature(**{ending: lambda trial: epoch if trial.id in doomed else None})
    found = {trial.spec.id: trial.result for trial in tuning(spec, train(spec, lanes=one_lane(nature)))[0]}
    assert {found[trial].outcome for trial in doomed} == {
        {"diverges": Outcome.DIVERGED, "raises": Outcome.FAILED}[ending]
    }
    others = [found[trial.spec.id] for trial in ranked[2:]]
    went_on = [result.epochs > 1 for result in others]
    assert went_on == [True, True, True, False, False, False] if epoch == 1 else [True] + 5 * [False]
    assert sum(result.outcome is Outcome.COMPLETE for result in others) == 1


def test_a_metric_that_is_no_number_is_the_worst():
    spec = study(trials=8)
    for generation in tuning(spec, train(spec, lanes=scattered(2, nature=Missing()))):
        assert generation[0].result.outcome is Outcome.PRUNED
        assert generation[0].result.epochs == 1


def test_without_a_pruner_everything_is_trained_to_its_end():
    spec = study(pruner="none")
    rows = exported(spec, train(spec, lanes=scattered(1)))
    assert {(row["outcome"], row["epochs"]) for row in rows} == {("complete", 9)}


class PatientWorker(FakeWorker):
    """Leaves one trial where it is until told."""

    patience = None

    def _epoch(self, seat, reports, results):
        if seat[0].trial.id != TrialId("constant", Phase.TUNE, 0) or self.patience():
            super()._epoch(seat, reports, results)


def test_other_arms_train_on_while_one_waits_at_a_rung():
    """One trial keeps its generation waiting, and with it its arm; the other arm is through before it moves."""
    spec = study(trials=24)
    store = MemoryStore(spec)
    whole = spec.tune.trials + spec.confirm_seeds
    turns = []

    def other_arm_is_through():
        turns.append(1)
        assert len(turns) < 5000, "the arms wait for each other"
        return sum(trial.arm == "rising" for trial in store.ended()) == whole

    PatientWorker.patience = staticmethod(other_arm_is_through)
    lanes = ScatteredLanes(lambda: PatientWorker(Nature()), 2, 1)
    train(spec, store, lanes)
    assert len(turns) > 10
    assert exported(spec, store) == exported(spec, train(spec))
