"""Going on with a home costs what its trials cost to read, and no more: ten times the trials, ten times the work."""

import sqlite3

import pytest

from slalom.errors import Interrupted
from slalom.lanes.simulated import SimulatedLanes
from slalom.lanes.simulated_worker import SimulatedTraining, SimulatedWorker
from slalom.records.on_mlflow import MlflowRecorder
from tests.loop.test_scale import steps
from tests.loop.worlds import Nature, sqlite_store, study, train
from tests.support.mlflow_tables import database

INSTRUCTIONS = 1000
"""Of SQLite's machine, between two looks at how many there were."""


class Sends(Exception):
    """A trial is on its way to a lane: the study goes on."""


class AtOnce(SimulatedLanes):
    """Lanes at which a run ends as soon as it has something to train."""

    def send(self, lane, turn):
        raise Sends


def lanes(kind):
    training = SimulatedTraining(Nature().metrics, lambda trial, epoch: 0.5 + trial.seeds.weights / 2**63)
    return kind(lambda clock: SimulatedWorker(clock, training, 16), 20)


def stopped_after(trials):
    """Ctrl-C when so many have ended."""

    def watch(progress):
        if progress.trials >= trials:
            raise KeyboardInterrupt

    return watch


class Work:
    """What SQLite is given to do, whoever opens its files: statements, and instructions of its machine."""

    def __init__(self, monkeypatch):
        self.statements = self.instructions = 0
        connect = sqlite3.connect

        def counting(*arguments, **options):
            line = connect(*arguments, **options)
            line.set_trace_callback(self._state)
            line.set_progress_handler(self._step, INSTRUCTIONS)
            return line

        for module in (sqlite3, sqlite3.dbapi2):
            monkeypatch.setattr(module, "connect", counting)

    def _state(self, _):
        self.statements += 1

    def _step(self):
        self.instructions += INSTRUCTIONS


def home(folder, trials):
    """A home in which most of a study of so many tuning trials has ended; gives the study."""
    arms = [f"arm-{number}" for number in range(5)]
    spec = study(arms, epochs=9, trials=trials // 25, searches=5, sampler="tpe", seeds=2)
    database(folder)
    with pytest.raises(Interrupted):
        goes_on(folder, spec, lanes(SimulatedLanes), stopped_after(trials))
    return spec


def goes_on(folder, spec, crew, watch=lambda _: None):
    store = sqlite_store(folder, spec)
    recorder = MlflowRecorder(f"sqlite:///{folder}/mlflow.db", folder / "artifacts", spec, lambda _: "")
    recorder.model = lambda *_: None  # what was not trained is no model
    try:
        with store.held(str(folder)):
            train(spec, store, crew, recorder, clock=crew.clock, watch=watch)
    finally:
        recorder.close()
        store.close()


def cost(folder, trials, monkeypatch):
    """Lines of Slalom's own, statements and instructions of SQLite's until a home's study trains again."""
    spec = home(folder, trials)
    with monkeypatch.context() as patch:
        work = Work(patch)

        def again():
            with pytest.raises(Sends):
                goes_on(folder, spec, lanes(AtOnce))

        lines = steps(again)
    return lines, work.statements, work.instructions


class Said(SimulatedLanes):
    """Lanes that write down when they are asked for."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.said = []

    def size(self, demand):
        self.said.append("lanes")
        return super().size(demand)


def test_a_lane_opens_while_the_trials_are_read(tmp_path, monkeypatch):
    crew, spec = lanes(Said), study(trials=4)
    store = sqlite_store(tmp_path, spec)
    ended = store.ended
    monkeypatch.setattr(store, "ended", lambda *asked: crew.said.append("trials") or ended(*asked))
    train(spec, store, crew, clock=crew.clock)
    assert crew.said[:2] == ["lanes", "trials"]


@pytest.mark.slow
def test_a_home_of_ten_times_the_trials_costs_at_most_ten_times_the_work(tmp_path, monkeypatch):
    cost(tmp_path / "first", 50, monkeypatch)  # what is imported and filled once
    lines, statements, instructions = cost(tmp_path / "small", 100, monkeypatch)
    more_lines, more_statements, more_instructions = cost(tmp_path / "large", 1000, monkeypatch)
    print(lines, more_lines, statements, more_statements, instructions, more_instructions)
    assert more_lines < 10 * lines
    assert more_instructions < 10 * instructions
    assert more_statements < 1.5 * statements
