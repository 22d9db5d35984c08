"""What a person sees while a study runs: in a log, in a terminal and in a notebook; elsewhere nothing."""

import os
import pty
import sys
from datetime import datetime
from types import SimpleNamespace

import pytest

from slalom.loop.progress import ArmProgress, Packs, Progress, Stage
from slalom.status.watch import Watch, line, watching
from slalom.wire.trial import Phase
from tests.support.pseudo_terminal import written


def progress(done, seconds, trials=None, lanes=2, told=(), **further):
    arms = (ArmProgress("sgd", done, 10, 2, 1, 0, 0.25), ArmProgress("adam", done, 10, 0, 0, 0, None))
    return Progress(arms, seconds, 2 * done if trials is None else trials, lanes, told, **further)


def test_a_line_every_ten_seconds(capsys):
    now = 100.0
    with Watch(clock=lambda: now) as watch:
        for step in range(60):  # half a minute
            now = 100.0 + step / 2
            watch(progress(done=step // 10, seconds=step / 2))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "4 of 20 trials, 2 lanes, 0.4 trials/s, about 40 s left: sgd 2/10, adam 2/10",
        "8 of 20 trials, 2 lanes, 0.4 trials/s, about 30 s left: sgd 4/10, adam 4/10",
    ]


def test_what_is_told_of_lanes_is_a_line_at_once(capsys):
    with Watch(clock=lambda: 0.0) as watch:
        watch(progress(done=1, seconds=1.0, told=("lane 0 [on 10.0.0.7] hangs",)))
        watch(progress(done=1, seconds=1.5))
    assert capsys.readouterr().err == "lane 0 [on 10.0.0.7] hangs\n"


def test_no_line_before_the_tenth_second(capsys):
    now = 0.0
    with Watch(clock=lambda: now) as watch:
        now = 9.9
        watch(progress(done=1, seconds=9.9))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (progress(0, 12.0), "0 of 20 trials, 2 lanes, no trial has ended yet: sgd 0/10, adam 0/10"),
        (progress(4, 12.0, trials=0, lanes=1), "8 of 20 trials, 1 lane, no trial has ended yet: sgd 4/10, adam 4/10"),
        (progress(4, 12.0, lanes=0), "8 of 20 trials, waiting for a lane: sgd 4/10, adam 4/10"),
        (progress(5, 1000.0), "10 of 20 trials, 2 lanes, 0.0 trials/s, about 16 min 40 s left: sgd 5/10, adam 5/10"),
        (progress(1, 1000.0), "2 of 20 trials, 2 lanes, 0.0 trials/s, about 2 h 30 min left: sgd 1/10, adam 1/10"),
        (progress(10, 4.0), "20 of 20 trials, 2 lanes, 5.0 trials/s, about 0 s left: sgd 10/10, adam 10/10"),
    ],
)
def test_a_line_says_how_far_and_how_long(seen, said, capsys):
    now = 0.0
    with Watch(clock=lambda: now) as watch:
        now = 10.0
        watch(seen)
    assert capsys.readouterr().err.splitlines() == [said]


def line_of(**further):
    return line(progress(5, 1000.0, **further))


def test_a_line_says_where_the_study_is():
    first = Stage(((2, Phase.TUNE), (2, Phase.TUNE)), 10, resampled=True)
    assert ", search 3 of 10 on its own split (2 tune), 2 lanes" in line_of(stage=first)
    several = Stage(((2, Phase.CONFIRM), (4, Phase.TUNE), (3, Phase.PICK), (4, Phase.TUNE)), 10, resampled=False)
    assert ", searches 3 to 5 of 10 on one split (2 tune, 1 pick, 1 confirm), 2 lanes" in line_of(stage=several)
    assert ", the best of each arm once more, 2 lanes" in line_of(stage=Stage((), 10, resampled=True))


def test_a_line_says_what_packs_do():
    assert ", 2 lanes, packs of 128 that are 55 % filled, 0.0 trials/s" in line_of(packs=Packs(128, 0.549))


def test_a_line_says_when_it_ends_where_that_is_not_at_once():
    noon = datetime(2026, 11, 29, 12, 0).timestamp()
    assert line_of(now=noon).split(": ")[0].endswith("about 16 min 40 s left, until 12:16")
    assert "until" not in line(progress(10, 4.0, now=noon))


def seen_of(watch, capfd):
    with watching(watch) as told:
        told(progress(10, 10.0))
        told(progress(5, 10.0))
    return capfd.readouterr()


def test_python_is_silent_where_nobody_looks(capfd):
    assert seen_of(None, capfd) == ("", "")


def test_python_shows_a_table_in_a_terminal(capfd, monkeypatch):
    main, side = pty.openpty()
    monkeypatch.setenv("TERM", "xterm-256color")
    with os.fdopen(side, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert seen_of(None, capfd) == ("", "")
    drawn = written(main)
    assert "5 / 10" in drawn
    assert "1.0 trials/s" in drawn


def test_python_shows_a_line_in_a_notebook(capfd, monkeypatch):
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    out, err = seen_of(None, capfd)
    assert out == ""
    lines = err.split("\r")
    assert lines[-1].rstrip() == "10 of 20 trials, 2 lanes, 1.0 trials/s, about 10 s left: sgd 5/10, adam 5/10"
    assert lines[1].startswith("Starting the lanes")
    assert len({len(line.rstrip("\n")) for line in lines[2:]}) == 1


def test_what_python_is_given_is_called_alone(capfd, monkeypatch):
    seen = []
    assert seen_of(seen.append, capfd) == ("", "")
    assert [one.trials for one in seen] == [20, 10]
