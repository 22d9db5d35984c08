"""The page that Prometheus reads."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from threading import Event, Thread

import pytest
from prometheus_client.parser import text_string_to_metric_families

from slalom.errors import Infrastructure, InputError
from slalom.schedule.cron import Cron
from slalom.schedule.values import REGRESSED_CODE, Reason, Run, RunOutcome, StudySchedule
from slalom.status import prometheus
from slalom.status.prometheus import page, pages
from slalom.status.status import Status, StudyStatus
from slalom.verdict.summary import State

LABELS = ("study", "fingerprint", "schedule", "outcome")


def samples(text):
    """By name and labels' values, the value."""
    return {
        (sample.name, *(sample.labels[name] for name in LABELS if name in sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


STUDY = StudyStatus("digits", "abc", State.RUNNING, 99.0, 4, 60, 7, 30, 276, 12, 1, 2, 3.5, None)
NIGHT = ("nightly", "digits", "regress", "")
RUN = Run(*NIGHT, 50.0, 0, Reason.DUE, "here", 50.0, 60.0, 1, 80.0, REGRESSED_CODE, RunOutcome.REGRESSED)
NEXT = Run(*NIGHT, 90.0, 0, Reason.DUE, "here", 90.0, 95.0, 2)
STATUS = Status(
    now=100.0,
    studies=[STUDY],
    schedules=[
        StudySchedule("nightly", "digits", "run", Cron("0 3 * * *"), 500.0),
        StudySchedule("new", "digits", "run", Cron("0 3 * * *"), 500.0),
    ],
    runs=[NEXT, RUN],
    newest={"nightly": NEXT},
    ended={"nightly": RUN},
    counts={("nightly", RunOutcome.REGRESSED): 3},
)


def test_every_fact_is_told():
    """Of a schedule that has never run, too: an alert on it has something to look at from the moment it is added."""
    none = {
        ("slalom_schedule_runs_total", name, str(outcome)): 0 for name in ("nightly", "new") for outcome in RunOutcome
    }
    assert samples(page(STATUS, True).decode()) == {
        **none,
        ("slalom_server_leads",): 1,
        ("slalom_study_running", "digits", "abc"): 1,
        ("slalom_study_trials", "digits", "abc"): 30,
        ("slalom_study_budget", "digits", "abc"): 276,
        ("slalom_study_lanes", "digits", "abc"): 4,
        ("slalom_study_training", "digits", "abc"): 60,
        ("slalom_study_waiting", "digits", "abc"): 7,
        ("slalom_study_trials_per_second", "digits", "abc"): 3.5,
        ("slalom_study_trials_by_outcome", "digits", "abc", "pruned"): 12,
        ("slalom_study_trials_by_outcome", "digits", "abc", "diverged"): 1,
        ("slalom_study_trials_by_outcome", "digits", "abc", "failed"): 2,
        ("slalom_schedule_next_run_timestamp_seconds", "nightly"): 500,
        ("slalom_schedule_next_run_timestamp_seconds", "new"): 500,
        ("slalom_schedule_running", "nightly"): 1,
        ("slalom_schedule_running", "new"): 0,
        ("slalom_schedule_failed", "nightly"): 1,
        ("slalom_schedule_failed", "new"): 0,
        ("slalom_schedule_last_exit_code", "nightly"): 10,
        ("slalom_schedule_last_end_timestamp_seconds", "nightly"): 80,
        ("slalom_schedule_last_duration_seconds", "nightly"): 30,
        ("slalom_schedule_runs_total", "nightly", "regressed"): 3,
    }


def get(port, path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def test_the_pages_say_when_the_database_does_not_answer():
    answers = {"look": True}

    def look():
        if not answers["look"]:
            raise Infrastructure("no route")
        return STATUS, False

    with pages(("127.0.0.1", 0), look, lambda: answers["look"]) as port:
        assert get(port, "/healthz") == (200, "ok\n")
        code, text = get(port, "/metrics")
        assert (code, samples(text)["slalom_server_leads",]) == (200, 0)
        assert get(port, "/")[0] == 404
        assert [get(port, path, "HEAD") for path in ("/healthz", "/metrics")] == [(200, ""), (200, "")]
        answers["look"] = False
        assert get(port, "/healthz")[0] == 503
        assert get(port, "/metrics") == (503, "no route\n")
        with pytest.raises(InputError, match="--metrics-port: cannot listen"), pages(("127.0.0.1", port), look, bool):
            pass


def test_an_answer_under_way_is_waited_for_at_the_end():
    """A thread that is within a library when Python ends may crash the process, after all was told to be well."""
    asked, told = Event(), Event()

    def look():
        asked.set()
        time.sleep(0.2)
        told.set()
        return STATUS, True

    with pages(("127.0.0.1", 0), look, bool) as port:
        asking = Thread(target=get, args=(port, "/metrics"))
        asking.start()
        asked.wait()
    assert told.is_set()
    asking.join()


def test_a_client_that_asks_nothing_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(prometheus, "ANSWER_SECONDS", 0.2)
    with (
        pages(("127.0.0.1", 0), lambda: (STATUS, True), bool) as port,
        socket.create_connection(("127.0.0.1", port)),
    ):
        assert get(port, "/healthz")[0] == 503
