"""deploy/alerts.yaml: the rules by promtool, as they are and over made-up series; the operator's are the same."""

from __future__ import annotations

import re
import shutil

import pytest
from ruamel.yaml import YAML

from slalom.status.prometheus import page
from tests.deploy.parts import DEPLOY, document, said
from tests.status.test_prometheus import STATUS

ALERTS = DEPLOY / "alerts.yaml"

DAY = "0x360"
"""A zero every four minutes for a day."""

QUIET = {
    'slalom_server_leads{instance="a"}': "1x360",
    'slalom_server_leads{instance="b"}': DAY,
    'slalom_schedule_running{schedule="nightly", instance="a"}': DAY,
    'slalom_schedule_next_run_timestamp_seconds{schedule="nightly", instance="a"}': "99999x360",
    'slalom_schedule_failed{schedule="nightly", instance="a"}': DAY,
}
"""What two servers tell of a schedule that has never run and is not due, every four minutes."""

CASES = {
    "nothing is amiss": ({}, []),
    "no server is up": (dict.fromkeys(QUIET), ["SlalomNoLeader"]),
    "no server leads": ({'slalom_server_leads{instance="a"}': DAY}, ["SlalomNoLeader"]),
    "two servers lead": ({'slalom_server_leads{instance="b"}': "1x360"}, ["SlalomNoLeader"]),
    "the first run is not started": (
        {'slalom_schedule_next_run_timestamp_seconds{schedule="nightly", instance="a"}': "60x360"},
        ["SlalomScheduleLate"],
    ),
    "a run takes its time": (
        {
            'slalom_schedule_next_run_timestamp_seconds{schedule="nightly", instance="a"}': "60x360",
            'slalom_schedule_running{schedule="nightly", instance="a"}': "0x300 1x60",
        },
        [],
    ),
    "a run does not end": (
        {'slalom_schedule_running{schedule="nightly", instance="a"}': "1x360"},
        ["SlalomRunEndless"],
    ),
    "the study got worse": (
        {
            'slalom_schedule_failed{schedule="nightly", instance="a"}': "0x350 1x10",
            'slalom_schedule_last_exit_code{schedule="nightly", instance="a"}': "_x350 10x10",
        },
        ["SlalomRegressed"],
    ),
    "the first run was lost": (
        {'slalom_schedule_failed{schedule="nightly", instance="a"}': "0x350 1x10"},
        ["SlalomRunFailed"],
    ),
}


@pytest.fixture(scope="module")
def promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return found


def test_promtool_takes_the_rules(promtool):
    assert "5 rules found" in said(promtool, "check", "rules", ALERTS)


def test_each_case_raises_its_alerts_and_no_others(promtool, tmp_path):
    names = [rule["alert"] for rule in document("alerts.yaml")["groups"][0]["rules"]]
    tests = [
        {
            "interval": "4m",
            "name": case,
            "input_series": [
                {"series": name, "values": values} for name, values in {**QUIET, **changed}.items() if values
            ],
            "alert_rule_test": [
                {"eval_time": "1440m", "alertname": name, "exp_alerts": [expected(name)] if name in raised else []}
                for name in names
            ],
        }
        for case, (changed, raised) in CASES.items()
    ]
    file = tmp_path / "tests.yaml"
    with file.open("w") as out:
        YAML().dump({"rule_files": [str(ALERTS)], "evaluation_interval": "4m", "tests": tests}, out)
    said(promtool, "test", "rules", file)


def expected(name):
    """An alert as promtool compares it: with its labels and texts."""
    rule = next(rule for rule in document("alerts.yaml")["groups"][0]["rules"] if rule["alert"] == name)
    labels = {**rule["labels"], **({} if name == "SlalomNoLeader" else {"schedule": "nightly"})}
    texts = {key: text.replace("{{ $labels.schedule }}", "nightly") for key, text in rule["annotations"].items()}
    return {"exp_labels": labels, "exp_annotations": texts}


def test_the_operators_rules_are_the_same():
    assert document("kubernetes/monitoring/rules.yaml")["spec"] == document("alerts.yaml")


def test_the_rules_look_at_what_a_server_tells():
    told = set(re.findall(r"^# TYPE (\w+)", page(STATUS, True).decode(), re.MULTILINE))
    asked = set(
        re.findall(r"slalom_\w+", str([rule["expr"] for rule in document("alerts.yaml")["groups"][0]["rules"]]))
    )
    assert asked
    assert asked <= told
