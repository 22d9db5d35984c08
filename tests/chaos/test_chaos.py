"""A few rounds of `make chaos`, without Ray: a driver that is killed, stopped, told to stop, at random moments."""

import random

import pytest

from tests.chaos.chaos import Play, play
from tests.chaos.faults import FAULTS, SHORT, no_mounts
from tests.chaos.rounds import Rounds
from tests.chaos.stages import TO_THE_END, Stage

SEED = random.SystemRandom().randrange(10**6)


@pytest.mark.parametrize("way", SHORT.ways)
def test_a_study_whose_driver_is_struck_ends_as_the_undisturbed_one(tmp_path, way):
    print(f"seed {SEED}")
    with SHORT.stage(tmp_path) as stage:
        play(stage, way, f"{SEED}/{way}")


@pytest.mark.skipif(no_mounts() is not None, reason="nothing can be mounted here")
def test_a_study_whose_disk_is_full_ends_as_the_undisturbed_one(tmp_path):
    (fault,) = [one for one in FAULTS if one.name == "disk full"]
    print(f"seed {SEED}")
    with fault.stage(tmp_path) as stage:
        play(stage, TO_THE_END, f"{SEED}/disk")


def test_the_table_says_what_was_not_survived_what_was_not_played_and_what_was_not_permitted(tmp_path):
    rounds = Rounds(tmp_path / "rounds.json")
    for number in range(3):
        rounds.add("lane", "SIGKILL", "7", number, survived=number != 1, day=f"2026-01-0{number + 1}")
    faults = {"lane": ("SIGTERM", "SIGKILL"), "disk full": ("for a while",)}
    shown = rounds.table(faults, {"disk full": "no mounts"}).markdown()
    assert "| lane | SIGKILL | 2 of 3 | 2026-01-03 | 7 |" in shown
    assert "| lane | SIGTERM | none played | - | - |" in shown
    assert "| disk full | - | not permitted on this machine: no mounts | - | - |" in shown
    rounds.add("lane", "SIGKILL", "7", 1, survived=True, day="2026-01-04")
    rounds.add("lane", "SIGKILL", "8", 0, survived=True, day="2026-01-04")
    assert "| lane | SIGKILL | 4 of 4 | 2026-01-04 | 7, 8 |" in rounds.table(faults, {}).markdown()


class EndsAtOnce:
    """A site whose command has ended when the strike comes."""

    tries = 1
    start = clear = finish = examine = lambda self: None

    def wait_for(self, trials):
        return False

    def ended(self):
        return 0


def test_a_round_in_which_nothing_was_struck_is_not_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tests.chaos.chaos.time.sleep", lambda seconds: None)
    playing = Play("7", Rounds(tmp_path / "rounds.json"))
    assert not playing.round(Stage(lambda folder, name: EndsAtOnce(), lambda *_: True), "lane", "SIGKILL", 0)
    assert playing.failed
    assert "NOT STRUCK" in capsys.readouterr().out
    assert "none played" in playing.rounds.table({"lane": ("SIGKILL",)}, {}).markdown()
