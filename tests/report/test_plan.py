"""The plan that `slalom check` prints: its numbers are those of a study that is run."""

import pytest

from slalom.report.plan import plan, plan_lines
from slalom.search.halving import completing, full_trainings
from tests.loop.worlds import COUNTED, RATE, one_lane, study, train

STAGED = study(trials=16, epochs=9, pick=(4, 3), searches=(10, 40), seeds=3)


@pytest.mark.parametrize(
    ("epochs", "complete", "options"),
    [
        (16 * 9, 16, {"pruner": "none"}),
        (2 * (8 * 1 + 3 * 2 + 1 * 6), 2, {}),  # eight to epoch 1, three to 3, one to 9
        ((8 * 1 + 3 * 2 + 1 * 6) + (3 * 1 + 1 * 2 + 1 * 6), 2, {"trials": 11}),  # the last generation is smaller
        (8 * 2 + 4 * 2 + 2 * 4, 2, {"trials": 8, "epochs": 8, "factor": 2, "report_every": 2}),
    ],
)
def test_the_cost_of_tuning_is_what_is_trained(epochs, complete, options):
    spec = study(**options)
    lanes = one_lane()
    store = train(spec, lanes=lanes)
    tuned = [one for trial, one in store.ended().items() if trial.arm == "rising" and trial.phase == "tune"]
    assert sum(one.result.epochs for one in tuned) == epochs
    assert full_trainings(spec) == pytest.approx(epochs / spec.epochs)
    assert completing(spec) == complete == sum(one.result.outcome == "complete" for one in tuned)


def test_the_plan_of_a_small_study():
    """Of each of two generations one completes, so two contend; 40 tuning epochs are 4.44 trainings."""
    found = plan(STAGED)
    assert found["searches"] == {"at_least": 10, "at_most": 40, "stages": [10, 20, 40]}
    assert found["split"] == "resampled"
    assert found["tuning_trials_per_search"] == 16
    assert found["picked_trainings_per_search"] == 6
    assert found["confirm_seeds_per_search"] == 3
    assert found["rungs"] == [1, 3, 9]
    assert found["trials"] == {"at_least": 2 * 10 * 25, "at_most": 2 * 40 * 25}
    assert found["full_trainings"] == {"per_search": 13.44, "at_least": 268.9, "at_most": 1075.6}


@pytest.mark.parametrize(
    "options",
    [
        {"searches": 3, "pick": (2, 2), "seeds": 2, "trials": 12, "generation": 4, "factor": 2},
        {"searches": 2, "pick": (9, 2), "pruner": "none", "sampler": "grid", "space": COUNTED, "trials": 13},
        {"searches": 2, "pick": (2, 3), "space": {"constant": {}, "rising": RATE}, "trials": 16},
        {"resampled": False},
    ],
    ids=["searches and picks", "a grid of six points", "nothing searched in one arm", "one search"],
)
def test_a_study_trains_what_its_plan_says(options):
    spec = study(**options)
    ended = train(spec).ended()
    found = plan(spec)
    assert found["trials"] == {"at_least": len(ended), "at_most": len(ended)}
    assert found["full_trainings"]["at_least"] == round(sum(one.result.epochs for one in ended.values()) / 9, 1)
    assert found["split"] == ("resampled" if spec.tune.searches.at_most > 1 else "fixed")


def test_a_reader_is_told_the_same():
    said = "\n".join(plan_lines(STAGED))
    for part in (
        "10 to 40 searches of each arm, each with a split of its own; in each of them",
        "16 tuning trials of 9 epochs, 4.44 full trainings",
        "the best 2 again from 3 seeds, 6 trainings",
        "3 confirm seeds of the choice",
        "500 to 2,000 trials in all, which cost as much as 268.9 to 1,075.6 full trainings",
        "epochs at which a generation of 8 is judged: 1, 3, 9",
        f"fingerprint {STAGED.fingerprint}",
    ):
        assert part in said
    assert "again" not in "\n".join(plan_lines(study(trials=8, pick=(4, 3))))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"trials": 4}, "epochs at which a generation of 4 is judged: 1, 3, 9"),
        ({"pruner": "none"}, "every trial is trained to its end"),
    ],
)
def test_a_reader_is_told_how_trials_are_pruned(options, line):
    assert line in list(plan_lines(study(**options)))


@pytest.mark.parametrize(
    ("arms", "options", "limit"),
    [
        (2, {"searches": 5}, "5 searches cannot tell any arm from the baseline at alpha 0.05: it takes 6"),
        (8, {"searches": 10}, "10 searches cannot name a winner among 8 arms at alpha 0.05: it takes 11"),
        (8, {"searches": 11}, None),
        (2, {"searches": 10}, None),
        (
            2,
            {"seeds": 5, "space": {}},
            "5 seeds cannot tell any arm from the baseline at alpha 0.05: it takes 6",
        ),
        (2, {"seeds": 6}, "one search tells of the settings that it finds, not of the way of training"),
    ],
)
def test_what_so_many_searches_cannot_decide_is_said_before(arms, options, limit):
    limits = plan(study([f"arm-{number}" for number in range(arms)], **options))["limits"]
    assert [limit in one for one in limits] == [True] if limit else limits == []
