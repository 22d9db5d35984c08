"""What `make quick` leaves out is marked for it, each room keeps some of its tests there, and `make test` runs all."""

import re
from pathlib import Path

import pytest

from tests import conftest
from tests.support.tiers import LEFT_OUT, ROOMS, few, rooms

ROOT = Path(__file__).parents[2]

WITHOUT_QUICK = {"browser", "chaos", "cluster", "fuzzing", "kernels"}
"""Rooms whose tests all start what a developer's loop does without, or train for long."""


def options(target):
    """What a target of the Makefile gives pytest."""
    (found,) = re.findall(rf"^{target}:.*\n(?:\t.*\n)*?\t.*\$\(PYTEST\)(.*)\)$", (ROOT / "Makefile").read_text(), re.M)
    return found.strip()


def test_quick_leaves_out_the_marked_and_test_leaves_out_nothing():
    assert options("quick") == f'-m "{" and ".join(f"not {mark}" for mark in LEFT_OUT)}"'
    assert options("test") == ""


def test_the_marks_are_declared(pytestconfig):
    declared = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert declared >= set(LEFT_OUT)


@pytest.mark.parametrize("table", ["SLOW", "THOROUGH", "LONGEST"])
def test_what_is_marked_by_its_place_is_there(table):
    assert [place for place in getattr(conftest, table) if not (conftest.TESTS / place).exists()] == []


def test_every_room_keeps_quick_tests(pytestconfig):
    """Of the rooms whose every file was collected."""
    assert {room for room, quick in pytestconfig.stash[ROOMS].items() if not quick} <= WITHOUT_QUICK


def test_a_room_without_quick_tests_is_seen(tmp_path):
    class Item:
        def __init__(self, file, *marks):
            self.path, self.marks = tmp_path / file, marks

        def get_closest_marker(self, mark):
            return mark in self.marks or None

    for file in ("a/test_one.py", "a/test_two.py", "b/test_one.py", "c/test_one.py", "c/test_two.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    items = [
        Item("a/test_one.py", "slow"),
        Item("a/test_two.py"),
        Item("b/test_one.py", "thorough"),
        Item("b/test_one.py", "slow"),
        Item("c/test_one.py", "slow"),
    ]
    assert rooms(tmp_path, items) == {"a": 1, "b": 0}


def test_a_few_cases_are_quick():
    first, second, third = few([1, (2, 3), {"four": 4}])
    assert first == 1
    assert (second.values, third.values) == ((2, 3), ({"four": 4},))
    assert {mark.name for one in (second, third) for mark in one.marks} == {"thorough"}
    assert few("ab", 2) == ["a", "b"]
