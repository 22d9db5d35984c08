"""Files of a home that are broken: what is lost, what is not, and which command makes it again."""

import os
import socket
import sqlite3
from contextlib import closing

import pytest
from mlflow import MlflowClient

import slalom
from slalom import wiring
from slalom.database import MAGIC, broken
from slalom.home import Home
from slalom.loop.notes import Note, Notes
from slalom.records.on_mlflow.browser import serve
from slalom.wire.trial import Phase
from tests.cli.studies import copied, here
from tests.support.mlflow_tables import database
from tests.support.record_samples import shown_in
from tests.support.tiers import few

SHORT = 4096 * 9

PACE = ("pack_width", "seconds", "slot_utilisation", "trials_per_second")
"""What a study's run shows of how fast it was."""


def truncated(file):
    os.truncate(file, SHORT)


def emptied(file):
    os.truncate(file, 0)


def garbage(file):
    file.write_bytes(bytes(range(256)) * 64)


def text(file):
    file.write_text("no database, and long enough to be read as the header of one" * 10)


def folder(file):
    file.unlink()
    file.mkdir()


def overwritten(file):
    """Whole but for its middle."""
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (size - 4096))


BREAKS = [truncated, emptied, garbage, text, folder, overwritten]


@pytest.fixture
def home(finished, tmp_path, monkeypatch):
    """A copy of the home of a finished run, beside its study."""
    copied(finished[0], tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
    return tmp_path / "home"


def in_home(home):
    return f"sqlite:///{home}/mlflow.db"


def records(uri):
    """What MLflow shows: all of each trial; of the study and its arms where they came to, but for how fast that was."""
    shown = shown_in(uri, "small")
    for place, page in shown.items():
        if len(place) < len(("study", "arm", "trial")):
            # a number that stood at 0 when the run began has a point for that, too
            curves = {name: {step: value for step, value in points if step} for name, points in page["history"].items()}
            last = {name: points[-1][1] for name, points in page["history"].items() if name not in PACE}
            page["tags"] = {name: value for name, value in page["tags"].items() if name.split(".")[-1] not in PACE}
            page["history"] = last | {name: curve for name, curve in curves.items() if len(curve) > 1}
    return shown


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda one: one.__name__)
def test_a_broken_file_of_trials_is_told_with_what_is_lost(break_it, home):
    break_it(home / "optuna.db")
    for command in (["show"], ["run"], ["export"], ["status"]):
        study = [] if command == ["status"] else ["small.yaml"]
        done = here(*command, *study, "--home", "home")
        assert done.returncode == 3, (command, done.stderr)
        assert f"the file of trials, {home}/optuna.db, is broken: " in done.stderr
        assert "put a copy of it back" in done.stderr
        assert "SELECT" not in done.stderr
        assert "does not answer" not in done.stderr


@pytest.mark.parametrize("break_it", few(BREAKS), ids=lambda one: one.__name__)
def test_a_broken_file_of_records_is_rebuilt_from_the_trials(break_it, home, finished):
    # of the original: MLflow keeps a connection to each file that this process has looked at
    before = records(in_home(finished[0] / "home"))
    break_it(home / "mlflow.db")
    if break_it is not emptied:  # which MLflow takes for a new one, and `slalom ui` for none
        shown = here("ui", "--home", "home")
        assert shown.returncode == 3
        assert f"the file of MLflow's records, {home}/mlflow.db, is broken: " in shown.stderr
        assert "No result is lost" in shown.stderr
        assert "slalom records rebuild" in shown.stderr
    done = here("records", "rebuild", "small.yaml", "--home", "home")
    assert done.returncode == 0, done.stderr
    assert len([*home.glob("mlflow.db.broken-*[0-9]")]) == 1
    assert records(in_home(home)) == before


def test_a_run_that_meets_a_broken_file_of_records_says_which_command_mends_it(home):
    spec = slalom.load("small.yaml")
    wiring.store(spec, Home(home)).note(Note.RECORDED, [])
    overwritten(home / "mlflow.db")
    done = here("run", "small.yaml", "--home", "home")
    assert done.returncode == 3
    assert "slalom records rebuild" in done.stderr
    assert "[SQL" not in done.stderr
    assert "start it" not in done.stderr


@pytest.mark.thorough
def test_a_whole_file_of_records_is_kept_and_completed(home):
    before = records(in_home(home))
    with closing(sqlite3.connect(home / "mlflow.db")) as database:
        database.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name LIKE 'adam search 0 tune%'")
        database.commit()
    assert records(in_home(home)) != before
    assert here("records", "rebuild", "small.yaml", "--home", "home").returncode == 0
    assert not [*home.glob("mlflow.db.broken-*")]
    assert records(in_home(home)).keys() == before.keys()


@pytest.mark.thorough
def test_the_records_of_a_study_under_way_are_rebuilt_as_far_as_it_is(home):
    """Without its last phase, as after a Ctrl-C."""
    spec, place = slalom.load("small.yaml"), Home(home)
    ended = wiring.store(spec, place).ended()
    (home / "optuna.db").unlink()
    store = wiring.store(spec, place)
    known = [one for trial, one in ended.items() if trial.phase is not Phase.CONFIRM]
    store.add(known)
    store.note(Note.IDENTITY, spec.identity)
    garbage(home / "mlflow.db")
    done = here("records", "rebuild", "small.yaml", "--home", "home")
    assert done.returncode == 0, done.stderr
    assert "goes on by `slalom run`" in done.stdout
    assert len(records(in_home(home))) == 1 + 2 + len(known)
    assert len(store.ended()) == len(known)
    assert here("run", "small.yaml", "--home", "home").returncode == 0
    assert len(records(in_home(home))) == 1 + 2 + len(ended)


@pytest.mark.slow
def test_records_that_a_server_has_lost_are_rebuilt_on_it(home, tmp_path):
    """What else the server has stays, and what is there of the study is not written twice."""
    before, other = records(in_home(home)), Home(tmp_path / "server")
    database(other.folder)
    client, port = MlflowClient(other.tracking_uri), free_port()
    mine, strange = client.create_experiment("small"), client.create_experiment("strange")
    kept = [client.create_run(place, run_name="another's").info.run_id for place in (mine, strange)]
    uri = f"http://127.0.0.1:{port}"
    trials = wiring.store(slalom.load("small.yaml"), Home(home))
    elsewhere = Notes.read(trials.notes()).recorded
    trials.note(Note.RECORDED, [*elsewhere, uri])
    with serve(other, "127.0.0.1", port):
        for _ in range(2):
            done = here("records", "rebuild", "small.yaml", "--home", "home", "--tracking-uri", uri)
            assert done.returncode == 0, done.stderr
            shown = records(uri)
            assert shown.pop(("another's",))["tags"].keys() <= {"mlflow.runName"}
            assert shown == before
            assert Notes.read(trials.notes()).recorded == (*elsewhere, uri)
        assert {client.get_run(run).info.lifecycle_stage for run in kept} == {"active"}


def test_a_server_that_does_not_answer_leaves_the_study_to_be_rebuilt(home):
    there = ("--home", "home", "--tracking-uri", "http://127.0.0.1:9")
    for _ in range(2):
        done = here("records", "rebuild", "small.yaml", *there)
        assert done.returncode == 3
        assert "MLflow does not answer at http://127.0.0.1:9" in done.stderr
    assert here("show", "small.yaml", "--home", "home").returncode == 0


def test_a_file_without_permission_is_told(home, monkeypatch):
    # root, who runs tests in many a place, may read and write everything
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert broken(home / "optuna.db") == "there is no permission to read and write it"


def test_a_file_that_another_process_has_locked_counts_as_whole(tmp_path):
    file = tmp_path / "optuna.db"
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("CREATE TABLE here (x)")
        writer.execute("PRAGMA locking_mode=EXCLUSIVE")
        writer.execute("BEGIN EXCLUSIVE")
        assert broken(file) is None


def test_a_file_that_cannot_be_opened_is_told_wherever_it_lies(tmp_path, monkeypatch):
    """Also where its path has the word that SQLite says of a file in use."""
    file = tmp_path / "locked.db"
    file.write_bytes(MAGIC)

    def unreadable(*_):
        raise OSError(5, "Input/output error", str(file))

    monkeypatch.setattr(type(file), "open", unreadable)
    assert "Input/output error" in broken(file)
