"""What the documents show is run: their study files are checked, their own tasks are trained, their Python executed."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import slalom
from slalom.report.plan import plan
from slalom.wire.trial import Outcome
from slalom.wiring import local_lanes
from tests.cli.studies import here
from tests.support.mlflow_tables import database
from tests.support.tiers import few

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OWN_TASK = ROOT / "docs" / "own-task.md"

LIBRARIES = ("lightning", "transformers", "xgboost")
"""Of the extra `examples`: what is shown of them is run by `make examples`, see library_examples.py."""

REACHED = {"error": 0.4, "accuracy": 0.6, "log_loss": 0.4, "rmse": 0.9}
"""What a mean of each metric is better than where something was learnt, by the studies that are shown."""


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.M | re.S)


def own_files():
    """Files that the pages show, each named in its first line."""
    shown = [block for page in PAGES for block in blocks(page, "python")]
    return {block.split("\n", 1)[0][2:]: block for block in shown if re.match(r"# \w+\.py\n", block)}


def files_of(study):
    """The names of the user's own files that a study names."""
    return re.findall(r"(\w+\.py):", re.sub("#.*", "", study))


def of_a_library(study):
    imports = rf"^(?:import|from) (?:{'|'.join(LIBRARIES)})\b"
    return any(re.search(imports, own_files().get(name, ""), flags=re.M) for name in files_of(study))


SHOWN = [(page.name, block) for page in PAGES for block in blocks(page, "yaml")]
STUDIES = [(page, block) for page, block in SHOWN if not of_a_library(block)]
OWN = [block for start in ("own-", "README") for page, block in STUDIES if page.startswith(start) and files_of(block)]
"""The studies that the pages show of such a file; the first of them with what it prints."""


def name_of(study):
    return re.search(r"name: (\S+)", study)[1]


def written(folder, study):
    for name, source in own_files().items():
        (folder / name).write_text(source)
    if "image_folder" in study and not (folder / "imagenet").exists():
        pictures(folder / "imagenet", size=40)
    file = folder / f"{name_of(study)}.yaml"
    file.write_text(study)
    return file


def pictures(folder, size, classes=3, each=8):
    """A folder of generated pictures in ImageNet's layout, a colour for each class."""
    random = np.random.default_rng(0)
    for part in ("train", "val"):
        for number in range(classes):
            place = folder / part / f"class-{number}"
            place.mkdir(parents=True)
            for picture in range(each):
                pixels = random.integers(0, 200, (size, size, 3), dtype=np.uint8)
                pixels[:, :, number] = 255
                Image.fromarray(pixels).save(place / f"{picture}.png")


def narrow(spec):
    """The study with packs of a set width: how wide they may be is measured for seconds, and changes no number."""
    return spec.with_resources(pack_width=spec.resources.pack_width or 16)


def comes_to_a_verdict(folder, study):
    """Run a study whose arms so many searches can tell apart, and hold it to what it should come to."""
    database(folder / "home")
    spec = slalom.load(written(folder, study))
    assert plan(spec)["limits"] == []
    result = slalom.run(narrow(spec), folder / "home", lanes=local_lanes)
    assert result.verdict is not None
    assert all(arm.reproduced for arm in result.arms)
    for arm in result.arms:
        assert len(arm.confirm.values) == spec.tune.searches.at_most >= 6
        gap = arm.confirm.mean - REACHED[spec.metric.name]
        assert gap < 0 if spec.metric.goal == "minimize" else gap > 0


@pytest.mark.parametrize(("page", "block"), few(STUDIES, 3), ids=[page for page, _ in STUDIES])
def test_a_study_file_that_is_shown_passes_the_check(page, block, tmp_path):
    assert slalom.load(written(tmp_path, block)).arms


@pytest.mark.thorough
def test_the_study_that_is_shown_in_python_is_the_one_of_the_file(tmp_path, monkeypatch):
    page = ROOT / "docs" / "own-task.md"
    (block,) = (one for one in blocks(page, "python") if "from rings import Rings" in one)
    first = next(one for one in blocks(page, "yaml") if "name: rings\n" in one)
    wanted = slalom.load(written(tmp_path, first))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rings", raising=False)
    monkeypatch.setattr(slalom, "run", lambda study: study)
    shown: dict[str, object] = {}
    try:
        exec(block, shown)  # the page's own text
    finally:
        sys.modules.pop("rings", None)
    assert shown["result"].fingerprint == wanted.fingerprint
    assert shown["again"].seed == 1


def test_every_file_that_is_shown_has_a_study():
    assert own_files().keys() == {name for _, block in SHOWN for name in files_of(block)}


def test_one_page_has_a_whole_study_of_every_kind_of_work():
    """Pictures, sequences, texts, tables; no net; a loop of one's own. What each comes to is held below."""
    shown = {name_of(block) for page, block in STUDIES if page == OWN_TASK.name and block in OWN}
    assert shown >= {"residual", "waves", "reviews", "diabetes", "wine-trees", "digits-loop"}


@pytest.mark.thorough
@pytest.mark.parametrize("study", OWN[1:], ids=map(name_of, OWN[1:]))
def test_what_is_shown_of_the_user_s_own_comes_to_a_verdict(study, tmp_path):
    comes_to_a_verdict(tmp_path, study)


@pytest.mark.thorough
def test_the_first_study_prints_what_its_page_says(tmp_path, monkeypatch):
    """But for how fast it was, and by which packs."""
    monkeypatch.chdir(tmp_path)
    comes_to_a_verdict(tmp_path, OWN[0])
    checked, ran = blocks(OWN_TASK, "text")
    assert here("check", "rings.yaml").stdout == checked
    assert lines_but_pace(here("show", "rings.yaml", "--home", "home").stdout) == lines_but_pace(ran)


@pytest.mark.thorough
def test_alexnets_recipe_trains_in_little_on_generated_pictures(tmp_path, monkeypatch):
    """The same keys: another size of net and pictures, and fewer passes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (study,) = (block for _, block in STUDIES if "name: alexnet-imagenet" in block)
    for large, small in (
        ("size: 256", "size: 40"),
        ("size: 224", "size: 32"),
        ("epochs: 90", "epochs: 4"),
        ("batch_size: 128", "batch_size: 8"),
        ("model: alexnet\n", "model: {name: alexnet_small, width: 2, towers: 2}\n"),
        ("model: alexnet_single", "model: {towers: 1}"),
        ("device: gpu, ", ""),
        ("searches: 6", "searches: 1"),
    ):
        assert large in study
        study = study.replace(large, small)
    database(tmp_path / "home")
    result = slalom.run(narrow(slalom.load(written(tmp_path, study))), tmp_path / "home", lanes=local_lanes)
    assert {ended.result.outcome for ended in result.ended.values()} == {Outcome.COMPLETE}
    assert len(result.ended) == 8


def lines_but_pace(printed):
    words = " ".join(printed.split())
    return re.sub(r"\d+ trials in .*? % filled\.", "", re.sub(r" ?Browse every trial: slalom ui", "", words))
