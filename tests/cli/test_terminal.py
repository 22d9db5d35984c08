"""What a person sees while a study runs, and at its end, with no terminal: a log, a pipe, a file."""

import re

import pytest

import slalom
from slalom.cli.terminal import Watch, verdict
from slalom.loop.progress import ArmProgress, Progress
from slalom.report.tables import result_rows, tuning_rows


def progress(done, seconds, trials=None, lanes=2):
    arms = (ArmProgress("sgd", done, 10, 2, 1, 0, 0.25), ArmProgress("adam", done, 10, 0, 0, 0, None))
    return Progress(arms, seconds, 2 * done if trials is None else trials, lanes)


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


def test_no_line_before_the_tenth_second(capsys):
    now = 0.0
    with Watch(clock=lambda: now) as watch:
        now = 9.9
        watch(progress(done=1, seconds=9.9))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (progress(0, 12.0), "0 of 20 trials, 2 lanes, no trial has ended yet: sgd 0/10, adam 0/10"),
        (progress(4, 12.0, trials=0, lanes=1), "8 of 20 trials, 1 lane, no trial has ended yet: sgd 4/10, adam 4/10"),
        (progress(4, 12.0, lanes=0), "8 of 20 trials, waiting for a lane: sgd 4/10, adam 4/10"),
        (progress(5, 1000.0), "10 of 20 trials, 2 lanes, 0.0 trials/s, about 16 min 40 s left: sgd 5/10, adam 5/10"),
        (progress(1, 1000.0), "2 of 20 trials, 2 lanes, 0.0 trials/s, about 2 h 30 min left: sgd 1/10, adam 1/10"),
        (progress(10, 4.0), "20 of 20 trials, 2 lanes, 5.0 trials/s, about 0 s left: sgd 10/10, adam 10/10"),
    ],
)
def test_a_line_says_how_far_and_how_long(seen, line, capsys):
    now = 0.0
    with Watch(clock=lambda: now) as watch:
        now = 10.0
        watch(seen)
    assert capsys.readouterr().err.splitlines() == [line]


def test_the_tables_are_120_columns_wide_and_no_cell_is_broken(finished, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    folder, _ = finished
    result = slalom.show(folder / "small.yaml", folder / "home")
    verdict(result)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    *report, sentence = printed.rstrip().splitlines()
    assert 100 < max(len(line.rstrip()) for line in report) <= 120
    assert sentence == f"Verdict: {result.verdict.sentence}"
    for header, body in (rows(result.spec, result.summary) for rows in (result_rows, tuning_rows)):
        for cells in (header, *body):
            line = r" +".join(map(re.escape, cells))
            assert [row for row in report if re.fullmatch(line, row.rstrip())]
