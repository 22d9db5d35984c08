"""A finished study, looked at in every way: the commands and Python tell the same, and looking changes nothing."""

import contextlib
import csv
import io
import json
import sqlite3
import time
from collections import Counter
from subprocess import PIPE

import pytest
from ruamel.yaml import YAML

import slalom as package
from slalom.records.provenance import versions
from slalom.report.tables import markdown
from tests.cli.studies import SEARCHES, SMALL, TRIALS, here, slalom, start

KEYS = {"study", "fingerprint", "state", "home", "storage", "tracking_uri", "arms", "verdict", "throughput"}
ARM = {"name", "budget", "chosen", "tuning", "confirm", "difference"}
TUNING = {"trials", "pruned", "diverged", "failed", "best"}
CONFIRM = {"searches", "seeds", "values", "mean", "interval", "diverged"}
DIFFERENCE = {"mean", "interval", "p", "answer"}
VERDICT = {"sentence", "winner", "about", "split"}
TRIAL = {"arm", "search", "number", "phase", "seed", "attempt", "outcome", "params", "metrics", "history"}

PLACES = ("home", "storage", "tracking_uri", "throughput")

PHASES = ("tune", "confirm")
ALL = 2 * SEARCHES * sum(TRIALS.values())


def contents(home):
    """Everything that is kept: each row of both databases, and each artifact."""
    kept = {}
    for file in ("optuna.db", "mlflow.db"):
        with contextlib.closing(sqlite3.connect(home / file)) as database:
            kept[file] = list(database.iterdump())
    artifacts = (file for file in (home / "artifacts").rglob("*") if file.is_file())
    return kept | {str(file): file.read_bytes() for file in artifacts}


def ask(finished, *arguments):
    """What a command says of the finished study; the folder of the run is the current one, as it was then."""
    folder, _ = finished
    with contextlib.chdir(folder):
        done = here(arguments[0], "small.yaml", "--home", "home", *arguments[1:])
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def found(finished):
    _, ran = finished
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture
def trials(finished):
    return json.loads(ask(finished, "export").stdout)


def test_run_prints_one_object(found):
    assert set(found) >= KEYS
    assert found["state"] == "complete"
    assert [arm["name"] for arm in found["arms"]] == ["sgd", "adam"]
    for arm in found["arms"]:
        assert set(arm) >= ARM
        assert set(arm["tuning"]) >= TUNING
        assert set(arm["confirm"]) >= CONFIRM
        assert arm["budget"] == arm["tuning"]["trials"] == SEARCHES * TRIALS["tune"]
        assert (arm["confirm"]["searches"], arm["confirm"]["seeds"]) == (SEARCHES, TRIALS["confirm"])
        assert [len(values) for values in arm["confirm"]["values"]] == [TRIALS["confirm"]] * SEARCHES
        assert len(arm["chosen"]) == SEARCHES
        assert len(arm["effort"]["mean"]) == TRIALS["tune"]
        low, high = arm["confirm"]["interval"]
        assert low <= arm["confirm"]["mean"] <= high
    sgd, adam = found["arms"]
    assert sgd["difference"] is None
    assert set(adam["difference"]) >= DIFFERENCE
    assert adam["difference"]["answer"] in ("better", "worse", "undecided")
    assert set(found["verdict"]) >= VERDICT
    assert found["verdict"]["sentence"].endswith(".")
    assert (found["verdict"]["about"], found["verdict"]["split"]) == ("way", "resampled")
    assert found["verdict"]["winner"] in ("sgd", "adam", None)
    assert found["throughput"]["trials_per_second"] > 0
    assert 0 < found["throughput"]["slot_utilisation"] <= 1
    (made_with,) = found["versions"]
    assert made_with == versions()
    assert {"code", "mlflow", "numpy", "optuna", "python", "ray", "slalom", "torch"} <= made_with.keys()


def test_the_process_itself_says_so_and_all_else_is_progress_on_standard_error(empty, found):
    """On lanes of Ray, in a home that it makes."""
    ran = slalom("run", "small.yaml", "--home", "home", "--json", cwd=empty)
    assert ran.returncode == 0, ran.stderr
    assert [line for line in ran.stderr.splitlines() if f" of {ALL} trials" not in line] == []
    said = json.loads(ran.stdout)
    assert said["throughput"]["trials_per_second"] > 0
    assert {**found, **{place: said[place] for place in PLACES}} == said


def test_run_again_tells_the_same_at_once_and_changes_nothing(finished):
    folder, ran = finished
    before, began = contents(folder / "home"), time.monotonic()
    # a cluster that is gone does not matter any more
    again = ask(finished, "run", "--json", "--ray", "127.0.0.1:1")
    assert time.monotonic() - began < 20
    assert (again.returncode, again.stdout, again.stderr) == (0, ran.stdout, "")
    assert contents(folder / "home") == before


def test_looking_changes_nothing_either(finished):
    folder, ran = finished
    before = contents(folder / "home")
    shown = ask(finished, "show", "--json")
    assert (shown.stdout, shown.stderr) == (ran.stdout, "")
    ask(finished, "export")
    assert contents(folder / "home") == before


def test_export_has_every_trial(trials, found):
    assert all(set(trial) >= TRIAL for trial in trials)
    counts = Counter((trial["arm"], trial["search"], trial["phase"]) for trial in trials)
    arms = ("sgd", "adam")
    assert counts == {(arm, r, phase): TRIALS[phase] for arm in arms for r in range(SEARCHES) for phase in TRIALS}
    order = [(r, phase, number) for r in range(SEARCHES) for phase in TRIALS for number in range(TRIALS[phase])]
    assert [(trial["search"], trial["phase"], trial["number"]) for trial in trials] == 2 * order
    for arm in found["arms"]:
        tuning, confirm = ([t for t in trials if (t["arm"], t["phase"]) == (arm["name"], phase)] for phase in PHASES)
        assert sum(trial["outcome"] == "pruned" for trial in tuning) == arm["tuning"]["pruned"]
        best = min(trial["metrics"]["validation.error"] for trial in tuning if trial["outcome"] == "complete")
        assert best == arm["tuning"]["best"]
        values = [value for search in arm["confirm"]["values"] for value in search]
        assert [trial["metrics"]["test.error"] for trial in confirm] == values
        assert all(trial["params"] == arm["chosen"][trial["search"]] for trial in confirm)
        assert not any(name.startswith("test.") for trial in tuning for name in trial["metrics"])


def test_seeds_are_paired_over_the_arms_and_differ_between_searches(trials):
    seeds = {
        arm: [(trial["search"], trial["phase"], trial["number"], trial["seed"])
              for trial in trials if trial["arm"] == arm]
        for arm in ("sgd", "adam")
    }  # fmt: skip
    assert seeds["sgd"] == seeds["adam"]
    picked = TRIALS["pick"] * SEARCHES
    assert len({seed for *_, seed in seeds["sgd"]}) == ALL / 2 - picked + SEARCHES, "a search's picks share one seed"


def test_histories_lead_to_the_final_metrics(trials):
    for trial in trials:
        assert [report["epoch"] for report in trial["history"]] == list(range(1, trial["epochs"] + 1))
        assert trial["history"][-1]["validation.error"] == trial["metrics"]["validation.error"]
        assert trial["epochs"] == (2 if trial["outcome"] == "pruned" else 4)


def test_export_as_a_table_and_to_a_file(finished, trials):
    folder, _ = finished
    printed = ask(finished, "export", "--format", "csv").stdout
    for row, trial in zip(csv.DictReader(io.StringIO(printed)), trials, strict=True):
        assert (row["arm"], row["phase"], int(row["number"])) == (trial["arm"], trial["phase"], trial["number"])
        assert int(row["seed"]) == trial["seed"]
        assert float(row["params.learning_rate"]) == trial["params"]["learning_rate"]
        assert float(row["validation.error"]) == trial["metrics"]["validation.error"]
    for kind, expected in (("csv", printed), ("json", json.dumps(trials, indent=2) + "\n")):
        done = ask(finished, "export", "--format", kind, "-o", f"trials.{kind}")
        assert (done.stdout, done.stderr) == ("", "")
        assert (folder / f"trials.{kind}").read_text() == expected


def test_who_reads_may_have_enough(finished):
    folder, _ = finished
    with start("export", "small.yaml", "--home", "home", cwd=folder, stdout=PIPE, stderr=PIPE, text=True) as done:
        done.stdout.close()  # long before it has anything to print
        assert (done.wait(60), done.stderr.read()) == (0, "")


def test_python_gives_the_same_numbers(finished, found, trials):
    folder, _ = finished
    with contextlib.chdir(folder):
        spec = package.load("small.yaml")
        written = package.Study(**YAML(typ="safe").load(SMALL))
        results = [package.show(spec, "home"), package.run(spec, home="home"), package.show(written, "home")]
        for result in results:
            assert json.loads(json.dumps(result.as_json())) == found
            assert result.verdict.sentence == found["verdict"]["sentence"]
            assert [arm.confirm.mean for arm in result.arms] == [arm["confirm"]["mean"] for arm in found["arms"]]
            assert json.loads(json.dumps(result.export())) == trials
    assert written.fingerprint == spec.fingerprint == found["fingerprint"]


def test_trials_are_a_table_with_a_row_each(finished, trials):
    folder, _ = finished
    table = package.show(folder / "small.yaml", folder / "home").trials()
    assert len(table) == ALL
    assert list(table["outcome"]) == [trial["outcome"] for trial in trials]
    assert set(table[table["phase"] == "confirm"].groupby("arm")["test.error"].mean().index) == {"sgd", "adam"}
    assert not table[table["phase"] == "tune"]["test.error"].notna().any()


def test_the_report_says_what_was_found(finished, found):
    folder, _ = finished
    printed = ask(finished, "show").stdout
    result = package.show(folder / "small.yaml", folder / "home")
    page = markdown(result.spec, result.summary)
    for text in (printed, page):
        assert "Does Adam beat plain descent on eight hidden units?" in text
        assert "4 tuning trials of 4 epochs" in text
    assert f"Verdict: {found['verdict']['sentence']}" in printed.splitlines()
    assert f"**{found['verdict']['sentence']}**" in page
    for arm in found["arms"]:
        low, high = (pick(one["learning_rate"] for one in arm["chosen"]) for pick in (min, max))
        rate = f"[{low:.4g}, {high:.4g}]"
        assert [line for line in printed.splitlines() if line.startswith(arm["name"]) and rate in line]
        assert [line for line in page.splitlines() if line.startswith(f"| {arm['name']} |") and rate in line]
