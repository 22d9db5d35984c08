"""What the documents show is run: their study files are checked, their own tasks are trained, their Python executed."""

import re
import sys
from pathlib import Path

import pytest

import slalom
from slalom.wiring import local_lanes
from tests.support.mlflow_tables import database

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.M | re.S)


STUDIES = [(page.name, block) for page in PAGES for block in blocks(page, "yaml")]


def own_files():
    """Files that the pages show, each named in its first line."""
    shown = [block for page in PAGES for block in blocks(page, "python")]
    return {block.split("\n", 1)[0][2:]: block for block in shown if re.match(r"# \w+\.py\n", block)}


OWN = [block for page, block in STUDIES if page.startswith("own-") and re.search(r"\w+\.py:", block)]
"""The studies that the pages show of such a file."""


def written(folder, study):
    for name, source in own_files().items():
        (folder / name).write_text(source)
    file = folder / "shown.yaml"
    file.write_text(study)
    return file


@pytest.mark.parametrize(("page", "block"), STUDIES, ids=[page for page, _ in STUDIES])
def test_a_study_file_that_is_shown_passes_the_check(page, block, tmp_path):
    assert slalom.load(written(tmp_path, block)).arms


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
    named = {name for _, block in STUDIES for name in re.findall(r"(\w+\.py):", re.sub("#.*", "", block))}
    assert own_files().keys() == named


@pytest.mark.slow
@pytest.mark.parametrize("study", OWN, ids=[re.search(r"name: (\S+)", block)[1] for block in OWN])
def test_what_is_shown_of_the_user_s_own_is_trained(study, tmp_path):
    database(tmp_path / "home")
    result = slalom.run(written(tmp_path, study), tmp_path / "home", lanes=local_lanes)
    assert result.verdict is not None
    assert all(arm.reproduced for arm in result.arms)
    assert all(arm.confirm.mean < 0.4 for arm in result.arms)
