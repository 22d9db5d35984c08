"""A study that is looked at in stages: which arms go on, and at which level."""

from __future__ import annotations

import numpy as np
import pytest

from slalom.verdict import answers
from slalom.verdict.answers import Answer
from slalom.verdict.compare import summarise
from slalom.verdict.looks import last_look, undecided
from slalom.verdict.stages import Looks
from slalom.wire.trial import Phase, TrialId
from tests.verdict.made_up import NAN, drawn, finished, noise, study, tuning

STAGED = study("a", "b", "c", searches=10, at_most=40)


def first(results, searches, *arms):
    """The results of the first so many searches of these arms, or of all, and all those of the others."""
    return {key: one for key, one in results.items() if key.search < searches or (arms and key.arm not in arms)}


def open_study(searches=40):
    """b is far worse; a and c are alike."""
    means = {"a": 0.3, "b": 0.4, "c": 0.3}
    return finished(STAGED, **{name: drawn(mean, ord(name), searches) for name, mean in means.items()})


def test_before_the_first_stage_there_is_no_look():
    results = open_study(10)
    assert last_look(STAGED, first(results, 9)) is None
    assert undecided(STAGED, first(results, 9)) == frozenset()
    assert all(arm.budget == 20 for arm in summarise(STAGED, first(results, 9)).arms)


def test_an_arm_that_is_surely_worse_is_dropped_and_the_others_go_on():
    look = last_look(STAGED, open_study(10))
    assert (look.most, look.complete, look.going_on) == (10, False, {"a", "c"})
    summary = summarise(STAGED, open_study(10))
    assert summary.verdict is None
    assert [arm.budget for arm in summary.arms] == [40, 20, 40], "trials of the searches that are allowed now"


def test_the_next_look_waits_for_those_that_go_on_alone():
    results = first(open_study(20), 10, "b")
    look = last_look(STAGED, results)
    assert look.searches == {"a": 20, "b": 10, "c": 20}
    late = {key: one for key, one in results.items() if key != TrialId("c", Phase.CONFIRM, 0, 19)}
    assert last_look(STAGED, late) == last_look(STAGED, open_study(10))


def test_a_look_is_a_function_of_the_results_in_any_order():
    results = first(open_study(20), 10, "b")
    assert last_look(STAGED, dict(reversed(results.items()))) == last_look(STAGED, results)
    more = open_study(20)
    assert last_look(STAGED, more) == last_look(STAGED, results), "searches of a dropped arm that ended change nothing"


def test_the_last_stage_ends_the_study_decided_or_not():
    results = first(open_study(40), 10, "b")
    look = last_look(STAGED, results)
    assert (look.most, look.complete, look.going_on) == (40, True, frozenset())
    verdict = summarise(STAGED, results).verdict
    assert verdict.searches == 40
    assert verdict.sentence.startswith("After all 40 searches, each on its own split of digits: b (test error 0.4")
    assert " after 10 searches); c (0.3" in verdict.sentence


def test_a_study_that_is_decided_early_stops_and_says_so():
    spec = study("a", "b", searches=10, at_most=40)
    verdict = summarise(spec, finished(spec, a=drawn(0.3, 0), b=drawn(0.4, 1))).verdict
    assert verdict.winner == "a"
    assert verdict.sentence.startswith("After 10 of at most 40 searches, each on its own split of digits: b ")


def test_equivalence_stops_a_study_too():
    spec = study("a", "b", searches=10, at_most=40, margin=0.01)
    look = last_look(spec, finished(spec, a=drawn(0.3, 0), b=drawn(0.3, 1)))
    assert look.complete
    assert look.baseline[0].answer is Answer.EQUIVALENT


def test_an_arm_without_a_choice_is_out_and_does_not_hold_the_others():
    spec = study("a", "b", "c", searches=10, at_most=20)
    results = finished(spec, a=drawn(0.3, 0), b=drawn(0.4, 1))
    for search in range(10):
        results |= tuning(spec, "c", [NAN, NAN], search=search)
    look = last_look(spec, results)
    assert (look.unfinished, look.complete) == (("c",), True)


def test_seeds_as_the_unit_are_looked_at_in_stages_too():
    spec = study("a", "b", searches=2, at_most=8, seeds=6, resampled=False, spaces={"a": {}, "b": {}})
    look = last_look(spec, finished(spec, a=drawn(0.3, 0, 2, 6), b=drawn(0.4, 1, 2, 6)))
    assert (look.baseline[0].searches, look.complete) == (12, True)


def test_what_is_decided_stays_so_where_a_later_value_is_worse_than_any_before():
    """b diverged once before it was dropped, and a loss has no worst value but the worst that was measured."""
    spec = study("a", "b", "c", metric="loss", searches=10, at_most=40)
    tables = {name: drawn(mean, ord(name), 20) for name, mean in {"a": 0.3, "b": 0.4, "c": 0.3}.items()}
    tables["b"][0, 0], tables["c"][15, 0] = NAN, 1e6
    results = first(finished(spec, **tables), 10, "b")
    early, late = last_look(spec, first(results, 10)), last_look(spec, results)
    assert (early.going_on, late.searches) == ({"a", "c"}, {"a": 20, "b": 10, "c": 20})
    assert early.baseline[0].answer is late.baseline[0].answer is Answer.WORSE
    assert late.baseline[0].mean == early.baseline[0].mean
    more = finished(spec, **tables)
    assert last_look(spec, more) == late, "searches of a dropped arm that ended change nothing"


def test_an_early_lead_that_is_gone_is_no_claim():
    """At the first look it is better in every search, not surely enough; over all searches it is worse in the mean."""
    spec = study("a", "b", searches=6, at_most=12, seeds=1)
    b = 0.3 - 0.05 * np.linspace(1, 1.1, 12)
    b[6:] = 0.3 + 0.06
    results = finished(spec, a=[[0.3]] * 12, b=b)
    assert last_look(spec, first(results, 6)).going_on == {"a", "b"}
    found = last_look(spec, results).baseline[0]
    assert found.mean > 0
    assert found.p < spec.compare.alpha
    assert found.answer is Answer.UNDECIDED
    assert found.interval.low < 0 < found.mean <= found.interval.high


def stopped_wrongly(spec, studies):
    """The share of studies of two alike arms that end with a claim, at whichever look."""
    claims = 0
    for seed in range(studies):
        tables = {name: 0.3 + 0.01 * noise((seed, arm), spec.tune.searches.at_most, 1) for arm, name in enumerate("ab")}
        results = finished(spec, **tables)
        for stage in spec.tune.searches.stages:
            if (look := last_look(spec, first(results, stage))).complete:
                break
        claims += look.baseline[0].answer is not Answer.UNDECIDED
    return claims / studies


@pytest.mark.thorough
def test_alpha_is_spent_over_the_stages(monkeypatch):
    """Where every look has the whole of alpha, alike arms are told apart too often."""
    spec, studies = study("a", "b", searches=3, at_most=12, seeds=1, alpha=0.3), 150
    bound = 0.3 + 3 * (0.3 * 0.7 / studies) ** 0.5
    assert stopped_wrongly(spec, studies) <= bound
    monkeypatch.setattr(Looks, "reached", lambda self, searches: (searches,))
    monkeypatch.setattr(Looks, "weights", (1.0,) * 9)
    answers._compare.cache_clear()
    try:
        assert stopped_wrongly(spec, studies) > bound, "the mutation is one that this test catches"
    finally:
        answers._compare.cache_clear()
