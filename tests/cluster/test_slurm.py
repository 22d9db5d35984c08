"""deploy/slurm.sbatch over a Slurm that is made up: two nodes of Ray on this machine, a limit, and a queue."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import slalom
from slalom import api
from slalom.home import Home
from tests.cli.studies import await_that
from tests.cluster.clusters import free_port, wait_for
from tests.cluster.studies import DOCUMENT, rows, run_here
from tests.repository.tree import ROOT
from tests.support.patience import written

SCRIPT = ROOT / "deploy" / "slurm.sbatch"

JOB = "4711"

STUDY = {
    **DOCUMENT,
    "training": {**DOCUMENT["training"], "epochs": 60},
    "tune": {**DOCUMENT["tune"], "trials": 4, "generation": 2},
    "confirm": {"seeds": 3},
}

SRUN = """#!/usr/bin/env bash
# A task on each of two nodes; like Slurm since 22.05 it hands on no number of cores that it is not given itself.
unset SLURM_CPUS_PER_TASK
call=srun
while [[ ${1-} == --* ]]; do
    call+=" $1"
    [[ $1 != --cpus-per-task=* ]] || export SLURM_CPUS_PER_TASK="${1#*=}"
    shift
done
echo "$call" >>"$FAKE/calls"
tasks=()
for node in 0 1; do
    SLURM_NODEID=$node SLURM_PROCID=$node "$@" &
    tasks+=($!)
done
trap 'kill -TERM "${tasks[@]}" 2>/dev/null' TERM
for task in "${tasks[@]}"; do
    while kill -0 "$task" 2>/dev/null; do wait "$task"; done
done
"""

SCONTROL = """#!/usr/bin/env bash
echo "scontrol $*" >>"$FAKE/calls"
[[ $1 != show ]] || printf '127.0.0.1\\n127.0.0.1\\n'
"""


class Slurm:
    """What Slurm gives a job, in a folder that all nodes share."""

    def __init__(self, folder):
        self.folder, self.jobs = folder, []
        for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
            program = folder / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(text)
            program.chmod(0o755)

    def environment(self, **changes):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_"))}
        given = {
            "SLURM_JOB_ID": JOB,
            "SLURM_SUBMIT_DIR": str(self.folder),
            "SLURM_JOB_NODELIST": "node[1-2]",
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_CPUS_PER_TASK": "1",
            "SLURM_MEM_PER_NODE": "2000",
        }
        own = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "FAKE": str(self.folder), "VENV": sys.prefix}
        return {**kept, **given, **own, "RAY_PORT": str(free_port()), **changes}

    def start(self, *words, **changes):
        command, environment = ["bash", SCRIPT, *words], self.environment(**changes)
        with (self.folder / "log").open("ab") as log:
            job = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.jobs.append(job)
        return job

    def calls(self):
        return (self.folder / "calls").read_text().splitlines() if (self.folder / "calls").exists() else []

    def log(self):
        return (self.folder / "log").read_text()

    def processes(self):
        """Those that the job has started, by what is in their environment."""
        found = set()
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"FAKE={self.folder}".encode() in file.read_bytes().split(b"\0"):
                    found.add(int(file.parent.name))
        return found


@pytest.fixture
def slurm(tmp_path):
    made = Slurm(tmp_path)
    try:
        yield made
    finally:
        for pid in made.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for job in made.jobs:
            job.wait()


def ended(home):
    """Trials that are on record as ended."""
    with suppress(sqlite3.Error), sqlite3.connect(f"file:{home / 'optuna.db'}?mode=ro", uri=True) as line:
        return line.execute("SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED', 'FAIL')").fetchone()[0]
    return 0


def test_a_job_that_is_stopped_before_its_limit_goes_on_from_the_queue(slurm, tmp_path):
    """The numbers are those of a run that nothing has stopped; nothing of Ray's is left on the nodes."""
    (tmp_path / "small.yaml").write_text(json.dumps(STUDY))
    home = tmp_path / "slalom-home"
    job = slurm.start("small.yaml")
    await_that(lambda: ended(home) or job.poll() is not None, 100, lambda: written(tmp_path))
    job.send_signal(signal.SIGINT)  # Slurm's, by --signal=B:INT@120: to the script's shell alone
    await_that(lambda: job.poll() is not None, 100, lambda: written(tmp_path))
    assert job.returncode == 130, slurm.log()
    assert slurm.calls() == [
        "scontrol show hostnames node[1-2]",
        "srun --cpus-per-task=1 --kill-on-bad-exit=1",
        f"scontrol requeue {JOB}",
    ]
    assert wait_for(lambda: not slurm.processes())
    spec = slalom.load(tmp_path / "small.yaml")
    before = len(api.show(spec, Home(home)).ended)
    again = slurm.start("small.yaml")
    await_that(lambda: again.poll() is not None, 100, lambda: written(tmp_path))
    assert again.returncode == 0, slurm.log()
    found = api.show(spec, Home(home))
    assert 0 < before < len(found.ended)
    assert rows(found.export()) == run_here(spec)
    assert [call for call in slurm.calls() if "requeue" in call] == [f"scontrol requeue {JOB}"]
    assert wait_for(lambda: not slurm.processes())
    assert not Path(f"/tmp/slalom-{JOB}").exists()
    assert not list(tmp_path.glob(".slalom-token-*"))


def test_a_head_that_does_not_answer_ends_the_job(slurm, tmp_path):
    (tmp_path / "bin" / "ray").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "bin" / "ray").chmod(0o755)
    empty = tmp_path / "empty"
    (empty / "bin").mkdir(parents=True)
    (empty / "bin" / "activate").write_text("")
    job = slurm.start("small.yaml", VENV=str(empty), RAY_WAIT_SECONDS="1")
    await_that(lambda: job.poll() is not None, 60)
    assert job.returncode == 3
    assert "Ray's head at 127.0.0.1:" in slurm.log()
    assert wait_for(lambda: not slurm.processes())


@pytest.mark.parametrize("word", ["--storage=postgresql://me:secret@db/x", "http://me:secret@mlflow:5000"])
def test_a_password_is_refused_among_arguments_which_everybody_can_read(slurm, word):
    job = slurm.start("small.yaml", word)
    assert job.wait(30) == 2
    assert "SLALOM_STORAGE or SLALOM_TRACKING_URI" in slurm.log()
    assert "secret" not in slurm.log()
    assert slurm.calls() == []
