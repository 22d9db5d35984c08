"""A run that is stopped, by Ctrl-C and by SIGTERM, goes on with the same command, to the numbers of one that was not.

One study is run three times over: plain with a Ctrl-C, in a terminal with a SIGTERM, in a terminal to its end.
"""

import json
import os
import re
import signal
from subprocess import PIPE
from types import SimpleNamespace

import pytest

import slalom
from slalom import wiring
from slalom.home import Home
from slalom.report.tables import result_rows, tuning_rows
from tests.cli.studies import SMALL, await_that, here, rows, start
from tests.cli.terminals import Terminal
from tests.support.mlflow_tables import database

LONGER = SMALL.replace("trials: 4, generation: 4, searches: 6", "trials: 24, generation: 4, searches: 2").replace(
    "resources: {lanes: 1, pack_width: 16}\n", ""
)
"""Generations that end one after the other, so that there is something to stop."""

RUN = ("run", "small.yaml", "--home", "a home")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What was seen on the way."""
    folder = tmp_path_factory.mktemp("stopped")
    study, home = folder / "small.yaml", folder / "a home"
    study.write_text(LONGER)
    database(home)
    seen = SimpleNamespace(study=study, home=home, shown=[])

    def one_more():
        before = rows(home / "optuna.db", "trials")
        return lambda: rows(home / "optuna.db", "trials") > before

    def look():
        seen.shown.append(json.loads(here("show", study, "--home", home, "--json").stdout))

    with start(*RUN, cwd=folder, stdout=PIPE, stderr=PIPE, text=True) as first:
        await_that((home / "optuna.db").exists)
        seen.refused = here("run", study, "--home", home)
        await_that(one_more())
        os.killpg(first.pid, signal.SIGINT)
        seen.told = first.communicate(timeout=480)
    look()
    with Terminal(*RUN, cwd=folder, columns=100) as terminal:
        await_that(one_more())
        terminal.process.send_signal(signal.SIGTERM)
        seen.codes = [first.returncode, terminal.wait(120)]
        seen.stopped = terminal.screens()
    look()
    with Terminal(*RUN, cwd=folder, columns=80) as terminal:
        seen.codes.append(terminal.wait(300))
        seen.drawn = terminal.screens()
    look()
    return seen


def test_a_second_run_on_the_same_home_is_refused(story):
    assert (story.refused.returncode, story.refused.stdout) == (2, "")
    assert story.refused.stderr.startswith(f"slalom: --home: another run is at work in {story.home}")


def test_both_stops_are_130_and_say_how_to_go_on(story):
    assert story.codes[:2] == [130, 130]
    out, told = story.told
    assert out == ""
    assert told.endswith("slalom: stopped; what had ended is kept; go on with: slalom run small.yaml --home 'a home'\n")
    assert story.stopped[-1].strip() == told.splitlines()[-1]
    assert "Traceback" not in told


def test_what_had_ended_is_kept(story):
    first, second, _ = story.shown
    assert [first["state"], second["state"]] == ["interrupted", "interrupted"]
    assert first["verdict"] is second["verdict"] is None

    def ended(shown):
        return sum(arm["tuning"]["trials"] for arm in shown["arms"])

    assert 0 < ended(first) <= ended(second) < 96


def test_the_end_is_that_of_a_run_that_was_not_stopped(story, tmp_path):
    assert story.codes[2] == 0, story.drawn[-1]
    database(tmp_path / "home")
    whole = slalom.run(story.study, tmp_path / "home", lanes=wiring.local_lanes)
    places = ("home", "storage", "tracking_uri", "throughput")
    one, other = ({**found, **dict.fromkeys(places)} for found in (story.shown[-1], whole.as_json()))
    assert one == json.loads(json.dumps(other))

    def trials(study, home):
        exported = json.loads(here("export", study, "--home", home).stdout)
        return [{**trial, "attempt": None} for trial in exported]

    assert trials(story.study, story.home) == trials(story.study, tmp_path / "home")


def test_a_terminal_shows_that_the_lanes_are_starting_and_then_how_far_it_is(story):
    assert story.drawn[0].strip() == "Reading small.yaml ..."
    assert "Starting the lanes ..." in story.drawn[1]
    tables = [screen for screen in story.drawn if "done / budget" in screen and "trials/s" in screen]
    last = tables[-1]
    assert re.search(r"arm +done / budget +pruned +diverged +failed +best", last)
    for arm in ("sgd", "adam"):
        done = [int(match[1]) for screen in tables if (match := re.search(rf"{arm} +(\d+) / 56 ", screen))]
        assert done == sorted(done)
        assert done[-1] == 56
        assert re.search(rf"{arm} +56 / 56 +24 +0 +0 +0\.\d{{4}}", last)
    assert re.search(r"\d+\.\d trials/s, about \d+ s left", last)


def test_a_terminal_is_left_with_the_answer_alone(story):
    last = story.drawn[-1]
    assert "done / budget" not in last
    assert "Starting the lanes" not in last
    assert last.lstrip().startswith("Does Adam beat plain descent on eight hidden units?")
    assert story.shown[-1]["verdict"]["sentence"] in " ".join(last.split())
    assert last.rstrip().endswith("Browse every trial: slalom ui --home 'a home'")
    assert max(map(len, last.split("\n"))) <= 80
    result = slalom.show(story.study, story.home)
    for header, body in (rows_of(result.spec, result.summary) for rows_of in (result_rows, tuning_rows)):
        numbers = [part for row in (header, *body) for cell in row for part in re.split(r" (?=\[|better|worse)", cell)]
        assert [number for number in numbers if number not in last] == []


def test_a_home_that_a_run_has_left_is_deserted(tmp_path):
    home = Home(tmp_path / "home")
    assert not home.deserted
    with home.alone():
        assert not home.deserted
    assert home.deserted


def test_ctrl_c_while_all_is_loaded_is_no_hang(empty):
    with start("run", "small.yaml", "--json", cwd=empty, stdout=PIPE, stderr=PIPE, text=True) as run:
        await_that((empty / "slalom-home" / "mlflow.db").exists)
        os.killpg(run.pid, signal.SIGINT)
        out, told = run.communicate(timeout=360)
    assert (run.returncode, out) == (130, "")
    assert told.startswith("slalom: stopped; ")
    assert told.count("\n") == 1
    shown = here("show", "small.yaml")
    # The stop may come before or after the study is on record.
    if shown.returncode == 2:
        assert "nothing of small is in" in shown.stderr
    else:
        assert shown.returncode == 0
        assert "No verdict yet (interrupted): 0 of 48 tuning trials ended" in shown.stdout
