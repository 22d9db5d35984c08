"""What a person sees at the end of a study, with no terminal: a log, a pipe, a file."""

import io
import re
import sys

import slalom
from slalom.cli.terminal import verdict
from slalom.report.forest import ASCII, UNICODE, forest_lines
from slalom.report.tables import result_rows, tuning_rows
from slalom.verdict.wording import with_bounds


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


def test_the_differences_are_drawn_in_80_columns(finished, capsys):
    folder, _ = finished
    result = slalom.show(folder / "small.yaml", folder / "home")
    verdict(result)
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("test error, arm minus sgd")
    drawn = [line.rstrip() for line in lines[start : start + 3]]
    assert drawn == forest_lines(result.spec, result.summary, UNICODE)
    assert max(map(len, drawn)) <= 80
    assert drawn[1].startswith("adam ")
    assert with_bounds(result.arms[1].difference.mean, result.arms[1].difference.interval, "+") in drawn[1]


def test_they_are_drawn_in_ascii_where_no_other_letters_can_be_written(finished, monkeypatch):
    folder, _ = finished
    result = slalom.show(folder / "small.yaml", folder / "home")
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", written)
    verdict(result)
    written.flush()
    assert "\n".join(forest_lines(result.spec, result.summary, ASCII)[:1]) in written.buffer.getvalue().decode("ascii")
