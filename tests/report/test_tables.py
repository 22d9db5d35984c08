"""What a reader and a program are shown of a study, finished or not."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from slalom.report.plain import as_json
from slalom.report.tables import answer, chosen_text, legend, markdown, pace, protocol, result_rows, tuning_rows
from slalom.study.model import Arm, Compare, Metric, Pick, Resources, Searches, StudySpec, Tune
from slalom.study.ranges import Range
from slalom.verdict.answers import Answer, Comparison
from slalom.verdict.effort import EffortCurve
from slalom.verdict.interval import Interval
from slalom.verdict.proportion import Superiority
from slalom.verdict.robust import Robust
from slalom.verdict.summary import ArmSummary, Confirmed, State, Summary, Throughput, Tuning, Verdict
from slalom.wire.trial import Effort

RATE = {"learning_rate": Range(0.001, 1.0, log=True)}
SPEC = StudySpec(
    name="digits-momentum",
    question="Does raising momentum | beat *holding* it?",
    task={"name": "digits"},
    precision="float32",
    epochs=40,
    report_every=1,
    metric=Metric("error", "minimize", 1.0),
    arms=(Arm("constant", {}, RATE), Arm("rising", {}, RATE), Arm("lbfgs", {}, RATE)),
    tune=Tune(trials=32, searches=Searches(3, 3)),
    confirm_seeds=2,
    compare=Compare(baseline="constant", alpha=0.05),
    resources=Resources(),
    fingerprint="0123456789abcdef" * 4,
    facts={"bayes_error": 0.2101},
    resampled=True,
)
WHERE = {"home": "slalom-home", "storage": "sqlite:///slalom-home/optuna.db", "tracking_uri": "http://mlflow"}


def confirmed(mean: float, diverged: int = 0) -> Confirmed:
    values = ((mean,) * 2,) * (3 - diverged) + ((mean, math.nan),) * diverged
    return Confirmed(3, 2, values, 1.0, mean, Interval(mean - 0.0014, mean + 0.0014), mean, diverged, 0.4)


CONSTANT = ArmSummary(
    "constant",
    96,
    tuple({"learning_rate": rate, "activation": "tanh|relu"} for rate in (0.0312345, 0.2, 0.01)),
    Tuning(96, 20, 1, 0, 0, 0.0251),
    confirmed(0.0254),
    kept=(2, 1),
)
BETTER = Comparison(
    arm="rising",
    other="constant",
    searches=3,
    mean=-0.0041,
    interval=Interval(-0.0060, -0.0021),
    level=0.95,
    p=0.0003,
    p_beyond=None,
    answer=Answer.BETTER,
    better=Superiority(0.8333, Interval(0.7, 0.9333)),
    robust=Robust(-0.004, 0.0003),
    robust_answer=Answer.BETTER,
    divergence_p=0.5,
)
RISING = ArmSummary(
    "rising",
    96,
    ({"learning_rate": 0.01},) * 2 + (None,),
    Tuning(96, 18, 0, 0, 2, 0.0211),
    confirmed(0.0213, diverged=2),
    BETTER,
    EffortCurve(((0.05, 0.03),) * 3, (0.05, 0.03), (Interval(0.04, 0.06), Interval(-math.inf, math.inf))),
    kept=(0, 0),
)
LBFGS = ArmSummary("lbfgs", 96, (None,) * 3, Tuning(96, 0, 90, 6, 0, None))
SENTENCE = "Over 3 searches of each arm: rising is better (p < 0.0001)."
DONE = Summary(
    State.COMPLETE,
    (CONSTANT, RISING, LBFGS),
    Verdict(SENTENCE, "rising", searches=3, warnings=("lbfgs never finished a tuning trial.",)),
    Throughput(156, 78.0, Effort(900, 1000), 64),
)
EMPTY = Tuning(0, 0, 0, 0, 0, None)
BEGUN = Summary(State.RUNNING, tuple(ArmSummary(arm.name, 96, (), EMPTY) for arm in SPEC.arms))


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
    assert found["verdict"] == {
        "sentence": SENTENCE,
        "winner": "rising",
        "about": "way",
        "split": "resampled",
        "searches": 3,
        "warnings": ["lbfgs never finished a tuning trial."],
    }
    constant, rising, lbfgs = found["arms"]
    assert set(rising) >= {"name", "budget", "chosen", "tuning", "confirm", "difference"}
    counts = {"trials": 96, "pruned": 18, "diverged": 0, "failed": 0, "duplicates": 2}
    assert rising["tuning"] == counts | {"best": 0.0211}
    assert rising["difference"]["interval"] == [-0.0060, -0.0021]
    assert (rising["difference"]["mean"], rising["difference"]["p"]) == (-0.0041, 0.0003)
    assert rising["difference"]["answer"] == "better"
    confirm = rising["confirm"]
    assert (confirm["searches"], confirm["seeds"], confirm["diverged"]) == (3, 2, 2)
    assert confirm["values"] == [[0.0213, 0.0213], [0.0213, None], [0.0213, None]], "a list for each search"
    assert rising["chosen"] == [{"learning_rate": 0.01}, {"learning_rate": 0.01}, None]
    assert rising["effort"]["mean"] == [0.05, 0.03]
    assert constant["difference"] is None
    assert (lbfgs["chosen"], lbfgs["confirm"], lbfgs["difference"]) == ([None] * 3, None, None)


@pytest.mark.parametrize("summary", [DONE, BEGUN], ids=["done", "begun"])
def test_the_json_survives_a_strict_reader(summary):
    found = as_json(SPEC, summary, WHERE)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_numbers_that_are_not_finite_become_null():
    tuning = replace(CONSTANT.tuning, best=math.nan)
    alone = Confirmed(1, 1, ((0.1,),), 1.0, 0.1, Interval(-math.inf, math.inf), 0.1, 0, 0.95)
    arm = replace(CONSTANT, tuning=tuning, confirm=alone, chosen=({"rate": math.inf},))
    found = as_json(replace(SPEC, facts={"bayes_error": math.nan}), Summary(State.RUNNING, (arm,)), {})
    assert json.dumps(found, allow_nan=False)
    assert found["arms"][0]["confirm"]["interval"] == [None, None]
    assert (found["arms"][0]["tuning"]["best"], found["facts"], found["home"]) == (None, {"bayes_error": None}, None)


# Table


CHOSEN = "chosen, median [range] over searches"


def by_arm(summary):
    """Each arm's cells of both tables, by column."""
    (header, body), (more, rest) = result_rows(SPEC, summary), tuning_rows(SPEC, summary)
    return [dict(zip(header + more, cells + extra, strict=True)) for cells, extra in zip(body, rest, strict=True)]


def test_the_tables_say_what_each_arm_did():
    constant, rising, lbfgs = by_arm(DONE)
    assert constant[CHOSEN] == "learning_rate=0.03123 [0.01, 0.2], activation=tanh|relu"
    assert constant["tuning trials"] == "96: 20 pruned, 1 diverged"
    assert (constant["difference"], constant["p (Holm)"]) == ("baseline", "-")
    assert rising["best validation error"] == "0.0211"
    assert rising["test error"] == "0.0213 [0.0199, 0.0227], 2 diverged"
    assert rising["difference"] == "-0.0041 [-0.0060, -0.0021]"
    assert (rising["p (Holm)"], rising["P(better)"]) == ("0.0003 better", "0.83 [0.70, 0.93]")
    assert rising[CHOSEN] == "learning_rate=0.01"
    assert lbfgs[CHOSEN] == "none finished"
    assert lbfgs["tuning trials"] == "96: 90 diverged, 6 failed"
    assert lbfgs["difference"] == "-"


def test_what_searches_chose_is_counted_where_it_is_no_number():
    choices = [{"activation": name, "bias": bias} for name, bias in (("relu", True), ("tanh", True), ("relu", False))]
    assert chosen_text(choices) == "activation=relu (2) tanh (1), bias=True (2) False (1)"
    assert chosen_text([{"hidden": number} for number in (8, 2, 4, 4)]) == "hidden=4 [2, 8]"


def test_the_table_of_a_study_under_way():
    begun = replace(CONSTANT, chosen=(), confirm=None, tuning=Tuning(20, 12, 0, 0, 0, 0.03))
    summary = Summary(State.RUNNING, (begun, *BEGUN.arms[1:]))
    assert result_rows(SPEC, summary)[1][0] == ("constant", "-", "baseline", "-", "-")
    assert tuning_rows(SPEC, summary)[1][0] == ("constant", "0.03", "20 of 96: 12 pruned", "-")
    assert tuning_rows(SPEC, summary)[1][1] == ("rising", "-", "0 of 96", "-")


def test_an_arm_of_ensembles_says_how_many_nets_it_trains():
    many = Arm("rising", {"ensemble": {"combine": "mean", "members": 25, "bagging": True}}, {})
    constant, rising, _ = tuning_rows(replace(SPEC, arms=(SPEC.arms[0], many, SPEC.arms[2])), DONE)[1]
    assert (constant[2], rising[2]) == ("96: 20 pruned, 1 diverged", "96: 18 pruned; 25 nets each")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer.BETTER, "0.31 better"),
        (Answer.WORSE, "0.31 worse"),
        (Answer.EQUIVALENT, "0.31 equivalent"),
        (Answer.UNDECIDED, "0.31"),
        (Answer.IDENTICAL, "identical"),
    ],
)
def test_the_table_marks_what_is_told_apart(answer, text):
    arm = replace(RISING, difference=replace(BETTER, p=0.31, answer=answer))
    assert by_arm(Summary(State.RUNNING, (arm,)))[0]["p (Holm)"] == text


def test_an_arm_without_a_search_has_nothing_to_choose():
    summary = Summary(State.RUNNING, (replace(RISING, chosen=({},) * 3),))
    assert by_arm(summary)[0][CHOSEN] == "nothing to choose"


# Markdown


def test_the_page_has_question_answer_table_protocol_and_facts():
    page = markdown(SPEC, DONE)
    verdict, question, note, table, reading, tuning, how, facts = page.strip().split("\n\n")
    assert question == r"Does raising momentum \| beat \*holding\* it?"
    assert verdict == f"**{SENTENCE}**"
    assert note == "- Lbfgs never finished a tuning trial."
    assert table.count("\n") == tuning.count("\n") == 1 + len(DONE.arms)
    assert reading == legend(SPEC)
    for part in ("3 times", "32 tuning trials of 40 epochs", "2 confirm seeds", "test error", "0123456789ab."):
        assert part in how
    for part in ("95 %", "Holm", "0.05"):
        assert part in reading
    assert facts == "Known about the task: bayes error 0.2101."


def test_no_text_breaks_the_table():
    results, tuning = (markdown(SPEC, DONE).split("\n\n")[part].splitlines() for part in (3, 5))
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
    assert text == "No verdict yet (running): 0 of 288 tuning trials ended, 0 of 9 searches confirmed."
    assert f"**{text}**" in markdown(SPEC, BEGUN)


def test_the_legend_says_which_direction_is_better():
    accuracy = replace(SPEC, metric=Metric("accuracy", "maximize", 0.0))
    assert legend(SPEC).startswith("Lower error is better")
    assert legend(accuracy).startswith("Higher accuracy is better")
    assert "\n" not in legend(SPEC) + protocol(SPEC)


@pytest.mark.parametrize(
    ("changes", "reading", "how"),
    [
        ({}, "search by search", "Each arm is searched 3 times, independently, each search on its own split;"),
        ({"resampled": False}, "search by search", "3 times, independently, on the task's own split;"),
        ({"tune": Tune(32, searches=Searches(1, 1))}, "seed by seed", "Each arm is searched once, on one split;"),
        ({"tune": Tune(32, searches=Searches(6, 24))}, "search by search", "and where that decides nothing up to 24"),
        ({"tune": Tune(32, searches=Searches(3, 3), pick=Pick(4, 2))}, "searches", "best 4 trained again from 2 seeds"),
        ({"tune": Tune(8, searches=Searches(3, 3), pick=Pick(4, 2))}, "searches", "halving), the choice by validation"),
    ],
)
def test_the_unit_is_said_wherever_it_counts(changes, reading, how):
    spec = replace(SPEC, **changes)
    assert reading in legend(spec)
    assert how in protocol(spec)
