"""What a search tries next: a function of the seed, the space, the search, the number and the generations before."""

import itertools
import math
from dataclasses import replace

import optuna
import pytest
from optuna.samplers import RandomSampler

from slalom.search.on_optuna import Proposals
from slalom.search.on_optuna.translate import distributions
from slalom.study.trials import trial_spec
from slalom.wire.seeds import derive
from slalom.wire.trial import Ended, Outcome, Phase, TrialId, TrialResult
from tests.loop.worlds import COUNTED, MIXED, Nature, study

FIRST = "constant"
PLAIN = Nature()


def complete(trial):
    return Outcome.COMPLETE


def searched(spec, count, outcome=complete, nature=PLAIN, arm=FIRST, search=0):
    """A search's trials, generation by generation, as they end."""
    propose, told, new = Proposals(spec, spec.arm(arm), search), [], []
    while len(told) < count:
        numbers = range(len(told), min(len(told) + spec.tune.generation, count))
        new = [
            _end(spec, TrialId(arm, Phase.TUNE, number, search), params, outcome, nature)
            for number, params in zip(numbers, propose(new, numbers), strict=True)
        ]
        told += new
    return told


def _end(spec, trial, params, outcome, nature):
    trial = trial_spec(spec, trial, params)
    how = outcome(trial)
    metrics = nature.metrics(trial, 9) if how is Outcome.COMPLETE else {}
    return Ended(trial, TrialResult(trial.id, 0, how, 9, metrics))


def params(trials):
    return [dict(trial.spec.params) for trial in trials]


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_asking_again_gives_the_same(sampler):
    spec = study(space=MIXED, sampler=sampler)
    assert params(searched(spec, 24)) == params(searched(spec, 24))


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "grid"])
def test_a_later_generation_is_asked_without_the_earlier_ones_having_been(sampler):
    """As a run does that goes on where another stopped, if only the trials are known."""
    spec = study(space=COUNTED if sampler == "grid" else MIXED, sampler=sampler)
    told = searched(spec, 24)
    assert Proposals(spec, spec.arm(FIRST), 0)(told[:16], range(16, 24)) == params(told[16:])


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_searches_seeds_and_streams_propose_differently(sampler):
    spec, other = study(space=MIXED, sampler=sampler), study(space=MIXED, sampler=sampler, seed=1)
    apart = replace(spec, arms=(replace(spec.arms[0], stream="another"), *spec.arms[1:]))
    ways = (searched(spec, 8), searched(spec, 8, search=1), searched(other, 8), searched(apart, 8))
    drawn = [{trial.spec.params["learning_rate"] for trial in way} for way in ways]
    assert not any(one & another for one, another in itertools.combinations(drawn, 2))


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid"])
def test_arms_of_the_same_space_are_proposed_the_same_where_no_result_is_looked_at(sampler):
    """So that the arms' choices are paired; by what name, in which study and beside which arms is no matter."""
    space = COUNTED if sampler == "grid" else MIXED
    spec = study(space=space, sampler=sampler, searches=2)
    renamed = replace(study(("a", "b", "c"), space=space, sampler=sampler), name="other", fingerprint="f" * 64)
    for search in (0, 1):
        found = params(searched(spec, 24, search=search))
        assert params(searched(spec, 24, arm="rising", search=search)) == found
        assert params(searched(renamed, 24, arm="c", search=search)) == found


class Upward(Nature):
    """The metric falls with the rate."""

    def metrics(self, trial, epoch):
        return {"validation.error": 1 - trial.params["learning_rate"] / 2}


def test_tpe_begins_the_same_in_every_arm_and_then_follows_the_arms_own_results():
    spec = study()
    one, other = params(searched(spec, 32)), params(searched(spec, 32, nature=Upward(), arm="rising"))
    assert one[:8] == other[:8]
    assert one[8:] != other[8:]


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_no_proposal_comes_twice(sampler):
    rates = [found["learning_rate"] for found in params(searched(study(sampler=sampler), 32))]
    assert len(set(rates)) == 32
    assert all(1e-3 <= rate <= 1.0 for rate in rates)


def test_a_generations_size_is_no_seed():
    """The first proposals hang on no result, so a sampler that does not adapt gives the same by fives."""
    whole, fives = study(sampler="random"), study(sampler="random", generation=5)
    assert params(searched(whole, 16)) == params(searched(fives, 16))


def test_chance_draws_as_a_sampler_made_for_each_trial_would():
    """One generator is seeded anew, since to make one takes longer than to draw."""
    spec = study(space=MIXED, sampler="random")
    arm = spec.arm(FIRST)
    found = Proposals(spec, arm, 3)([], range(8))
    for number, params in enumerate(found):
        sampler = RandomSampler(seed=derive(spec.seed, "", 3, "proposal", number) % 2**32)
        assert optuna.create_study(sampler=sampler).ask(distributions(arm)).params == params


def test_a_grid_is_walked_through_again_and_again():
    found = params(searched(study(space=COUNTED, sampler="grid"), 15))
    grid = [
        dict(zip(("layers", "optimizer"), point, strict=True))
        for point in itertools.product((1, 2, 3), ("sgd", "adam"))
    ]
    assert found == [*grid, *grid, *grid[:3]]


def test_quasi_random_numbers_leave_no_gap():
    """Each eighth of the range, in the logarithm, is tried before long."""
    rates = [found["learning_rate"] for found in params(searched(study(sampler="qmc"), 24))]
    assert {int(8 * (math.log10(rate) + 3) / 3) for rate in rates} == set(range(8))


def test_an_arm_that_searches_nothing_is_asked_all_the_same():
    for sampler in ("tpe", "random", "qmc", "grid"):
        assert params(searched(study(space={}, sampler=sampler), 16)) == [{}] * 16


def test_tpe_learns_where_it_is_good():
    """The best rate here is 0.1; chance would come within a factor of two of it in a fifth of the trials."""
    rates = [found["learning_rate"] for found in params(searched(study(), 96))[48:]]
    assert sum(0.05 < rate < 0.2 for rate in rates) > 24


@pytest.mark.parametrize("seed", range(3))
def test_tpe_keeps_away_from_where_training_diverges(seed):
    """Failed trials are ignored, so that it goes back there; diverged ones are not. Rates above 0.1 do either."""

    def bad(outcome):
        spec = study(seed=seed)
        trials = searched(spec, 64, lambda trial: outcome if trial.params["learning_rate"] > 0.1 else Outcome.COMPLETE)
        return sum(trial.spec.params["learning_rate"] > 0.1 for trial in trials[32:])

    assert bad(Outcome.DIVERGED) < 0.7 * bad(Outcome.FAILED)


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_proposals_follow_the_goal(goal):
    """Where the metric rises with the rate."""

    class Rising(Nature):
        def metrics(self, trial, epoch):
            share = (math.log10(trial.params["learning_rate"]) + 3) / 3
            return {"validation.error": share, "validation.accuracy": share}

    rates = [found["learning_rate"] for found in params(searched(study(goal=goal), 64, nature=Rising()))[40:]]
    middle = sorted(rates)[12]
    assert middle < 0.01 if goal == "minimize" else middle > 0.1
