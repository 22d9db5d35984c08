"""The suite's own checks must fail when searches are broken in the ways that would make a verdict lie."""

import pytest

import slalom.loop.plan
import slalom.search.choice
import slalom.study.trials
from slalom.loop.search_plan import SearchPlan
from slalom.study.model import StudySpec
from slalom.wire.seeds import split_seed, trial_seeds
from slalom.wire.trial import Phase
from slalom.wire.trial import test as of_test
from tests.loop.test_reproducible import asking
from tests.loop.worlds import Nature, one_lane, study, train

SPEC = study(trials=12, generation=4, factor=2, searches=3, pick=(3, 2), seeds=2)


def confirmed(nature):
    """The hyperparameters that each search ended with."""
    ended = train(SPEC, lanes=one_lane(nature)).ended()
    return {trial: one.spec.params for trial, one in ended.items() if trial.phase is Phase.CONFIRM}


def check_test_data_choose_nothing():
    """With test metrics turned upside down, every search ends with the same choice."""
    assert confirmed(Nature(test=-1.0)) == confirmed(Nature())


def check_each_search_has_a_split_of_its_own():
    splits = {}
    for trial, one in train(SPEC).ended().items():
        splits.setdefault(one.spec.split, set()).add(trial.search)
    assert sorted(map(sorted, splits.values())) == [[0], [1], [2]]


def check_phases_share_no_seed():
    seeds = {phase: set() for phase in Phase}
    for trial, one in train(SPEC).ended().items():
        seeds[trial.phase] |= set(one.spec.seeds)
    assert not seeds[Phase.TUNE] & seeds[Phase.PICK]
    assert not seeds[Phase.CONFIRM] & (seeds[Phase.TUNE] | seeds[Phase.PICK])


def check_searches_are_told_of_their_own_trials_alone():
    train(SPEC, propose=asking({}))


def choice_by_test_data(monkeypatch):
    """Contenders are ranked, and the picked are compared, by the test metric."""
    monkeypatch.setattr(slalom.search.choice, "validation", of_test)


def one_split_for_all(monkeypatch):
    """Every search has the split of the first."""
    monkeypatch.setattr(StudySpec, "split", lambda spec, search: split_seed(spec.seed, 0))


def picked_from_the_tuning_seeds(monkeypatch):
    """The picked trials are trained from seeds of tuning trials, by whose luck they are contenders."""

    def seeds(seed, stream, phase, search, number):
        return trial_seeds(seed, stream, Phase.TUNE if phase is Phase.PICK else phase, search, number)

    monkeypatch.setattr(slalom.study.trials, "trial_seeds", seeds)


def confirmed_from_the_picking_seeds(monkeypatch):
    """The choice is measured from the seeds by which it was chosen."""

    def seeds(seed, stream, phase, search, number):
        return trial_seeds(seed, stream, Phase.PICK if phase is Phase.CONFIRM else phase, search, number)

    monkeypatch.setattr(slalom.study.trials, "trial_seeds", seeds)


def one_memory_for_all(monkeypatch):
    """All searches of an arm ask the proposals of the first, which are told of all their trials."""
    first = {}

    def plan(spec, arm, search, propose, desk):
        return SearchPlan(spec, arm, search, first.setdefault((id(desk), arm.name), propose), desk)

    monkeypatch.setattr(slalom.loop.plan, "SearchPlan", plan)


CAUGHT = [
    (choice_by_test_data, check_test_data_choose_nothing),
    (one_split_for_all, check_each_search_has_a_split_of_its_own),
    (picked_from_the_tuning_seeds, check_phases_share_no_seed),
    (confirmed_from_the_picking_seeds, check_phases_share_no_seed),
    (one_memory_for_all, check_searches_are_told_of_their_own_trials_alone),
]


@pytest.mark.parametrize(("mutation", "check"), CAUGHT, ids=lambda one: one.__name__)
def test_a_search_that_is_broken_is_noticed(mutation, check, monkeypatch):
    check()
    mutation(monkeypatch)
    with pytest.raises(AssertionError):
        check()
