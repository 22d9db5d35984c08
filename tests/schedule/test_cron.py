"""When schedules are due: against the calendar, minute by minute, over a year with both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from slalom.errors import InputError
from slalom.schedule.cron import Cron

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
END = datetime(2027, 1, 1, tzinfo=UTC).timestamp()


def all_due(cron):
    """Every due time of the year, each found from the one before it alone, as a server does."""
    found, moment = [], BEGIN - 1
    while (moment := cron.after(moment)) < END:
        found.append(moment)
    return found


def times_of_day(zone, *times, days=lambda day: True):
    """What must come of times of day: once a day each, the first time that it exists, else the next one that does."""
    zone = ZoneInfo(zone)
    found = set()
    for number in range(-1, 367):
        day = date(2026, 1, 1) + timedelta(number)
        if days(day):
            found |= {moment(datetime.combine(day, time.fromisoformat(one), zone)) for one in times}
    return sorted(one for one in found if BEGIN <= one < END)


def moment(local):
    while local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        local += timedelta(minutes=1)
    return local.timestamp()


def intervals(zone, matches):
    """What must come of an interval: every minute of the year at which the clocks' hands match."""
    zone = ZoneInfo(zone)
    minutes = (datetime.fromtimestamp(one, zone) for one in range(int(BEGIN), int(END), 60))
    return [one.timestamp() for one in minutes if matches(one)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", ["00:00", "01:30", "01:45", "02:00", "02:15", "02:30", "03:00", "23:59"])
def test_a_time_of_day_is_due_once_a_day(zone, at):
    hour, minute = map(int, at.split(":"))
    due = all_due(Cron(f"{minute} {hour} * * *", zone))
    assert due == times_of_day(zone, at)
    assert 364 <= len(due) <= 366


def test_times_that_the_clocks_skip_together_are_due_once_together():
    due = all_due(Cron("0,20,40 2-3 * * *", "Europe/Berlin"))
    times = [f"{hour:02}:{minute:02}" for hour in (2, 3) for minute in (0, 20, 40)]
    assert due == times_of_day("Europe/Berlin", *times)
    assert len(due) == 365 * 6 - 3


def test_days_of_the_week_are_those_of_the_zone():
    due = all_due(Cron("30 1 * * MON-FRI", "Australia/Lord_Howe"))
    assert due == times_of_day("Australia/Lord_Howe", "01:30", days=lambda day: day.weekday() < 5)


@pytest.mark.parametrize("zone", ZONES)
def test_an_interval_goes_on_evenly(zone):
    assert all_due(Cron("0 * * * *", zone)) == intervals(zone, lambda one: one.minute == 0)


def test_a_step_in_an_hour_that_comes_twice_is_taken_twice():
    due = all_due(Cron("*/30 1-2 * * *", "Europe/Berlin"))
    assert due == intervals("Europe/Berlin", lambda one: one.minute in (0, 30) and one.hour in (1, 2))
    assert len(due) == 365 * 4 - 2 + 2


@pytest.mark.parametrize("minutes", range(0, 150, 7))
def test_what_follows_is_later_even_from_within_an_hour_that_comes_twice(minutes):
    since = datetime(2026, 10, 25, 0, 0, tzinfo=UTC).timestamp() + 60 * minutes + 0.5
    cron = Cron("45 2 * * *", "Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 45, tzinfo=UTC).timestamp()
    second = datetime(2026, 10, 26, 1, 45, tzinfo=UTC).timestamp()
    assert cron.after(since) == (first if since < first else second)


@pytest.mark.parametrize(
    ("expression", "zone", "message"),
    [
        ("0 3 * *", "UTC", "'0 3 \\* \\*': it has not five fields"),
        ("0 0 3 * * *", "UTC", "it has not five fields"),
        ("60 3 * * *", "UTC", "Bad minute"),
        ("0 3 30 2 *", "UTC", "Bad day-of-month"),
        ("0 3 1 1 1#6", "UTC", "Bad day-of-week"),
        ("0 3 * * *", "Europe/Berln", "got 'Europe/Berln'; did you mean 'Europe/Berlin'"),
        ("0 3 * * *", "Europe", "--timezone"),
        ("0 3 * * *", "../etc/passwd", "--timezone"),
        ("0 3 * * *", "", "--timezone"),
    ],
)
def test_what_is_none_is_refused(expression, zone, message):
    with pytest.raises(InputError, match=message):
        Cron(expression, zone)
