"""A study small enough for tests of the command line, and the command itself: in this process, or one of its own."""

import contextlib
import io
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from slalom.api import run
from slalom.cli.main import main
from slalom.wiring import local_lanes
from tests.support.mlflow_tables import database
from tests.support.patience import Patience, written

SMALL = """\
name: small
question: Does Adam beat plain descent on eight hidden units?
task: digits
model: {name: mlp, hidden: [8]}
training: {epochs: 4, batch_size: 32}
search:
  learning_rate: {log: [1e-3, 1.0]}
arms:
  sgd: {optimizer: sgd}
  adam: {optimizer: adam}
tune: {trials: 4, generation: 4, searches: 6, pick: {best: 2, seeds: 1}}
confirm: {seeds: 2}
compare: {baseline: sgd}
resources: {lanes: 1, pack_width: 16}
"""
"""A lane more, and to measure how wide packs may be, would take seconds of a processor each."""

RINGS = """\
name: rings
question: Which?
task: digits
model: {name: mlp, hidden: [3]}
training: {epochs: 1, batch_size: 32}
arms:
  sgd: {optimizer: sgd, learning_rate: 0.1}
  adam: {optimizer: adam, learning_rate: 0.01}
tune: {trials: 1, searches: 1}
confirm: {seeds: 1}
compare: {baseline: sgd}
resources: {pack_width: 4}
"""
"""One that trains least, of one trial in each arm."""

TRIALS = {"tune": 4, "pick": 2, "confirm": 2}
"""Of each search of each arm of the study."""

SEARCHES = 6

COMMAND = [sys.executable, str(Path(sys.executable).with_name("slalom"))]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


def slalom(*arguments, cwd, timeout=600):
    """The command's exit code, standard output and standard error, from a process of its own without a terminal.

    timeout: seconds in which nothing is written below `cwd`
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        command = [*COMMAND, *map(str, arguments)]
        running = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            await_that(lambda: running.poll() is not None, timeout, lambda: written(cwd))
        finally:
            running.kill()
            running.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, running.returncode, out.read(), err.read())


def here(*arguments):
    """The same three from this process, where all is imported already."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*map(str, arguments)])
    except SystemExit as exc:
        code = exc.code
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def start(*arguments, cwd, **pipes):
    """The command at the head of a session of its own; Ctrl-C reaches it even where the tests are run behind `&`."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **pipes,
    )


def trained(text, folder):
    """The folder, in which the study of this text has run: its file `digits.yaml`, and its home `home`."""
    (folder / "digits.yaml").write_text(text)
    database(folder / "home")
    run(folder / "digits.yaml", folder / "home", lanes=local_lanes)
    return folder


def copied(folder, to):
    """All of a folder whose home, `home`, this process has run a study in, into another folder."""
    shutil.copytree(folder, to, dirs_exist_ok=True)
    with contextlib.closing(sqlite3.connect(to / "home" / "optuna.db")) as trials:
        # this process keeps the original open, and a write-ahead log that has all pages
        trials.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rows(file, table):
    """How many rows a table of an SQLite file has; none where it is not there yet."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    except sqlite3.Error:
        return 0


def await_that(holds, seconds=100, progress=lambda: None):
    """Wait until something holds, for so many seconds in which nothing comes on; see tests/support/patience.py."""
    patience = Patience(seconds, progress)
    while not holds():
        assert not patience.over, f"not within {seconds} s"
        time.sleep(0.02)


def ended(process, seconds=100):
    """The exit code of a process that is about to end."""
    await_that(lambda: process.poll() is not None, seconds)
    return process.returncode
