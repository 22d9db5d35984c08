"""One state of a study, from its lease and its job, whoever asks: `status`, `submit`, `stop`, the driver itself."""

from __future__ import annotations

import time
from contextlib import nullcontext

import pytest
from sqlalchemy import create_engine, insert

import slalom
from slalom import api, wiring
from slalom.cli import drive, jobs, submit, terminal
from slalom.cli.stop import Stop
from slalom.errors import Infrastructure, Interrupted
from slalom.home import Home
from slalom.lanes.on_ray.jobs import Job
from slalom.loop.notes import Heartbeat, Note
from slalom.loop.placement import Load
from slalom.search.on_optuna.holding import HOLDERS, Hold
from slalom.status.reader import StatusReader
from slalom.submit.submission import ENDED, STOPPED, submission
from slalom.verdict.summary import State
from tests.cli.studies import SMALL, here

RAY = "http://127.0.0.1:8265"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def home(folder):
    return Home(folder / "home", f"sqlite:///{folder}/trials.db", f"sqlite:///{folder}/mlflow.db")


@pytest.fixture
def spec(folder):
    return slalom.load(folder / "small.yaml")


def on_record(spec, home):
    """The study's store, in which the study is complete and recorded, and was heard of just now."""
    store = wiring.store(spec, home)
    store.note(Note.PULSE, Heartbeat(time.time(), Load(0, 0, 0), 0.0, None, ()).noted())
    store.note(Note.STATE, State.COMPLETE)
    store.note(Note.RECORDED, [home.shown()["tracking_uri"]])
    return store


def told(home):
    (study,) = StatusReader(home).read(time.time()).studies
    return study.state


def test_a_study_runs_until_its_run_lets_go_of_it(spec, home):
    store = on_record(spec, home)
    with store.held("elsewhere"):
        assert told(home) is State.RUNNING
        assert api.show(spec, home).summary.state is State.RUNNING
    assert told(home) is State.COMPLETE
    assert api.show(spec, home).summary.state is State.COMPLETE


@pytest.mark.parametrize(("recorded", "state"), [(True, State.COMPLETE), (False, State.INTERRUPTED)])
def test_a_study_whose_run_is_dead_runs_no_more(spec, home, recorded, state):
    """At once, and not only when it has been silent for a minute."""
    store = on_record(spec, home)
    store.note(Note.STATE, State.RUNNING)
    store.note(Note.RECORDED, [home.shown()["tracking_uri"]] if recorded else [])
    dead = Hold(create_engine(home.storage_url), store._root, "here")._mine._replace(process=2**22 + 1)
    with create_engine(home.storage_url).begin() as database:
        database.execute(insert(HOLDERS).values(study=store._root, **dead._asdict()))
    assert told(home) is state


class Jobs:
    """A job server that knows these jobs."""

    def __init__(self, *known, log=""):
        self.known, self.log, self.sent = list(known), log, []

    def jobs(self, _):
        return self.known

    def submit(self, name, *_):
        self.sent.append(name)
        return True

    def stop(self, _):
        return self.known[-1]

    def logs(self, _):
        return self.log


def job(spec, home, status):
    shown = home.shown()
    metadata = {name: shown[name] for name in ("storage", "tracking_uri")} | {"fingerprint": spec.fingerprint}
    return Job(f"slalom-small-{spec.fingerprint[:12]}-1", 1, status, metadata, "", None)


def submitted(home, monkeypatch, server):
    monkeypatch.setattr(submit, "_server", lambda _: server)
    done = here(
        "submit", "small.yaml", "--ray", RAY, "--storage", home.storage_url, "--tracking-uri", home.tracking_uri
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[0]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "STOPPED", None])
def test_a_study_that_is_complete_starts_no_job(spec, home, monkeypatch, status):
    """However its last job ended, and where the server knows none, as after a head's restart."""
    on_record(spec, home)
    server = Jobs(*([job(spec, home, status)] if status else []))
    assert submitted(home, monkeypatch, server).endswith(" has ended already.")
    assert server.sent == []


def test_a_study_that_is_under_way_has_its_job(spec, home, monkeypatch):
    with on_record(spec, home).held("elsewhere"):
        server = Jobs(job(spec, home, "RUNNING"))
        assert submitted(home, monkeypatch, server).endswith("-1 runs already.")
        assert server.sent == []


@pytest.mark.parametrize("recorded", [[], ["http://other:5000"]])
def test_what_is_not_complete_where_it_is_asked_for_is_submitted(spec, home, monkeypatch, recorded):
    on_record(spec, home).note(Note.RECORDED, recorded)
    server = Jobs(job(spec, home, "SUCCEEDED"))
    assert submitted(home, monkeypatch, server).endswith("-2 is submitted; it needs this machine no more.")
    assert [name[-2:] for name in server.sent] == ["-2"]


@pytest.mark.parametrize(("believed", "sent"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_a_job_is_believed_where_its_storage_cannot_be_reached_from_here(
    spec, home, folder, believed, sent, monkeypatch
):
    def out_of_reach(*_):
        raise Infrastructure("no way there")

    monkeypatch.setattr(api, "show", out_of_reach)
    server = Jobs(job(spec, home, believed))
    jobs.place_job(server, submission(spec, folder / "small.yaml", home, stays=False, install=False))
    assert len(server.sent) == sent


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (f"Verdict: ...\n{ENDED}\n", "-1 has ended already: the study is complete\n"),
        (f"{STOPPED}\n", "-1 is stopped; what had ended is kept, and `slalom submit` goes on\n"),
    ],
)
def test_what_stop_says_is_what_the_driver_came_to(spec, home, monkeypatch, log, said):
    monkeypatch.setattr(submit, "_server", lambda _: Jobs(job(spec, home, "RUNNING"), log=log))
    done = here("stop", "small.yaml", "--ray", RAY)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(said)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_driver_that_is_stopped_after_all_is_on_record_is_complete(spec, home, monkeypatch, capsys, recorded):
    def run(*_, **__):
        on_record(spec, home).note(Note.RECORDED, [home.shown()["tracking_uri"]] if recorded else [])
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "run", run)
    monkeypatch.setattr(terminal, "verdict", lambda _: None)
    sent = submission(spec, spec.folder / "small.yaml", home, stays=True, install=False)
    sent.write(spec.folder)
    with nullcontext() if recorded else pytest.raises(Interrupted):
        drive._drive(Stop())
    assert (ENDED in capsys.readouterr().out) is recorded
    assert told(home) is (State.COMPLETE if recorded else State.INTERRUPTED)
    assert wiring.store(spec, home).notes()[Note.SUBMISSION] is None


def test_after_a_heads_restart_the_cluster_is_waited_for(home, folder, monkeypatch):
    """Where it is asked for; a head takes a while to answer, and so may the database."""
    tries = []

    def server(_):
        tries.append(1)
        if len(tries) < 3:
            raise Infrastructure("Ray at ... does not answer")
        return Jobs()

    monkeypatch.setattr(submit, "_server", server)
    monkeypatch.setattr(submit, "RETRY_SECONDS", 0.0)
    words = ("submit", "--resume-all", "--ray", RAY, "--storage", home.storage_url, "--tracking-uri", home.tracking_uri)
    assert here(*words).returncode == 3
    assert (here(*words, "--wait", "60").returncode, len(tries)) == (0, 3)
