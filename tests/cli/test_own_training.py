"""A study with a training function, killed in the middle and run again: the export is that of one that was not."""

import json
import os
import signal
from subprocess import DEVNULL

import pytest

from tests.cli.studies import await_that, rows, slalom, start
from tests.loop.test_own_training import STUDY, TRAIN
from tests.support.mlflow_tables import database

pytestmark = pytest.mark.slow


def test_killed_and_run_again(tmp_path):
    (tmp_path / "curves.py").write_text(TRAIN)
    (tmp_path / "curves.yaml").write_text(STUDY)
    checked = slalom("check", "curves.yaml", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "gentle: tunes rate, slope" in checked.stdout
    database(tmp_path / "killed")
    database(tmp_path / "whole")
    with start("run", "curves.yaml", "--home", "killed", cwd=tmp_path, stdout=DEVNULL, stderr=DEVNULL) as running:
        await_that(lambda: rows(tmp_path / "killed" / "optuna.db", "trials") > 20)
        os.killpg(running.pid, signal.SIGKILL)
    before = rows(tmp_path / "killed" / "optuna.db", "trials")
    again = slalom("run", "curves.yaml", "--home", "killed", "--json", cwd=tmp_path)
    assert again.returncode == 0
    assert rows(tmp_path / "killed" / "optuna.db", "trials") > before
    assert slalom("run", "curves.yaml", "--home", "whole", cwd=tmp_path).returncode == 0
    killed, whole = (
        slalom("export", "curves.yaml", "--home", home, cwd=tmp_path).stdout for home in ("killed", "whole")
    )
    assert killed == whole
    shown = json.loads(slalom("show", "curves.yaml", "--home", "killed", "--json", cwd=tmp_path).stdout)
    assert (shown["state"], shown["verdict"]["winner"]) == ("complete", "gentle")
    assert [arm["tuning"]["trials"] for arm in shown["arms"]] == [54, 54]
