"""A few rounds of `make chaos`, without Ray: a driver that is killed, stopped, told to stop, at random moments."""

import random

import pytest

from tests.chaos.chaos import play, table
from tests.chaos.faults import FAULTS, SHORT, no_mounts

SEED = random.SystemRandom().randrange(10**6)


@pytest.mark.slow
@pytest.mark.parametrize("way", SHORT.ways)
def test_a_study_whose_driver_is_struck_ends_as_the_undisturbed_one(way):
    print(f"seed {SEED}")
    play(SHORT, way, f"{SEED}/{way}")


@pytest.mark.slow
@pytest.mark.skipif(no_mounts() is not None, reason="nothing can be mounted here")
def test_a_study_whose_disk_is_full_ends_as_the_undisturbed_one():
    (fault,) = [one for one in FAULTS if one.name == "disk full"]
    print(f"seed {SEED}")
    play(fault, fault.ways[1], f"{SEED}/disk")


def test_the_table_says_what_was_not_survived_and_what_was_not_permitted():
    shown = table({("lane", "SIGKILL"): 3}, {("lane", "SIGKILL"): 2}, {"disk full": "no mounts"}).markdown()
    assert "| lane | SIGKILL | 2 of 3 |" in shown
    assert "| disk full | - | not permitted on this machine: no mounts |" in shown
