"""Optuna's storage as a person meets it who opens it with Optuna's own dashboard, in a real browser."""

import json
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import urlopen

import pytest

from tests.browser.screenshot import PICTURES, shown
from tests.cli.studies import await_that


@contextmanager
def dashboard(storage, log):
    """The address of Optuna's dashboard over a storage, while it serves."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from optuna_dashboard._cli import main; main()"
    command = [sys.executable, "-c", code, storage, "--host", "127.0.0.1", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as said, subprocess.Popen(command, stdout=said, stderr=said) as server:
        try:
            await_that(lambda: answers(address), progress=log.read_text)
            yield address
        finally:
            server.terminate()


def answers(address):
    try:
        urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def address(result, tmp_path_factory):
    with dashboard(result.home.storage_url, tmp_path_factory.mktemp("dashboard") / "log") as served:
        yield served


def asked(address, path):
    with urlopen(f"{address}/api/{path}", timeout=240) as answer:
        return json.load(answer)


def study_of(address, arm):
    """What the dashboard is told of the arm's Optuna study, and its number."""
    studies = asked(address, "studies")["study_summaries"]
    (number,) = [one["study_id"] for one in studies if one["study_name"].endswith(f"/{arm}")]
    return asked(address, f"studies/{number}"), number


def test_each_study_is_an_arm_and_has_its_trials(result, address, window):
    window.get(f"{address}/dashboard")
    names = {f"small/{result.spec.fingerprint[:12]}/{arm.name}" for arm in result.spec.arms}
    shown(window, "body", lambda body: all(name in body.text for name in names))
    window.save_screenshot(PICTURES / "optuna-studies.png")
    studies = asked(address, "studies")["study_summaries"]
    assert {one["study_name"] for one in studies} == names
    for arm in result.spec.arms:
        study, _ = study_of(address, arm.name)
        assert len(study["trials"]) == sum(trial.arm == arm.name for trial in result.ended)


def test_values_have_the_name_of_what_decided_and_pruned_trials_their_last_one(result, address, window):
    study, number = study_of(address, "adam")
    assert study["objective_names"] == ["validation error"]
    pruned = [trial for trial in study["trials"] if trial["state"] == "Pruned"]
    assert pruned
    assert all(trial["values"] == [trial["intermediate_values"][-1]["value"]] for trial in pruned)
    tested = [trial for trial in study["trials"] if "test error" in {one["key"] for one in trial["user_attrs"]}]
    assert len(tested) == sum(map(len, result.arms[1].confirm.values)), "what the verdict rests on"
    window.get(f"{address}/dashboard/studies/{number}")
    shown(window, ".js-plotly-plot .ytitle", lambda title: title.text == "validation error")
    window.save_screenshot(PICTURES / "optuna-history.png")


def test_a_note_says_what_the_values_are(address, window):
    _, number = study_of(address, "adam")
    window.get(f"{address}/dashboard/studies/{number}/note")
    assert shown(window, "body", lambda body: "by which its search chose" in body.text)
    window.save_screenshot(PICTURES / "optuna-note.png")
