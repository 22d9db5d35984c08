"""Times are told in a schedule's own zone, by whatever command."""

from __future__ import annotations

from tests.cli.studies import SMALL, here


def test_list_and_status_tell_the_same_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    words = ("--command", "run", "--cron", "0 3 * * *", "--timezone", "Asia/Tokyo")
    added = here("schedule", "add", "small.yaml", *words).stdout
    told = added.removeprefix("small: next at ").partition(", by a server")[0]
    assert told.endswith("03:00 JST")
    for command in (("schedule", "list"), ("status",)):
        assert told in here(*command).stdout
