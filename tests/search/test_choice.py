"""What a search chooses among its trials, and what it picks among before it does."""

import math

import pytest

from slalom.search.choice import choose, contenders, ending, most_picked, picked
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Outcome, Phase, TrialId, TrialResult
from tests.loop.worlds import COUNTED, RATE, study

SPEC = study(trials=6, pick=(3, 2), pruner="none", searches=2)


def trial(phase, number, value, rate=None, search=0, arm="rising", spec=SPEC):
    """A trial that completed with this value; one of None diverged, one of a text was pruned, both having had 0."""
    ident = TrialId(arm, phase, number, search)
    outcome = {type(None): Outcome.DIVERGED, str: Outcome.PRUNED}.get(type(value), Outcome.COMPLETE)
    known = 0.0 if outcome is not Outcome.COMPLETE else value
    metrics = {f"validation.{spec.metric.name}": known, f"test.{spec.metric.name}": -known}
    params = {"learning_rate": rate or (number + 1) / 100}
    return Ended(trial_spec(spec, ident, params), TrialResult(ident, 0, outcome, 9, metrics))


def results(tuned, picks=(), spec=SPEC, search=0, rates=None):
    rates = rates or [None] * len(tuned)
    trials = [trial(Phase.TUNE, n, value, rates[n], search, spec=spec) for n, value in enumerate(tuned)]
    trials += [trial(Phase.PICK, n, value, 0.5, search, spec=spec) for n, value in enumerate(picks)]
    return {one.spec.id: one for one in trials}


def numbers(found):
    return None if found is None else [one.spec.id.number for one in found]


def chosen(*arguments, spec=SPEC, **options):
    found = choose(spec, "rising", 0, results(*arguments, spec=spec, **options))
    return found and found.spec.id.number


@pytest.mark.parametrize(
    ("tuned", "found"),
    [
        ([0.6, 0.5, 0.4, 0.3, 0.2, 0.1], [5, 4, 3]),
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0.1], [0, 1, 2]),
        ([0.2, 0.1, 0.2, 0.3, 0.1, 0.4], [1, 4, 0]),
        ([None, 0.1, "pruned", math.nan, math.inf, 0.0], [5, 1]),
        ([None, None, "pruned", None, None, 0.3], [5]),
        ([None] * 6, []),
        ([0.6, 0.5, 0.4, 0.3, 0.2], None),
    ],
    ids=["ranked", "ties", "some ties", "what did not complete", "one", "none", "under way"],
)
def test_contenders_are_the_best_that_completed_the_lower_number_first_among_equals(tuned, found):
    assert numbers(contenders(SPEC, "rising", 0, results(tuned))) == found


def test_where_more_is_better_they_are_the_greatest():
    spec = study(trials=6, pick=(3, 2), goal="maximize")
    assert numbers(contenders(spec, "rising", 0, results([0.6, 0.5, 0.4, 0.7, 0.2, 0.1], spec=spec))) == [3, 0, 1]


def test_the_same_hyperparameters_contend_once_with_their_best_trial():
    rates = [0.1, 0.2, 0.1, 0.2, 0.3, 0.1]
    found = contenders(SPEC, "rising", 0, results([0.5, 0.4, 0.1, 0.2, 0.9, 0.1], rates=rates))
    assert numbers(found) == [2, 3, 4]


def test_other_searches_and_arms_are_not_looked_at():
    known = results([0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    known |= results([0.0] * 6, [0.0] * 6, search=1)
    known |= {one.spec.id: one for one in (trial(Phase.TUNE, number, 0.0, arm="constant") for number in range(6))}
    assert numbers(contenders(SPEC, "rising", 0, known)) == [5, 4, 3]
    assert choose(SPEC, "rising", 0, known) is None


TUNED = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]  # the contenders are 5, 4, 3, and their picks two and two


@pytest.mark.parametrize(
    ("picks", "choice"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 5),
        ([0.3, 0.4, 0.5, 0.6, 0.0, 0.1], 3),
        ([0.0, 0.9, 0.4, 0.4, 0.5, 0.5], 4),
        ([0.25, 0.5, 0.5, 0.25, 0.375, 0.375], 5),
        ([0.5, 0.5, 0.25, 0.5, 0.5, 0.25], 4),
        ([None, 0.0, 0.6, 0.6, 0.5, 0.7], 4),
        ([None, 0.0, 0.6, 0.6, math.nan, 0.1], 4),
        ([None, 0.0, 0.1, None, None, None], 5),
        ([0.1, 0.2, 0.3, 0.4, 0.5], None),
        ([], None),
    ],
    ids=[
        "the same", "another", "by the mean", "all alike", "two alike", "one diverged", "one has no number",
        "all diverged", "one is missing", "none is there",
    ],
)  # fmt: skip
def test_the_choice_is_the_best_mean_of_the_picked(picks, choice):
    """The better tuning trial among equals, and where every contender has lost a training."""
    assert chosen(TUNED, picks) == choice
    assert ending(SPEC, "rising", 0, results(TUNED, picks))[0] == (choice is not None)


def test_one_contender_is_the_choice_at_once():
    assert chosen([None, None, 0.3, None, None, None]) == 2
    assert picked(SPEC, "rising", 0, 1) == []


def test_without_a_pick_the_best_trial_is():
    assert chosen(TUNED, spec=study(trials=6, pick=(1, 3))) == 5


def test_a_search_in_which_nothing_completed_is_over_without_a_choice():
    known = results([None] * 6)
    assert choose(SPEC, "rising", 0, known) is None
    assert ending(SPEC, "rising", 0, known) == (True, None)
    assert ending(SPEC, "rising", 1, known) == (False, None)


def test_the_picked_are_numbered_contender_by_contender():
    assert picked(SPEC, "rising", 1, 2) == [TrialId("rising", Phase.PICK, number, 1) for number in range(4)]


@pytest.mark.parametrize(
    ("most", "options"),
    [
        (12, {"trials": 32, "pick": (4, 3)}),
        (6, {"trials": 16, "pick": (4, 3)}),  # two generations of eight, of each of which one completes
        (0, {"trials": 8, "pick": (4, 3)}),
        (12, {"trials": 8, "pick": (4, 3), "pruner": "none"}),
        (9, {"trials": 3, "pick": (4, 3), "pruner": "none"}),
        (0, {"trials": 32, "pick": (1, 1)}),
        (0, {"trials": 32, "pick": (4, 3), "space": {}}),
        (18, {"trials": 32, "pick": (9, 3), "pruner": "none", "space": COUNTED}),  # six points
        (27, {"trials": 32, "pick": (9, 3), "pruner": "none", "space": COUNTED | RATE}),
    ],
)
def test_no_more_are_picked_than_can_contend(most, options):
    spec = study(**options)
    assert most_picked(spec, spec.arms[0]) == most
