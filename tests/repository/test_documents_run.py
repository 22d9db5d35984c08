"""What the documents show is run: their study files are checked, their own task is trained, their Python executed."""

import re
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


@pytest.mark.parametrize(("page", "block"), STUDIES, ids=[page for page, _ in STUDIES])
def test_a_study_file_that_is_shown_passes_the_check(page, block, tmp_path):
    for name, source in own_tasks():
        (tmp_path / name).write_text(source)
    file = tmp_path / "shown.yaml"
    file.write_text(block)
    assert slalom.load(file).arms


def own_tasks():
    """Files that the pages show, each named in its first line."""
    shown = [block for page in PAGES for block in blocks(page, "python")]
    return [(block.split("\n", 1)[0][2:], block) for block in shown if re.match(r"# \w+\.py\n", block)]


@pytest.mark.slow
def test_the_own_task_that_is_shown_is_trained(tmp_path):
    for name, source in own_tasks():
        (tmp_path / name).write_text(source)
    (study,) = blocks(ROOT / "docs" / "own-task.md", "yaml")
    file = tmp_path / "rings.yaml"
    file.write_text(study)
    database(tmp_path / "home")
    result = slalom.run(file, tmp_path / "home", lanes=local_lanes)
    assert result.verdict is not None
    assert all(arm.confirm.mean < 0.3 for arm in result.arms)
