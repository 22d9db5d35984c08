"""A schedule's commands where there is no home make none."""

import pytest

from tests.cli.studies import here


@pytest.mark.parametrize("command", ["remove", "run-now"])
def test_an_unknown_schedule_makes_no_home(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = here("schedule", command, "nightly", "--home", "nowhere")
    assert done.returncode == 2
    assert "there is no schedule 'nightly': nothing is in nowhere" in done.stderr
    assert not (tmp_path / "nowhere").exists()
