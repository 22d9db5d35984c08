"""A study whose trials a function of the user's trains: budgets, pairs, rungs and resuming are those of any other."""

import json
from collections import Counter

import pytest

import slalom
from slalom import wiring
from slalom.errors import Interrupted
from slalom.records.on_mlflow.pages.trial import trial_page
from slalom.report.plan import plan
from tests.support.mlflow_tables import database

TRAIN = '''
import json
import random
from pathlib import Path

CALLS = Path(__file__).with_name("calls")


def train(trial, rate, slope=1.0):
    """A curve that falls with the epochs to a floor that the rate decides; chance of the trial's own seed."""
    chance = random.Random(trial.seed)
    for epoch in range(1, trial.epochs + 1):
        error = (rate - 0.3) ** 2 + slope / (10 * epoch) + 0.01 * chance.random()
        error += 0.001 * trial.split
        going_on = trial.report(score=-error, epoch=epoch)
        if not going_on:
            break
    with CALLS.open("a") as calls:
        print(json.dumps([trial.phase, trial.seed, trial.split, epoch, trial.params]), file=calls)
    if trial.wants_test:
        return {"score": -error - 0.1}
'''

STUDY = """
name: curves
question: Does a gentle slope help?
task: curves.py:train
training: {epochs: 9}
metric: {name: score, goal: maximize}
search:
  rate: {uniform: [0.0, 1.0]}
arms:
  steep: {slope: 2.0}
  gentle: {slope: {choice: [0.5, 0.6]}}
tune: {trials: 9, searches: 6, pick: {best: 2, seeds: 2}}
confirm: {seeds: 2}
compare: {baseline: steep}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("curves")
    (found / "curves.py").write_text(TRAIN)
    (found / "curves.yaml").write_text(STUDY)
    return found


@pytest.fixture(scope="module")
def whole(folder):
    """The study as one run trains it, and what its function was called with."""
    (folder / "calls").unlink(missing_ok=True)
    result = run(folder, folder / "whole")
    calls = [json.loads(line) for line in (folder / "calls").read_text().splitlines()]
    return result, calls


def run(folder, home, lanes=wiring.local_lanes, **options):
    if not (home / "mlflow.db").exists():
        database(home)
    return slalom.run(folder / "curves.yaml", home, lanes=lanes, **options)


def several(spec):
    return wiring.local_lanes(spec.with_resources(lanes=3))


def test_it_comes_to_a_verdict(whole):
    result, _ = whole
    assert result.verdict.winner == "gentle"
    assert [arm.reproduced for arm in result.arms] == [True, True]


def test_budgets_are_exact_and_halving_is_that_of_packs(whole):
    rows = whole[0].export()
    assert Counter((row["arm"], row["phase"]) for row in rows) == {
        (arm, phase): 6 * trials
        for arm in ("steep", "gentle")
        for phase, trials in (("tune", 9), ("pick", 4), ("confirm", 2))
    }
    pruned = [row for row in rows if row["outcome"] == "pruned"]
    # of a generation of eight, five end at epoch 1 and two at 3; the ninth trial is a generation of its own
    assert Counter(len(row["history"]) for row in pruned) == {1: 2 * 6 * 5, 3: 2 * 6 * 2}


def test_the_loser_of_a_rung_was_worse_there(whole):
    rows = [row for row in whole[0].export() if (row["arm"], row["search"], row["phase"]) == ("steep", 0, "tune")][:8]
    first = {row["number"]: row["history"][0]["validation.score"] for row in rows}
    stayed = {row["number"] for row in rows if len(row["history"]) > 1}
    assert min(first[number] for number in stayed) > max(first[number] for number in first.keys() - stayed)


def test_seeds_and_splits_are_paired_across_arms(whole):
    confirmed = [
        [row for row in whole[0].export() if (row["arm"], row["phase"]) == (arm, "confirm")]
        for arm in ("steep", "gentle")
    ]
    steep, gentle = ([(row["search"], row["number"], row["seed"]) for row in rows] for rows in confirmed)
    assert steep == gentle
    assert len(set(steep)) == 12
    calls = [call for call in whole[1] if call[0] == "confirm"]
    assert {split for _, _, split, _, _ in calls} == set(range(6))
    assert {(phase, epoch) for phase, _, _, epoch, _ in calls} == {("confirm", 9)}


def test_only_confirm_trials_have_test_metrics(whole):
    for row in whole[0].export():
        assert ("test.score" in row["metrics"]) is (row["phase"] == "confirm")


def test_the_plan_says_what_training_again_costs(whole, folder):
    """Every tuning trial is trained anew to each rung; each arm's best once more."""
    _, calls = whole
    trained = sum(epoch for *_, epoch, _ in calls) - 2 * 9
    assert plan(slalom.load(folder / "curves.yaml"))["full_trainings"]["at_most"] == pytest.approx(trained / 9, abs=0.1)


def test_a_run_that_is_broken_off_goes_on_to_the_same_numbers(whole, folder, tmp_path):
    def stop(progress):
        if progress.trials >= 20:
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(Interrupted):
            run(folder, tmp_path, watch=stop)
    assert run(folder, tmp_path).export() == whole[0].export()


def test_its_records_show_its_settings_and_no_program(whole):
    (trial, *_) = (one for one in whole[0].ended.values() if one.spec.id.phase == "confirm")
    page = trial_page(whole[0].spec.fingerprint, trial)
    rate = str(trial.spec.params["rate"])
    assert page.params == {"task": "curves.py:train", "epochs": "9", "slope": "2.0", "rate": rate}
    assert {point.name for point in page.points} == {"validation.score", "validation.epoch", "test.score"}


def test_several_lanes_give_the_same_numbers(whole, folder, tmp_path):
    assert trials(run(folder, tmp_path, lanes=several)) == trials(whole[0])


def trials(result):
    return sorted(result.export(), key=lambda row: (row["arm"], row["search"], row["phase"], row["number"]))


def test_what_it_found_is_pinned_and_held(whole, folder, tmp_path):
    baseline = slalom.pin(folder / "curves.yaml", folder / "whole", lanes=wiring.local_lanes)
    assert [arm.cost for arm in baseline.arms] == [(), ()]
    night = slalom.regress(folder / "curves.yaml", baseline, tmp_path, lanes=wiring.local_lanes)
    assert {finding.answer for finding in night.findings} == {"identical"}


def rewritten(folder, *replacements):
    text = TRAIN
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    folder.mkdir()
    (folder / "curves.py").write_text(text)
    (folder / "curves.yaml").write_text(STUDY.replace("searches: 6", "searches: 1"))
    return folder


def test_numbers_that_differ_when_trained_again_are_said(tmp_path):
    folder = rewritten(tmp_path / "by time", ("random.Random(trial.seed)", "random.SystemRandom()"))
    result = run(folder, tmp_path / "home")
    assert [arm.reproduced for arm in result.arms] == [False, False]
    assert len(result.export()) == 2 * (9 + 4 + 2)


def test_a_training_that_diverges_counts_as_the_worst(tmp_path):
    folder = rewritten(
        tmp_path / "diverging",
        ("score=-error", "score=-error if rate < 0.5 or epoch < 2 else math.nan"),
        ("import json\n", "import json\nimport math\n"),
    )
    result = run(folder, tmp_path / "home")
    diverged = [row for row in result.export() if row["outcome"] == "diverged"]
    assert diverged
    assert all(row["params"]["rate"] >= 0.5 and len(row["history"]) == 1 for row in diverged)


def test_one_that_stops_early_is_complete(tmp_path):
    folder = rewritten(tmp_path / "early", ("if not going_on", "if not going_on or (rate > 0.5 and epoch == 2)"))
    result = run(folder, tmp_path / "home")
    early = [row for row in result.export() if row["outcome"] == "complete" and row["history"][-1]["epoch"] == 2]
    assert early
    assert all(row["params"]["rate"] > 0.5 for row in early)


def test_what_it_raises_is_tried_again_and_told(tmp_path):
    folder = rewritten(
        tmp_path / "raising", ("chance = ", "if rate > 0.5: raise ValueError('too fast')\n    chance = ")
    )
    rows = run(folder, tmp_path / "home").export()
    failed = [row for row in rows if row["outcome"] == "failed"]
    assert failed
    assert {row["attempt"] for row in failed} == {2}
    assert all(row["error"].endswith("curves.py:train: ValueError: too fast (line 11)") for row in failed)
    assert all((row["params"]["rate"] > 0.5) == (row["outcome"] == "failed") for row in rows if row["phase"] == "tune")
