"""What a person sees at the end of a study, with no terminal: a log, a pipe, a file."""

import re

import slalom
from slalom.cli.terminal import verdict
from slalom.report.tables import result_rows, tuning_rows


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
