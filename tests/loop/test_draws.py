"""What random numbers come of: the seed, the phase, the search and the number, and an arm's stream if it has one."""

from dataclasses import replace

import pytest

from slalom.study.trials import trial_spec
from slalom.wire.seeds import split_seed, trial_seeds
from slalom.wire.trial import Phase, TrialId
from tests.loop.worlds import COUNTED, MIXED, exported, scattered, study, train

OPTIONS = {"trials": 8, "generation": 4, "factor": 2, "searches": 2, "pick": (2, 2), "seeds": 2}


def rows(spec, arms=None):
    """Every number of the study by arm, under the arms' places or under these names."""
    found = {}
    for row in exported(spec, train(spec, lanes=scattered(1, 3))):
        name = row.pop("arm")
        found.setdefault(arms[name] if arms else name, []).append(row)
    return found


@pytest.fixture(scope="module", params=["tpe", "random", "qmc", "grid"])
def before(request):
    """A study of two arms, and its numbers."""
    spaces = {"first": COUNTED, "second": COUNTED if request.param == "grid" else MIXED}
    options = OPTIONS | {"sampler": request.param, "space": spaces}
    spec = study(("first", "second"), **options)
    return spec, options, rows(spec)


def test_another_name_of_the_study_or_of_an_arm_changes_no_number(before):
    _, options, numbers = before
    named = study(
        ("one", "another"),
        **{**options, "space": dict(zip(("one", "another"), options["space"].values(), strict=True))},
    )
    named = replace(named, name="renamed", question="Another?", fingerprint="f" * 64)
    assert rows(named, {"one": "first", "another": "second"}) == numbers


def test_an_arm_that_is_added_changes_no_number_of_the_others(before):
    _, options, numbers = before
    more = study(("zero", "first", "second"), **{**options, "space": {"zero": COUNTED, **options["space"]}})
    found = rows(more)
    assert {name: found[name] for name in numbers} == numbers


def test_the_order_of_the_arms_changes_no_number(before):
    spec, _, numbers = before
    assert rows(replace(spec, arms=spec.arms[::-1])) == numbers


def test_another_seed_changes_every_number(before):
    spec, _, numbers = before
    other = rows(replace(spec, seed=1))
    for name in numbers:
        assert not {row["seed"] for row in numbers[name]} & {row["seed"] for row in other[name]}
        assert not {str(row["history"]) for row in numbers[name]} & {str(row["history"]) for row in other[name]}
    assert not {spec.split(search) for search in range(9)} & {
        replace(spec, seed=1).split(search) for search in range(9)
    }


def test_an_arm_with_a_stream_of_its_own_draws_other_numbers_on_the_same_splits(before):
    """The other arm is as it was."""
    spec, _, numbers = before
    apart = replace(spec, arms=(spec.arms[0], replace(spec.arms[1], stream="another")))
    found = rows(apart)
    assert found["first"] == numbers["first"]
    assert not {row["seed"] for row in found["second"]} & {row["seed"] for row in numbers["second"]}
    trial = TrialId("second", Phase.TUNE, 0, 1)
    params = numbers["second"][0]["params"]
    assert trial_spec(apart, trial, params).split == trial_spec(spec, trial, params).split == split_seed(0, 1)


def test_no_two_trials_of_a_study_share_a_seed_but_those_that_are_paired():
    """Neither phases, searches, numbers, seeds of the study nor the streams of a trial."""
    drawn = [
        one
        for seed in (0, 1)
        for stream in ("", "another")
        for phase in Phase
        for search in range(3)
        for number in range(4)
        for one in trial_seeds(seed, stream, phase, search, number)
    ]
    assert len(set(drawn)) == len(drawn)


def test_a_seed_is_no_matter_of_how_many_searches_or_seeds_there_are():
    trial, params = TrialId("rising", Phase.CONFIRM, 1, 1), {"learning_rate": 0.1}
    few, many = (study(**{**OPTIONS, "searches": count, "seeds": count, "trials": 4 * count}) for count in (2, 9))
    assert trial_spec(few, trial, params) == trial_spec(many, trial, params)


def test_a_phase_and_its_text_have_the_same_seeds_whichever_comes_first():
    for phase in Phase:
        trial_seeds.cache_clear()
        by_text = trial_seeds(0, "", str(phase), 0, 0)
        trial_seeds.cache_clear()
        assert trial_seeds(0, "", phase, 0, 0) == by_text
