"""A study in a home of its own, the command that runs it, and what must hold of it when it has ended."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy

import slalom
from slalom.home import Home
from tests.chaos.command import Command, forked, started
from tests.cluster.clusters import lane_processes, title
from tests.support.mlflow_tables import database
from tests.support.patience import Patience

STUDY = """\
name: {name}
question: Does momentum help?
task: digits
model: {{name: mlp, hidden: [8]}}
training: {{epochs: {epochs}, batch_size: 32, optimizer: momentum}}
search:
  learning_rate: {{log: [1e-3, 1.0]}}
arms:
  plain: {{momentum: 0.0}}
  heavy: {{momentum: 0.9}}
tune: {{trials: 4, generation: 4, searches: 2, pick: none}}
confirm: {{seeds: 2}}
compare: {{baseline: plain}}
resources: {{lanes: 2, pack_width: 2}}
"""

TOTAL = 24
"""Trials of the study."""

MARK = "SLALOM_CHAOS"
"""In the environment of all processes that a command starts; servers that the round itself starts have it not."""

KEPT = {"optuna.db", "mlflow.db", "artifacts", "lock"}
"""What a home holds of a study that has ended."""

TRIES = 6
"""Of the command in a round, the first included; more are a fault that does not end."""

LINGERING = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Ray's own agents try for a minute to tell a dead head of it, and end then."""


@dataclass
class Site:
    """A home in a folder, and how the command is run.

    options: of the command; variables: of its environment; prefix: words before the command
    local: lanes in the command's process, without Ray; anew: a new Python, which reads the variables when it starts
    at_end: called when the site is cleared
    """

    folder: Path
    name: str = "small"
    epochs: int = 30
    local: bool = False
    anew: bool = False
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    storage: str | None = None
    tracking: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    at_end: Callable[[], None] = lambda: None
    tries: int = 0
    running: Command | None = None

    def __post_init__(self) -> None:
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        for name in ("home", "tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.study.write_text(STUDY.format(name=self.name, epochs=self.epochs))
        if self.tracking is None:
            database(self.folder / "home")

    @property
    def study(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def home(self) -> Home:
        return Home(self.folder / "home", self.storage, self.tracking)

    def start(self) -> Command:
        """The command, once more."""
        self.tries += 1
        places = {"SLALOM_STORAGE": self.storage, "SLALOM_TRACKING_URI": self.tracking}
        variables = {name: value for name, value in places.items() if value} | self.variables
        variables |= {MARK: self.mark, "TMPDIR": str(self.folder / "tmp"), "OMP_NUM_THREADS": "1"}
        words = ["run", str(self.study), "--home", str(self.folder / "home"), *self.options]
        start = partial(started, prefix=self.prefix) if self.prefix or self.anew else forked
        self.running = start(words, variables, self.folder / "log", local=self.local)
        return self.running

    def ended(self) -> int:
        """How many trials are in the storage; none where it cannot be asked."""
        if self.storage is None and not (self.folder / "home" / "optuna.db").exists():
            return 0  # a connection would make the file
        with suppress(sqlalchemy.exc.SQLAlchemyError):
            engine = sqlalchemy.create_engine(self.home.storage_url)
            try:
                with engine.connect() as line:
                    found = "SELECT count(*) FROM trials NATURAL JOIN studies WHERE study_name LIKE :name"
                    return int(line.execute(sqlalchemy.text(found), {"name": f"{self.name}/%"}).scalar() or 0)
            finally:
                engine.dispose()
        return 0

    def wait_for(self, trials: int) -> bool:
        """Wait until so many have ended; whether the command still runs then."""
        patience = Patience(120, self._written)
        while self.present.poll() is None and self.ended() < trials:
            assert not patience.over, self.log
            time.sleep(0.05)
        return self.present.poll() is None

    def code(self) -> int:
        """The exit code of the command, when it has ended."""
        patience = Patience(240, self._written)
        while (code := self.present.poll()) is None:
            assert not patience.over, f"it does not end: {self.log}"
            time.sleep(0.05)
        return code

    def finish(self) -> None:
        """Run the command until it says that the study is complete."""
        while self.code() != 0:
            assert self.tries < TRIES, f"{self.tries} tries: {self.log}"
            self.start()

    def _written(self) -> int:
        """Bytes of the log and of the home's files: they grow as a run comes on."""
        total = 0
        for file in (self.folder / "log", *(self.folder / "home").glob("*")):
            with suppress(OSError):
                total += file.stat().st_size
        return total

    @property
    def present(self) -> Command:
        assert self.running is not None
        return self.running

    @property
    def log(self) -> str:
        """The last lines that the commands have written."""
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-12:])

    def processes(self) -> dict[int, str]:
        """The living processes that a command of this site has started, with their titles."""
        found = {self.present.pid: "the command"} if self.running is not None and self.present.poll() is None else {}
        for place in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"{MARK}={self.mark}".encode() in place.read_bytes().split(b"\0"):
                    found[int(place.parent.name)] = title(int(place.parent.name))
        return found

    def clear(self) -> None:
        """End what is left of the commands."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.running is not None:
            self.running.wait()
        self.at_end()

    def examine(self) -> None:
        """AssertionError where a trial is lost, double or other, or where something is left of the runs."""
        undisturbed = expected(self.epochs)
        due = Counter((row["arm"], row["search"], row["phase"], row["number"]) for row in undisturbed)
        assert json.dumps(without_attempts(slalom.show(self.study, self.home).export())) == json.dumps(undisturbed)
        assert self._in_optuna() == due
        assert self._in_mlflow() == due
        assert self.home.deserted
        patience = Patience(90)
        while left := self._left():
            assert not patience.over, f"processes are left: {left}"
            time.sleep(0.2)
        self._nothing_is_left()

    def _left(self) -> dict[int, str]:
        """What should have ended: the command's processes, and lanes that it had on a cluster that goes on."""
        ours = {pid: name for pid, name in self.processes().items() if not name.startswith(LINGERING)}
        return ours | {pid: title(pid) for pid in lane_processes()}

    def _in_optuna(self) -> Counter[tuple[Any, ...]]:
        import optuna

        found: Counter[tuple[Any, ...]] = Counter()
        for name in optuna.get_all_study_names(self.home.storage_url):
            study, _, arm = (*name.split("/"), "")[:3]
            if study == self.name and arm:
                for trial in optuna.load_study(study_name=name, storage=self.home.storage_url).trials:
                    about = trial.user_attrs
                    found[arm, about["search"], about["phase"], json.loads(about["slalom"])["number"]] += 1
        return found

    def _in_mlflow(self) -> Counter[tuple[Any, ...]]:
        from mlflow import MlflowClient

        client = MlflowClient(self.home.tracking_uri)
        (experiment,) = client.search_experiments(filter_string=f"name = '{self.name}'")
        runs = client.search_runs([experiment.experiment_id], max_results=1000)
        assert not [run.info.run_name for run in runs if run.info.status == "RUNNING"]
        names = [run.info.run_name for run in runs if run.data.tags.get("slalom.kind") == "trial"]
        return Counter((a, int(search), phase, int(number)) for a, _, search, phase, number in map(str.split, names))

    def _nothing_is_left(self) -> None:
        # SQLite's logs are there while this process looks into the files
        names = {file.name.removesuffix("-wal").removesuffix("-shm") for file in (self.folder / "home").iterdir()}
        assert names <= KEPT, names - KEPT
        # what Ray writes lies in a folder of its own, which it leaves there for people
        assert not [file.name for file in (self.folder / "tmp").iterdir() if file.name != "ray"]
        engine = sqlalchemy.create_engine(self.home.storage_url)
        with engine.connect() as line:
            held = line.execute(
                sqlalchemy.text("SELECT study FROM slalom_holder WHERE study LIKE :name"), {"name": f"{self.name}/%"}
            ).all()
        engine.dispose()
        assert not held


def without_attempts(exported: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An export but for how often each trial was tried, which is what faults change."""
    return [{name: value for name, value in row.items() if name != "attempt"} for row in exported]


@cache
def expected(epochs: int) -> list[dict[str, Any]]:
    """What the undisturbed study exports; its name is in no number."""
    with TemporaryDirectory() as folder:
        site = Site(Path(folder), "undisturbed", epochs, local=True)
        site.start()
        assert site.code() == 0, site.log
        return without_attempts(slalom.show(site.study, site.home).export())
