"""When a lane that comes on no further is given up, on a clock that stands still until it is moved."""

import pytest

from slalom.errors import LaneLost
from slalom.lanes.base import LaneNotice
from slalom.lanes.hangs import ASK_SECONDS, FIRST_SECONDS, FLOOR_SECONDS, GAP_SECONDS, MULTIPLE, Hangs


class Watched:
    """Lane 0, watched from the beginning of a turn on."""

    def __init__(self, timeout=None, **options):
        self.now = 0.0
        self.hangs = Hangs(timeout, clock=lambda: self.now, **options)
        self.hangs.begin(0)
        self.steps = 0
        self.told = []

    def go(self, seconds, *, answers=True, comes_on=False):
        """Let so many seconds go by, in looks of a second; gives the loss if there was one, and when."""
        for second in range(1, seconds + 1):
            self.now += 1
            self.hangs.look()
            self.steps += comes_on
            if self.hangs.to_ask() and answers:
                self.hangs.heard(0, (self.steps,), "task.py:7")
            found = self.hangs.found(0, "lane 0")
            if isinstance(found, LaneLost):
                return second, found
            self.told += [found.text] if isinstance(found, LaneNotice) else []
        return None


def test_an_endless_loop_is_given_up_after_the_floor_and_its_line_is_told():
    watched = Watched()
    watched.go(3, comes_on=True)
    watched.hangs.answered(0)
    second, lost = watched.go(2000)
    assert second == pytest.approx(FLOOR_SECONDS, abs=2)
    assert lost.looped
    assert str(lost) == "lane 0 has come on no further than task.py:7, for 601 s (trial_timeout), and is given up"
    assert watched.told == [
        "lane 0 has come on no further than task.py:7, for 301 s; it is given up after 600 s (resources: trial_timeout)"
    ]


def test_a_frozen_process_is_given_up_after_the_floor_before_anything_was_measured():
    watched = Watched()
    second, lost = watched.go(2000, answers=False)
    assert second == pytest.approx(FLOOR_SECONDS, abs=2)
    assert not lost.looped
    assert str(lost).startswith("lane 0 does not answer, for ")


def test_the_first_step_may_take_an_hour():
    second, _ = Watched().go(5000)
    assert second == pytest.approx(FIRST_SECONDS, abs=2)


def test_steps_that_take_long_are_waited_for_by_a_multiple_of_the_longest():
    watched = Watched()
    watched.go(100)
    watched.hangs.answered(0)
    watched.go(40, comes_on=True)
    second, _ = watched.go(5000)
    assert second == pytest.approx(MULTIPLE * 100, abs=ASK_SECONDS + 2)


def test_what_comes_on_within_a_turn_is_no_hang_however_long_the_turn():
    watched = Watched()
    assert watched.go(20_000, comes_on=True) is None
    assert watched.told == []


def test_a_loop_that_was_stopped_itself_takes_no_silence_for_a_hang():
    watched = Watched(timeout=100)
    watched.now += 100_000
    watched.hangs.look()
    assert watched.hangs.found(0, "lane 0") is None
    second, _ = watched.go(200, answers=False)
    assert second == pytest.approx(100 - GAP_SECONDS, abs=2)


@pytest.mark.parametrize(("answers", "looped"), [(True, True), (False, False)])
@pytest.mark.parametrize("timeout", [4, 50, 5000])
def test_the_studys_own_limit_stands_in_place_of_all(timeout, answers, looped):
    second, lost = Watched(timeout).go(10_000, answers=answers)
    assert second == pytest.approx(timeout, abs=2)
    assert lost.looped is looped


def test_a_function_of_the_users_may_take_as_long_as_it_likes_to_its_first_report_but_people_are_told():
    watched = Watched(by_reports=True)
    assert watched.go(30_000) is None
    assert watched.told == [
        "lane 0 has come on no further than task.py:7, for 301 s; nothing has reported yet, so it is waited for; "
        "resources: trial_timeout sets an end to that"
    ]
    watched.hangs.heard(0, (1,), "task.py:9")
    assert watched.go(30_000) is None, "20 times what the first report took"


def test_a_function_of_the_users_has_an_hour_between_reports_that_are_quick():
    watched = Watched(by_reports=True)
    watched.go(60, comes_on=True)
    second, _ = watched.go(5000)
    assert second == pytest.approx(FIRST_SECONDS, abs=ASK_SECONDS + 2)


def test_a_frozen_process_with_a_function_of_the_users_has_an_hour():
    second, lost = Watched(by_reports=True).go(5000, answers=False)
    assert (second, lost.looped) == (pytest.approx(FIRST_SECONDS, abs=2), False)
