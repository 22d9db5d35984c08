"""`slalom compare`: the sentence, the page and the numbers of studies that were trained, and what is refused."""

import contextlib
import json

import pytest

import slalom
from slalom import wiring
from slalom.report.page.tasks_page import TasksPage
from tests.cli.studies import SMALL, here
from tests.report.pages import Shown, at
from tests.support.mlflow_tables import database

FOUR = """\
name: NAME
question: Which of four optimizers is best?
task: TASK
model: {name: mlp, hidden: [4]}
training: {epochs: 2, batch_size: 64}
search: {learning_rate: {log: [1e-2, 1.0]}}
arms:
  sgd: {optimizer: sgd}
  momentum: {optimizer: momentum}
  adam: {optimizer: adam}
  adagrad: {optimizer: adagrad}
tune: {trials: 2, generation: 2, searches: 1, pick: none, pruner: none}
confirm: {seeds: 2}
compare: {baseline: sgd}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with two finished studies with the same arms, digits and mixture, and their home."""
    folder = tmp_path_factory.mktemp("compared")
    database(folder / "home")
    for task in ("digits", "mixture"):
        (folder / f"on-{task}.yaml").write_text(FOUR.replace("NAME", f"on-{task}").replace("TASK", task))
        slalom.run(folder / f"on-{task}.yaml", folder / "home", lanes=wiring.local_lanes)
    return folder


def compare(*options):
    return here("compare", "on-digits.yaml", "on-mixture.yaml", "--home", "home", *options)


def test_the_sentence_the_page_and_the_object_say_the_same(trained, tmp_path):
    with contextlib.chdir(trained):
        done = compare("-o", tmp_path / "page.html")
        told = json.loads(compare("--json").stdout)
        shown = [
            json.loads(here("show", f"on-{task}.yaml", "--home", "home", "--json").stdout)
            for task in ("digits", "mixture")
        ]
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Verdict: {told['sentence']}" in done.stdout
    assert "2 tasks cannot tell any two of 4 arms apart" in done.stdout
    found = Shown((tmp_path / "page.html").read_text())
    assert ("sentence", told["sentence"]) in found.texts
    assert [place for place, value, _ in found.numbers if at(told, place) != json.loads(value)] == []
    for task, one in zip(told["tasks"], shown, strict=True):
        assert task["values"] == [arm["confirm"]["mean"] for arm in one["arms"]]
        assert task["fingerprint"] == one["fingerprint"]


def test_its_numbers_can_be_written_to_a_file(trained, tmp_path):
    with contextlib.chdir(trained):
        done = compare("--format", "json", "-o", tmp_path / "told.json", "--rope", "0.05")
    assert done.returncode == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["signed_rank"]["rope"] == 0.05


def test_from_python_results_stand_for_studies(trained):
    home = trained / "home"
    results = [slalom.show(trained / f"on-{task}.yaml", home) for task in ("digits", "mixture")]
    page = slalom.compare(results)
    assert isinstance(page, TasksPage)
    assert page.sentence == slalom.compare([trained / "on-digits.yaml", results[1]], home).sentence
    assert [arm.name for arm in page.found.arms] == ["sgd", "momentum", "adam", "adagrad"]


def test_what_cannot_be_compared_is_refused(trained, tmp_path):
    (trained / "small.yaml").write_text(SMALL)
    with contextlib.chdir(trained):
        nothing = here("compare", "on-digits.yaml", "small.yaml", "--home", "home")
        one = here("compare", "on-digits.yaml", "--home", "home")
        twice = here("compare", "on-digits.yaml", "on-digits.yaml", "--home", "home")
        rope = compare("--rope", "nan")
        unwritable = compare("-o", tmp_path / "nowhere" / "page.html")
    for done, told in (
        (nothing, "nothing of small is in"),
        (one, "at least two, but got 1"),
        (twice, "on-digits: every study must be another one"),
        (rope, "the rope must be a number of at least 0, in the metric's unit, but got nan"),
        (unwritable, "--output: cannot write"),
    ):
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
