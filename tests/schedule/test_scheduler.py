"""Schedules in virtual time: a year with its clock changes, restarts, deaths, cut networks, limits."""

from __future__ import annotations

import random
from bisect import bisect_right

import pytest

from slalom.errors import InputError
from slalom.schedule.cron import Cron
from slalom.schedule.values import ATTEMPTS, Reason, RunOutcome
from tests.schedule.worlds import STEP, WAITS, World, utc

BEGIN, END = utc(2026, 1, 1), utc(2027, 1, 1)
HOUR = 3600.0
SCHEDULES = {
    "berlin": ("30 2 * * *", "Europe/Berlin"),
    "york": ("30 1 * * *", "America/New_York"),
    "howe": ("45 1 * * *", "Australia/Lord_Howe"),
    "gap": ("15 2 * * *", "Australia/Lord_Howe"),
    "weekly": ("0 3 * * MON", "America/New_York"),
}


def due_times(name, begin=BEGIN, end=END):
    cron, moment, found = Cron(*SCHEDULES[name]), begin, []
    while (moment := cron.after(moment)) < end:
        found.append(moment)
    return found


def year(names=SCHEDULES, **options):
    world = World(BEGIN, **options)
    for name in names:
        world.add(name, *SCHEDULES[name])
    return world


@pytest.mark.thorough
def test_a_year_without_trouble_runs_every_time_once():
    world = year()
    world.up()
    world.run(END)
    for name in SCHEDULES:
        runs = world.runs(name)
        assert [run.due for run in runs] == due_times(name)
        assert all((run.started, run.reason, run.outcome) == (run.due, Reason.DUE, RunOutcome.OK) for run in runs)
    assert len(world.children) == sum(len(due_times(name)) for name in SCHEDULES) > 1500
    world.assert_no_overlap()


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(2))
def test_a_year_of_restarts_and_deaths_leaves_nothing_out_and_does_nothing_twice(seed):
    chance = random.Random(seed)
    names = ("berlin", "york", "howe")
    world = year(names, minutes=lambda run: chance.choice((5, 20, 90)))
    while world.now < END:
        if len(world.servers) < 2 and chance.random() < 0.7:
            world.up()
        if world.servers and chance.random() < 0.5:
            name = chance.choice(list(world.servers))
            (world.die if chance.random() < 0.5 else world.stop)(name)
        # half of the spells end in the night, where runs go on
        spell = chance.choice((1, 8, 72)) * HOUR * chance.random()
        at_night = min(child.ends for child in world.children[-1:]) - 60 if world.children else 0
        world.run(at_night if world.now < at_night < world.now + spell else world.now + spell)
    for name in list(world.servers):
        world.stop(name)
    world.assert_no_overlap()
    outcomes = {run.outcome for name in names for run in world.runs(name)}
    assert outcomes == {RunOutcome.OK, RunOutcome.LOST, RunOutcome.STOPPED}
    reasons = {run.reason for name in names for run in world.runs(name)}
    assert reasons == {Reason.DUE, Reason.MISSED, Reason.AGAIN}
    for name in names:
        assert_every_time_is_accounted_for(world.runs(name), due_times(name, end=END + 30 * 24 * HOUR))


def assert_every_time_is_accounted_for(runs, due):
    """A run is for the first due time after the start of the one before it: so none is left out, and none run twice.

    Attempts at one due time end with the first that tells something, or when the next time has come.
    """
    tries = {}
    for run in runs:
        tries.setdefault(run.due, []).append(run)
    expected = due[0]
    for time, attempts in tries.items():
        assert time == expected
        assert [run.attempt for run in attempts] == list(range(len(attempts)))
        assert all(run.outcome in (RunOutcome.LOST, RunOutcome.STOPPED) for run in attempts[:-1])
        assert all(run.started < due[bisect_right(due, attempts[0].started)] for run in attempts)
        expected = due[bisect_right(due, attempts[0].started)]
    first_tries = [attempts[0].started for attempts in tries.values()]
    assert first_tries == sorted(first_tries)
    given_up = [attempts[-1] for attempts in tries.values() if attempts[-1].outcome is not RunOutcome.OK]
    for run in given_up[:-1]:
        later = next(one for one in runs if one.due > run.due)
        assert run.attempt == ATTEMPTS - 1 or later.due <= later.started


def test_many_missed_times_are_run_once():
    world = year()
    world.now += 100 * 24 * HOUR + 9 * HOUR  # an hour at which nothing is due
    world.up()
    world.run(world.now + HOUR)
    for name in SCHEDULES:
        (run,) = world.runs(name)
        assert (run.due, run.reason, run.outcome) == (due_times(name)[0], Reason.MISSED, RunOutcome.OK)


def test_a_run_that_takes_longer_than_the_interval_is_followed_by_one():
    world = World(BEGIN, minutes=lambda run: 150)
    world.add("hourly", "0 * * * *")
    world.up()
    world.run(BEGIN + 12 * HOUR)
    assert [(run.started - BEGIN) / HOUR for run in world.runs("hourly")] == [1, 3.5, 6, 8.5, 11]
    assert [(run.due - BEGIN) / HOUR for run in world.runs("hourly")] == [1, 2, 4, 7, 9]
    world.assert_no_overlap()


def test_one_run_at_a_time_where_one_home_takes_no_more():
    world = World(BEGIN, jobs=1)
    world.add("first", "0 3 * * *")
    world.add("second", "0 3 * * *")
    world.up()
    world.run(BEGIN + 5 * HOUR)
    assert [(child.run.schedule, (child.began - BEGIN) / HOUR) for child in world.children] == [
        ("first", 3.0),
        ("second", pytest.approx(3 + 1 / 3)),
    ]


@pytest.mark.parametrize(("deaf", "signals"), [(False, ["interrupt"]), (True, ["interrupt", "kill"])])
def test_a_time_limit_ends_a_run_cleanly_and_then_by_force(deaf, signals):
    world = World(BEGIN, minutes=lambda run: 1000)
    world.add("long", "0 3 * * *", time_limit=2 * HOUR)
    world.up()
    world.run(BEGIN + 4 * HOUR)
    (child,) = world.children
    child.deaf = deaf
    world.run(BEGIN + 6 * HOUR)
    assert [kind for _, kind in child.signals] == signals
    assert child.signals[0][0] == BEGIN + 5 * HOUR
    assert child.ends - child.signals[0][0] == (WAITS.grace if deaf else 0)
    (run,) = world.runs("long")
    assert (run.exit_code, run.outcome) == (124, RunOutcome.TIME_LIMIT)


def test_exit_codes_are_on_record():
    codes = [0, 10, 2, 3, 70, 130, -9, -11, 1, 77]
    world = World(BEGIN, code=lambda run: codes[round((run.due - BEGIN) / HOUR) - 1])
    world.add("hourly", "0 * * * *")
    world.up()
    world.run(BEGIN + len(codes) * HOUR + HOUR / 2)
    runs = world.runs("hourly")
    assert [run.exit_code for run in runs] == codes
    assert [run.outcome for run in runs] == [
        RunOutcome.OK,
        RunOutcome.REGRESSED,
        RunOutcome.REFUSED,
        RunOutcome.FAILED,
        RunOutcome.FAILED,
        RunOutcome.INTERRUPTED,
        *[RunOutcome.DIED] * 4,
    ]
    assert [run.ended - run.started for run in runs] == [20 * 60] * len(codes)


def test_a_run_that_kills_its_server_is_given_up():
    world = World(BEGIN, minutes=lambda run: 600)
    world.add("deadly", "0 3 * * *")
    for _ in range(6):
        name = world.up()
        world.run(world.now + 5 * HOUR)
        world.die(name)
    attempts = [(run.attempt, run.outcome) for run in world.runs("deadly") if run.due == BEGIN + 3 * HOUR]
    assert attempts == [(attempt, RunOutcome.LOST) for attempt in range(ATTEMPTS)]


def test_a_dead_leader_is_followed_and_its_run_started_again():
    world = World(BEGIN, minutes=lambda run: 60)
    world.add("nightly", "0 3 * * *")
    leader, other = world.up(), world.up()
    world.run(BEGIN + 3.5 * HOUR)
    assert (world.servers[leader].leads, world.servers[other].leads) == (True, False)
    world.die(leader)
    world.run(BEGIN + 8 * HOUR)
    assert world.servers[other].leads
    assert [(run.server, run.outcome) for run in world.runs("nightly")] == [
        (leader, RunOutcome.LOST),
        (other, RunOutcome.OK),
    ]
    lost, again = world.runs("nightly")
    assert WAITS.lost <= again.started - lost.seen <= WAITS.lost + 2 * HOUR
    world.assert_no_overlap()


def test_a_leader_that_stops_hands_over_at_once():
    world = World(BEGIN, minutes=lambda run: 60)
    world.add("nightly", "0 3 * * *")
    leader, other = world.up(), world.up()
    world.run(BEGIN + 3.5 * HOUR)
    world.stop(leader)
    world.tick()
    assert world.servers[other].leads
    stopped, again = world.runs("nightly")
    assert (stopped.outcome, again.reason, again.server) == (RunOutcome.STOPPED, Reason.AGAIN, other)
    assert again.started - stopped.ended < 1


def test_a_server_that_is_cut_off_stops_its_children_before_another_starts_them():
    world = World(BEGIN, minutes=lambda run: 600)
    world.add("nightly", "0 3 * * *")
    cut, other = world.up(), world.up()
    world.run(BEGIN + 3.5 * HOUR)
    world.servers[cut].store.off = True
    (child,) = world.children
    child.deaf = True
    world.run(BEGIN + 9 * HOUR)
    assert child.signals[0][0] - (BEGIN + 3.5 * HOUR) <= WAITS.lease + STEP
    assert [one.run.server for one in world.children] == [cut, other]
    world.assert_no_overlap()
    world.servers[cut].store.off = False
    world.run(BEGIN + 18 * HOUR)
    assert [run.outcome for run in world.runs("nightly")] == [RunOutcome.LOST, RunOutcome.OK]
    assert not world.servers[cut].leads


def test_a_short_cut_changes_nothing():
    world = World(BEGIN, minutes=lambda run: 60)
    world.add("nightly", "0 3 * * *")
    name = world.up()
    world.run(BEGIN + 3.5 * HOUR)
    world.servers[name].store.off = True
    world.run(world.now + WAITS.lease - 1)
    world.servers[name].store.off = False
    world.run(BEGIN + 5 * HOUR)
    (run,) = world.runs("nightly")
    assert (run.outcome, run.ended) == (RunOutcome.OK, BEGIN + 4 * HOUR)


def test_a_server_that_slept_ends_what_was_started_elsewhere_meanwhile():
    world = World(BEGIN, minutes=lambda run: 600)
    world.add("nightly", "0 3 * * *")
    sleeper, other = world.up(), world.up()
    world.run(BEGIN + 3.5 * HOUR)
    asleep = world.servers.pop(sleeper)
    world.run(BEGIN + 9 * HOUR)
    first, second = world.children
    assert second.run.server == other
    world.servers[sleeper] = asleep
    world.run(BEGIN + 18 * HOUR)
    assert [kind for _, kind in first.signals] == ["interrupt", "kill"]
    assert not second.signals
    assert [run.outcome for run in world.runs("nightly")] == [RunOutcome.LOST, RunOutcome.OK]


def test_a_lease_that_is_lost_starts_nothing():
    """Also in the moment before a server notices."""
    world = World(BEGIN)
    world.add("nightly", "0 3 * * *")
    first, second = world.up(), world.up()
    world.tick()
    world.now += 2 * WAITS.lease
    world.servers[second].tick()
    world.now = BEGIN + 3 * HOUR
    stale = world.servers[first]
    assert stale.leads
    stale._lead(world.now)
    assert world.children == []


def test_asked_for_at_once():
    world = World(BEGIN)
    world.add("nightly", "0 3 * * *")
    world.up()
    world.store.ask("nightly", BEGIN)
    world.run(BEGIN + 4 * HOUR)
    assert [(run.reason, run.started) for run in world.runs("nightly")] == [
        (Reason.ASKED, BEGIN),
        (Reason.DUE, BEGIN + 3 * HOUR),
    ]


def test_what_is_removed_runs_no_more_and_stays_on_record():
    world = World(BEGIN)
    world.add("nightly", "0 3 * * *")
    world.up()
    world.run(BEGIN + 3.1 * HOUR)
    world.store.remove("nightly")
    world.run(BEGIN + 100 * HOUR)
    (run,) = world.runs("nightly")
    assert run.outcome is RunOutcome.OK


def test_a_schedule_that_is_added_again_leaves_the_run_of_another_study_unfinished():
    world = World(BEGIN, minutes=lambda run: 60)
    world.add("nightly", "0 3 * * *", study="old")
    leader, _ = world.up(), world.up()
    world.run(BEGIN + 3.5 * HOUR)
    world.store.remove("nightly")
    world.add("nightly", "0 3 * * *", study="new")
    world.stop(leader)
    world.run(BEGIN + 29 * HOUR)
    stopped, new = world.runs("nightly")
    assert (stopped.study, stopped.outcome) == ("old", RunOutcome.STOPPED)
    assert (new.study, new.due, new.reason) == ("new", BEGIN + 27 * HOUR, Reason.DUE)


def test_a_schedule_that_is_added_again_later_waits_for_its_time():
    world = World(BEGIN, minutes=lambda run: 60)
    world.add("nightly", "0 3 * * *")
    leader = world.up()
    world.run(BEGIN + 3.5 * HOUR)
    world.store.remove("nightly")
    world.stop(leader)
    world.now = BEGIN + 50 * HOUR
    world.add("nightly", "0 3 * * *")
    world.up()
    world.run(BEGIN + 53 * HOUR)
    stopped, due = world.runs("nightly")
    assert (stopped.outcome, due.reason, due.due) == (RunOutcome.STOPPED, Reason.DUE, BEGIN + 51 * HOUR)


def test_a_time_that_is_on_record_already_is_not_run_again_and_holds_nobody_up():
    """As where a schedule is added again from a machine whose clock is behind."""
    world = World(BEGIN)
    world.add("first", "0 3 * * *")
    world.up()
    world.run(BEGIN + 4 * HOUR)
    world.store.remove("first")
    world.now = BEGIN + 2.9 * HOUR
    world.add("first", "0 3 * * *")
    world.add("second", "5 3 * * *")
    world.now = BEGIN + 4 * HOUR
    world.run(BEGIN + 28 * HOUR)
    assert [run.due for run in world.runs("first")] == [BEGIN + 3 * HOUR, BEGIN + 27 * HOUR]
    assert [run.reason for run in world.runs("second")] == [Reason.MISSED, Reason.DUE]


def test_names_that_are_wrong_are_told():
    world = World(BEGIN)
    world.add("nightly", "0 3 * * *")
    with pytest.raises(InputError, match="'nightly' already"):
        world.add("nightly", "0 4 * * *")
    with pytest.raises(InputError, match="no schedule 'nigtly'; did you mean 'nightly'"):
        world.store.remove("nigtly")
    with pytest.raises(InputError, match="no schedule 'x'"):
        world.store.ask("x", BEGIN)
    with pytest.raises(InputError, match="--name: letters"):
        world.add("../nightly", "0 4 * * *")
