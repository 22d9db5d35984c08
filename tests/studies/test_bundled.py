"""The bundled studies: each can be planned, and the one with figures to be held against is."""

import re
from pathlib import Path

import pytest

import slalom
from slalom.loop.run import run
from slalom.records import InMemoryRecorder
from slalom.search.on_optuna import OptunaStore, Proposals
from slalom.verdict.answers import Answer
from slalom.wire.trial import Outcome
from slalom.wiring import local_lanes
from tests.support.mlflow_tables import database
from tests.support.tiers import few

STUDIES = list(slalom.bundled())
FIRST = "digits-optimizers"
"""The study of `make study`."""

PAGE = Path(__file__).parents[2] / "docs" / "heuristics.md"
ESL = Path(__file__).parents[3] / "shared" / "data" / "esl"


@pytest.mark.parametrize("file", few(STUDIES, 8), ids=lambda file: file.stem)
def test_a_bundled_study_says_what_it_asks_and_what_it_found(file):
    spec = slalom.load(file.stem)
    assert spec.name == file.stem
    assert spec.question.endswith("?")
    assert "Found" in file.read_text(), "the file's comment says what the study found"


def test_two_bundled_studies_have_the_same_arms_so_that_they_can_be_compared():
    one, other = slalom.load("digits-optimizers"), slalom.load("mixture-optimizers")
    assert [arm.name for arm in one.arms] == [arm.name for arm in other.arms]
    assert one.document["arms"] == other.document["arms"]
    assert one.data_digest != other.data_digest


@pytest.mark.parametrize("file", few(STUDIES, 8), ids=lambda file: file.stem)
def test_what_a_bundled_study_is_about_is_on_the_page_of_heuristics(file):
    about = slalom.load(file.stem).about
    assert all(about[part] for part in ("heuristic", "claim", "source"))
    (line,) = [line for line in PAGE.read_text().splitlines() if f"../studies/{file.name})" in line]
    assert all(about[part] in line for part in ("heuristic", "claim", "source"))
    assert re.search(r"\| [^|]*(wins|better|worse|told apart)[^|]* \|$", line), (
        "the verdict ends the line: make heuristics"
    )


@pytest.mark.parametrize("file", few(sorted(STUDIES, key=lambda file: file.stem != FIRST)), ids=lambda file: file.stem)
def test_every_arm_of_a_bundled_study_trains(file, tmp_path):
    """In two epochs on few pictures, one search of two tuning trials, and one seed."""
    text = file.read_text()
    for key, small in (("epochs", 2), ("trials", 2), ("seeds", 1), ("members", 3), ("examples", 100)):
        text = re.sub(rf"\b(\w*{key}): \d+", rf"\1: {small}", text)
    text = re.sub(r", report_every: \d+", "", text)
    text = re.sub(r", (searches: \d+|pick: none)", "", text)
    (tmp_path / file.name).write_text(text.replace("tune: {", "tune: {searches: 1, pick: none, "))
    spec = slalom.load(tmp_path / file.name).with_resources(pack_width=4)
    store, recorder, lanes = OptunaStore("sqlite:///:memory:", spec, "here"), InMemoryRecorder(), local_lanes(spec)
    run(spec, store, lanes, recorder, Proposals)
    outcomes = {ended.result.outcome for ended in store.ended().values()}
    assert Outcome.FAILED not in outcomes
    assert len(store.ended()) == len(spec.arms) * 3


@pytest.mark.thorough
@pytest.mark.skipif(not ESL.is_dir(), reason=f"the ESL mixture data are not at {ESL.name}")
def test_weight_decay_on_the_books_own_data(tmp_path):
    """ESL, Figure 11.4. Over seeds (BFGS): no decay .278 +- .024, lambda .02 .234 +- .003; train .138 +- .011."""
    source = next(file for file in STUDIES if file.stem == "mixture-decay").read_text()
    file = tmp_path / "mixture-decay.yaml"
    file.write_text(re.sub(r"^task: mixture$", f"task: {{name: mixture, data: {ESL}}}", source, flags=re.M))
    database(tmp_path / "home")
    result = slalom.run(file, tmp_path / "home", lanes=local_lanes)
    arms = {arm.name: arm for arm in result.arms}
    assert result.spec.facts["bayes_error"] == pytest.approx(0.2101, abs=1e-4)
    assert result.spec.facts["bayes_error_exact"] == pytest.approx(0.2076, abs=3e-4)
    assert arms["lambda-02"].difference.better.share >= 0.95
    assert arms["lambda-02"].difference.answer is Answer.BETTER
    assert arms["none"].confirm.mean == pytest.approx(0.278, abs=0.024)
    assert arms["lambda-02"].confirm.mean == pytest.approx(0.234, abs=0.003)
    table = result.trials()
    trained = table[(table.arm == "lambda-02") & (table.phase == "confirm")]["train.error"]
    assert trained.mean() == pytest.approx(0.138, abs=0.011)
    assert all(arm.reproduced for arm in result.arms)
