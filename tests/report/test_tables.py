"""What a reader and a program are shown of a study, finished or not."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from slalom.report.plain import as_json
from slalom.report.tables import answer, legend, markdown, pace, protocol, result_rows, tuning_rows
from slalom.study.model import Arm, Compare, Metric, Resources, StudySpec, Tune
from slalom.verdict.summary import (
    ArmSummary,
    Confirmed,
    Difference,
    Interval,
    State,
    Summary,
    Throughput,
    Tuning,
    Verdict,
)
from slalom.wire.trial import Effort

SPEC = StudySpec(
    name="digits-momentum",
    question="Does raising momentum | beat *holding* it?",
    task={"name": "digits"},
    precision="float32",
    epochs=40,
    report_every=1,
    metric=Metric("error", "minimize"),
    arms=(Arm("constant", {}, {}), Arm("rising", {}, {}), Arm("lbfgs", {}, {})),
    tune=Tune(trials=32),
    confirm_seeds=30,
    compare=Compare(baseline="constant", alpha=0.05),
    resources=Resources(),
    fingerprint="0123456789abcdef" * 4,
    facts={"bayes_error": 0.2101},
)
WHERE = {"home": "slalom-home", "storage": "sqlite:///slalom-home/optuna.db", "tracking_uri": "http://mlflow"}


def confirmed(mean: float, diverged: int = 0) -> Confirmed:
    return Confirmed(30, (mean,) * 30, diverged, mean, Interval(mean - 0.0014, mean + 0.0014))


CONSTANT = ArmSummary(
    "constant",
    32,
    {"learning_rate": 0.0312345, "activation": "tanh|relu"},
    Tuning(32, 20, 1, 0, 0, 0.0251),
    confirmed(0.0254),
    best_seed=4,
)
RISING = ArmSummary(
    "rising",
    32,
    {"learning_rate": 0.01},
    Tuning(32, 18, 0, 0, 2, 0.0211),
    confirmed(0.0213, diverged=2),
    Difference(-0.0041, Interval(-0.0060, -0.0021), 0.0003, 0.8333, Interval(0.7, 0.9333), True),
    best_seed=0,
)
LBFGS = ArmSummary("lbfgs", 32, None, Tuning(32, 0, 30, 2, 0, None))
DONE = Summary(
    State.COMPLETE,
    (CONSTANT, RISING, LBFGS),
    Verdict("rising wins (p < 0.0001).", "rising"),
    Throughput(156, 78.0, Effort(900, 1000), 64),
)
EMPTY = Tuning(0, 0, 0, 0, 0, None)
BEGUN = Summary(State.RUNNING, tuple(ArmSummary(arm.name, 32, None, EMPTY) for arm in SPEC.arms))


def test_the_pace_in_a_line():
    assert pace(DONE) == "156 trials in 78 s (2 a second), in packs of up to 64, 90 % filled."
    assert pace(replace(DONE, throughput=Throughput(1, 4.0))) == "1 trial in 4 s (0.25 a second)."
    assert pace(BEGUN) == ""


# JSON


def test_the_json_has_the_keys_of_the_contract():
    found = as_json(SPEC, DONE, WHERE)
    keys = "study fingerprint state home storage tracking_uri arms verdict throughput"
    assert set(found) >= set(keys.split())
    assert (found["study"], found["state"], found["storage"]) == ("digits-momentum", "complete", WHERE["storage"])
    assert found["throughput"] == {"trials_per_second": 2.0, "slot_utilisation": 0.9, "pack_width": 64}
    assert found["verdict"] == {"sentence": "rising wins (p < 0.0001).", "winner": "rising"}
    constant, rising, lbfgs = found["arms"]
    assert set(rising) >= {"name", "budget", "chosen", "tuning", "confirm", "difference"}
    counts = {"trials": 32, "pruned": 18, "diverged": 0, "failed": 0, "duplicates": 2}
    assert rising["tuning"] == counts | {"best": 0.0211}
    assert rising["difference"]["interval"] == [-0.0060, -0.0021]
    assert (rising["difference"]["mean"], rising["difference"]["p"]) == (-0.0041, 0.0003)
    assert rising["difference"]["better"] is True
    assert rising["confirm"]["seeds"] == len(rising["confirm"]["values"]) == 30
    assert constant["difference"] is None
    assert (lbfgs["chosen"], lbfgs["confirm"], lbfgs["difference"]) == (None, None, None)


@pytest.mark.parametrize("summary", [DONE, BEGUN], ids=["done", "begun"])
def test_the_json_survives_a_strict_reader(summary):
    found = as_json(SPEC, summary, WHERE)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_numbers_that_are_not_finite_become_null():
    tuning = replace(CONSTANT.tuning, best=math.nan)
    alone = Confirmed(1, (0.1,), 0, 0.1, Interval(-math.inf, math.inf))
    arm = replace(CONSTANT, tuning=tuning, confirm=alone, chosen={"rate": math.inf})
    found = as_json(replace(SPEC, facts={"bayes_error": math.nan}), Summary(State.RUNNING, (arm,)), {})
    assert json.dumps(found, allow_nan=False)
    assert found["arms"][0]["confirm"]["interval"] == [None, None]
    assert (found["arms"][0]["tuning"]["best"], found["facts"], found["home"]) == (None, {"bayes_error": None}, None)


# Table


def by_arm(summary):
    """Each arm's cells of both tables, by column."""
    (header, body), (more, rest) = result_rows(SPEC, summary), tuning_rows(SPEC, summary)
    return [dict(zip(header + more, cells + extra, strict=True)) for cells, extra in zip(body, rest, strict=True)]


def test_the_tables_say_what_each_arm_did():
    constant, rising, lbfgs = by_arm(DONE)
    assert constant["chosen hyperparameters"] == "learning_rate=0.03123, activation=tanh|relu"
    assert constant["tuning trials"] == "32: 20 pruned, 1 diverged"
    assert (constant["difference"], constant["p (Holm)"]) == ("baseline", "-")
    assert rising["validation error"] == "0.0211"
    assert rising["test error"] == "0.0213 [0.0199, 0.0227], 2 diverged"
    assert rising["difference"] == "-0.0041 [-0.0060, -0.0021]"
    assert (rising["p (Holm)"], rising["P(better)"]) == ("0.0003 better", "0.83 [0.70, 0.93]")
    assert lbfgs["chosen hyperparameters"] == "none finished"
    assert lbfgs["tuning trials"] == "32: 30 diverged, 2 failed"
    assert lbfgs["difference"] == "-"


def test_the_table_of_a_study_under_way():
    begun = replace(CONSTANT, chosen=None, confirm=None, tuning=Tuning(20, 12, 0, 0, 0, 0.03))
    summary = Summary(State.RUNNING, (begun, *BEGUN.arms[1:]))
    assert result_rows(SPEC, summary)[1][0] == ("constant", "-", "baseline", "-", "-")
    assert tuning_rows(SPEC, summary)[1][0] == ("constant", "0.03", "20 of 32: 12 pruned", "-")
    assert tuning_rows(SPEC, summary)[1][1] == ("rising", "-", "0 of 32", "-")


def test_an_arm_of_ensembles_says_how_many_nets_it_trains():
    many = Arm("rising", {"ensemble": {"combine": "mean", "members": 25, "bagging": True}}, {})
    constant, rising, _ = tuning_rows(replace(SPEC, arms=(SPEC.arms[0], many, SPEC.arms[2])), DONE)[1]
    assert (constant[2], rising[2]) == ("32: 20 pruned, 1 diverged", "32: 18 pruned; 25 nets each")


@pytest.mark.parametrize(("better", "text"), [(True, "0.31 better"), (False, "0.31 worse"), (None, "0.31")])
def test_the_table_marks_what_is_told_apart(better, text):
    arm = replace(RISING, difference=replace(RISING.difference, p=0.31, better=better))
    assert by_arm(Summary(State.RUNNING, (arm,)))[0]["p (Holm)"] == text


def test_an_arm_without_a_search_has_nothing_to_choose():
    summary = Summary(State.RUNNING, (replace(RISING, chosen={}),))
    assert by_arm(summary)[0]["chosen hyperparameters"] == "nothing to choose"


# Markdown


def test_the_page_has_question_answer_table_protocol_and_facts():
    page = markdown(SPEC, DONE)
    verdict, question, table, reading, tuning, how, facts = page.strip().split("\n\n")
    assert question == r"Does raising momentum \| beat \*holding\* it?"
    assert verdict == "**rising wins (p < 0.0001).**"
    assert table.count("\n") == tuning.count("\n") == 1 + len(DONE.arms)
    assert reading == legend(SPEC)
    for part in ("32 tuning trials of 40 epochs", "30 confirm seeds", "test error", "0.05", "Holm", "0123456789ab."):
        assert part in how
    assert facts == "Known about the task: bayes error 0.2101."


def test_no_text_breaks_the_table():
    results, tuning = (markdown(SPEC, DONE).split("\n\n")[part].splitlines() for part in (2, 4))
    for table, bars in ((results, 6), (tuning, 5)):
        assert {line.replace(r"\|", "").count("|") for line in table} == {bars}
    assert r"tanh\|relu" in tuning[2]


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("Is <b>it</b> so?", r"Is \<b>it\</b> so?"),
        ("two\n\nlines", "two lines"),
        ("# loud", r"\# loud"),
        ("- item", r"\- item"),
        ("does learning_rate or _it_ matter", r"does learning_rate or \_it\_ matter"),
        ("[here](http://x)", r"[here]\(http://x)"),
        ("is `a` < 0.5", r"is \`a\` < 0.5"),
    ],
)
def test_a_question_is_shown_as_it_is_written(question, shown):
    assert markdown(replace(SPEC, question=question), DONE).split("\n\n")[1] == shown


def test_a_study_under_way_says_how_far_it_is():
    text = answer(SPEC, BEGUN)
    assert text == "No verdict yet (running): 0 of 96 tuning trials ended, 0 of 3 arms confirmed."
    assert f"**{text}**" in markdown(SPEC, BEGUN)


def test_the_legend_says_which_direction_is_better():
    accuracy = replace(SPEC, metric=Metric("accuracy", "maximize"))
    assert legend(SPEC).startswith("Lower error is better")
    assert legend(accuracy).startswith("Higher accuracy is better")
    assert "\n" not in legend(SPEC) + protocol(SPEC)
