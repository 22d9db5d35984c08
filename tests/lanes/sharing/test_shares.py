"""Shares of a cluster: nobody waits for a lower priority, equals get the same, and nothing lies idle that is wanted."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.lanes.sharing.shares import Claim, shares

A100, T4 = "accelerator_type:A100", "accelerator_type:T4"
ANY, ON_A100, ON_T4 = {"GPU": 1}, {"GPU": 1, A100: 0.001}, {"GPU": 1, T4: 0.001}
NEEDS = (ANY, ON_A100, ON_T4)
MIXED = (*NEEDS, {"GPU": 0.4}, {"GPU": 2, "CPU": 3}, {"CPU": 1}, {"CPU": 2, "memory": 3e9}, {"GPU": 0.5, A100: 0.001})


def gpus(number, kind=None, **more):
    return {"GPU": number, **({kind: 1} if kind else {}), **more}


def claims_of(needs, most=6):
    one = st.tuples(st.integers(0, 2), st.integers(0, most), st.sampled_from(needs))
    return st.lists(one, min_size=1, max_size=5).map(
        lambda rows: [Claim(f"s{at}", *row[:1], float(at), *row[1:]) for at, row in enumerate(rows)]
    )


KINDS = st.sampled_from([None, A100, T4])
SIMPLE = st.lists(st.builds(gpus, st.integers(0, 3), KINDS), max_size=4)
RICH = st.lists(st.builds(gpus, st.integers(0, 3), KINDS, CPU=st.integers(0, 5), memory=st.just(4e9)), max_size=4)


def one(study, lanes, need=ANY, priority=0, since=0.0):
    return Claim(study, priority, since, lanes, need)


def room_for(nodes, wanted):
    """Whether so many lanes of each of NEEDS go on these nodes (Hall's theorem)."""
    homes = [{at for at, node in enumerate(nodes) if all(name in node for name in need)} for need in NEEDS]
    for some in itertools.product((False, True), repeat=len(NEEDS)):
        chosen = [at for at, taken in enumerate(some) if taken]
        held = set().union(*(homes[at] for at in chosen)) if chosen else set()
        if sum(wanted[at] for at in chosen) > sum(nodes[at]["GPU"] for at in held):
            return False
    return True


def counted(claims, given_to):
    return [sum(given_to[claim.study] for claim in claims if claim.need == need) for need in NEEDS]


@given(RICH, claims_of(MIXED))
@settings(deadline=None)
def test_nobody_gets_more_than_it_asks_for(nodes, claims):
    given_to = shares(nodes, claims)
    assert given_to.keys() == {claim.study for claim in claims}
    assert all(0 <= given_to[claim.study] <= claim.lanes for claim in claims)


@given(RICH, claims_of(MIXED))
@settings(deadline=None)
def test_no_more_is_given_than_there_is(nodes, claims):
    given_to = shares(nodes, claims)
    for name in ("GPU", "CPU", "memory"):
        taken = sum(given_to[claim.study] * claim.need.get(name, 0) for claim in claims)
        assert taken <= sum(node.get(name, 0) for node in nodes) + 1e-6


@given(SIMPLE, claims_of(NEEDS))
@settings(max_examples=300, deadline=None)
def test_nothing_lies_idle_that_is_wanted(nodes, claims):
    """Not even where lanes would have to move from one node to another: exact for lanes of a GPU each."""
    given_to = shares(nodes, claims)
    held = counted(claims, given_to)
    assert room_for(nodes, held)
    for claim in claims:
        if given_to[claim.study] < claim.lanes:
            more = list(held)
            more[NEEDS.index(claim.need)] += 1
            assert not room_for(nodes, more)


@given(SIMPLE, claims_of(NEEDS))
@settings(max_examples=300, deadline=None)
def test_the_smallest_share_is_as_large_as_can_be(nodes, claims):
    """Max-min fair among equals: nobody could have one more at the cost of one who has two more than it."""
    equals = [one(claim.study, claim.lanes, claim.need, 0, claim.since) for claim in claims]
    given_to = shares(nodes, equals)
    for poor, rich in itertools.permutations(equals, 2):
        if given_to[poor.study] < poor.lanes and given_to[rich.study] >= given_to[poor.study] + 2:
            other = counted(
                equals, {**given_to, poor.study: given_to[poor.study] + 1, rich.study: given_to[rich.study] - 1}
            )
            assert not room_for(nodes, other)


@given(RICH, claims_of(MIXED))
@settings(deadline=None)
def test_a_lower_priority_changes_nothing_for_the_higher_ones(nodes, claims):
    given_to = shares(nodes, claims)
    for least in {claim.priority for claim in claims}:
        upper = [claim for claim in claims if claim.priority >= least]
        assert shares(nodes, upper) == {claim.study: given_to[claim.study] for claim in upper}


@given(RICH, claims_of(MIXED))
@settings(deadline=None)
def test_equal_claims_differ_by_one_lane_at_most(nodes, claims):
    twin = one("twin", claims[0].lanes, claims[0].need, claims[0].priority, 9.0)
    given_to = shares(nodes, [*claims, twin])
    assert 0 <= given_to[claims[0].study] - given_to["twin"] <= 1


@given(RICH, claims_of(MIXED), st.randoms())
@settings(deadline=None)
def test_the_order_of_claims_and_nodes_does_not_matter(nodes, claims, random):
    mixed_claims, mixed_nodes = random.sample(claims, len(claims)), random.sample(nodes, len(nodes))
    assert shares(mixed_nodes, mixed_claims) == shares(nodes, claims)


@given(SIMPLE, claims_of(NEEDS))
@settings(deadline=None)
def test_who_joins_takes_from_the_others_and_gives_them_nothing(nodes, claims):
    """Of lanes of one size; with several, one that is gone may have been in two others' way."""
    before, after = shares(nodes, claims[1:]), shares(nodes, claims)
    assert all(after[study] <= before[study] for study in before)


def test_equals_share_evenly_and_the_first_has_the_odd_one():
    claims = [one("a late one", 9, since=2.0), one("first", 9, since=1.0), one("modest", 1, since=3.0)]
    assert shares([gpus(4), gpus(4)], claims) == {"first": 4, "a late one": 3, "modest": 1}


def test_a_higher_priority_takes_what_it_asks_for():
    claims = [one("nightly", 9), one("urgent", 6, priority=10), one("idle", 9, priority=-5)]
    assert shares([gpus(4), gpus(4)], claims) == {"urgent": 6, "nightly": 2, "idle": 0}


def test_the_flexible_leave_room_to_the_choosy():
    """Also to those of a lower priority."""
    claims = [one("flexible", 4, priority=1), one("choosy", 4, ON_A100)]
    for nodes in ([gpus(4, A100), gpus(8, T4)], [gpus(8, A100), gpus(4, T4)]):
        assert shares(nodes, claims) == {"flexible": 4, "choosy": 4}


def test_room_is_made_along_a_chain_of_studies():
    """The last can only be where the second is, which can only move to where the first is, which moves away."""
    nodes = [{"GPU": 2, "a": 1}, {"GPU": 1, "a": 1, "b": 1}, {"GPU": 1, "b": 1, "c": 1}]
    first, second, last = ({"GPU": 1, "a": 0.001}, {"GPU": 1, "b": 0.001}, {"GPU": 1, "c": 0.001})
    claims = [one("first", 1, first, 2), one("second", 1, second, 1), one("last", 1, last)]
    assert shares(nodes, claims) == {"first": 1, "second": 1, "last": 1}


def test_a_share_of_a_gpu_lies_within_one():
    assert shares([gpus(3)], [one("small", 99, {"GPU": 0.4})]) == {"small": 6}
    assert shares([gpus(1), gpus(1)], [one("a", 9, {"GPU": 0.6}), one("b", 9, {"GPU": 0.4})]) == {"a": 2, "b": 2}
    assert shares([gpus(1), gpus(1)], [one("large", 9, {"GPU": 2})]) == {"large": 0}


def test_ten_lanes_of_a_tenth_are_a_whole():
    assert shares([gpus(1), {"CPU": 0.3}], [one("g", 99, {"GPU": 0.1}), one("c", 99, {"CPU": 0.1})]) == {
        "g": 10,
        "c": 3,
    }


def test_lanes_of_different_size_are_compared_by_what_they_take_most_of():
    """Ghodsi et al.'s example: 9 CPUs and 18 GB, tasks of (1, 4) and (3, 1), give three of the first and two."""
    claims = [one("a", 99, {"CPU": 1, "memory": 4e9}), one("b", 99, {"CPU": 3, "memory": 1e9}, since=1.0)]
    assert shares([{"CPU": 9, "memory": 18e9}], claims) == {"a": 3, "b": 2}
    assert shares([gpus(8)], [one("half", 99, {"GPU": 0.5}), one("one", 99)]) == {"half": 8, "one": 4}


def test_small_lanes_leave_whole_gpus():
    claims = [one("small", 2, {"GPU": 0.25}, priority=1), one("large", 9)]
    assert shares([gpus(1.5), gpus(1)], claims) == {"small": 2, "large": 2}


def test_a_study_that_names_its_nodes_is_not_charged_for_the_name():
    claims = [one("flexible", 9000), one("choosy", 9000, ON_A100, since=1.0)]
    assert shares([gpus(2000, A100), gpus(2000, A100)], claims) == {"flexible": 2000, "choosy": 2000}


def test_no_nodes_no_lanes():
    assert shares([], [one("a", 3)]) == {"a": 0}
    assert shares([gpus(3)], []) == {}


@pytest.mark.parametrize("needs", [(ANY,), NEEDS])
def test_quick_for_ten_thousand_lanes(needs):
    claims = [one(f"s{at:02}", 10_000, needs[at % len(needs)], at % 4, at) for at in range(20)]
    nodes = [gpus(8, A100), gpus(8, T4)] * 625
    start = time.process_time()
    assert sum(shares(nodes, claims).values()) == 10_000
    assert time.process_time() - start < 1
