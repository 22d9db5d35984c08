"""The command in a process of its own, on a local Ray: killed, and quiet."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import slalom
from tests.cluster.clusters import descendants, title, wait_for
from tests.cluster.studies import rows, run_here
from tests.support.mlflow_tables import database

ROOT = Path(__file__).parents[2]

STUDY = """
name: longer
question: Does momentum help?
task: digits
model: {name: mlp, hidden: [16]}
training: {epochs: 8, batch_size: 64, optimizer: momentum}
search:
  learning_rate: {log: [1e-3, 1.0]}
arms:
  plain: {momentum: 0.0}
  heavy: {momentum: 0.9}
tune: {trials: 8, searches: 1, pick: none}
confirm: {seeds: 6}
compare: {baseline: plain}
resources: {lanes: 1, pack_width: 8}
"""

TOTAL = 28

REST = """
import os, signal, sys
import slalom
from tests.cluster.clusters import lane_processes

def kill_a_lane(progress):
    if progress.trials and not killed:
        killed.append(min(lane_processes()))
        os.kill(killed[0], signal.SIGKILL)

killed = []
slalom.run(slalom.load(sys.argv[1]).with_resources(lanes=2), sys.argv[2], watch=kill_a_lane)
"""


class Command:
    """`slalom run` on a study file and a home."""

    def __init__(self, study, home):
        self.arguments = [sys.executable, "-m", "slalom.cli", "run", str(study), "--home", str(home), "--json"]
        self.database = home / "optuna.db"

    def start(self):
        return subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def written(self):
        """How many trials are in the database."""
        if self.database.exists():
            with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as found:
                return found.execute("select count(*) from trials").fetchone()[0]
        return 0

    def start_and_wait_for_trials(self):
        before = self.written()
        running = self.start()
        assert wait_for(lambda: self.written() > before or running.poll() is not None, 120)
        assert running.poll() is None, running.communicate()
        return running


def alive(pid):
    """Whether the process is there, and is no zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_killed_it_goes_on_to_the_same_results(tmp_path):
    """Nothing of Ray's is printed, neither where a lane dies."""
    study, home = tmp_path / "longer.yaml", tmp_path / "home"
    study.write_text(STUDY)
    database(home)
    command = Command(study, home)

    killed = command.start_and_wait_for_trials()
    others = {pid: title(pid) for pid in descendants(killed.pid)}
    assert sum(name.startswith("ray::LaneActor") for name in others.values()) == 1
    killed.kill()
    killed.communicate()
    assert command.written() < TOTAL
    # The node's agents try for a minute to tell the dead head of it.
    agents = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
    assert wait_for(lambda: not any(alive(pid) for pid, name in others.items() if not name.startswith(agents)))

    last = rest(study, home)
    assert (last.returncode, last.stdout, last.stderr) == (0, "", "")
    assert command.written() == TOTAL
    found = slalom.show(study, home)
    assert found.as_json()["state"] == "complete"
    assert rows(found.export()) == run_here(slalom.load(study))


def rest(study, home):
    """What is left of a study, run from Python in a process that knows nothing of Ray; a lane dies on the way."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.run(
        [sys.executable, "-c", REST, str(study), str(home)],
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
        timeout=800,
    )
