"""What a wheel holds."""

from __future__ import annotations

import subprocess
import sys
from zipfile import ZipFile

import pytest

from tests.repository.tree import ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of a wheel's files; hatchling is at hand, so nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, ROOT], check=True, capture_output=True, text=True)
    (file,) = folder.glob("slalom-*.whl")
    return set(ZipFile(file).namelist())


@pytest.mark.parametrize(
    ("source", "target"),
    [("platform/slalom", "slalom"), ("workers/slalom_worker", "slalom_worker"), ("studies", "slalom/studies")],
)
def test_a_folder_is_in_it_whole(wheel, source, target):
    sources = {file.relative_to(ROOT / source) for file in files() if file.is_relative_to(ROOT / source)}
    assert sources
    assert {f"{target}/{file}" for file in sources} - wheel == set()


def test_nothing_else_is(wheel):
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"slalom", "slalom_worker"}
    assert [name for name in wheel if any(part.startswith("test") for part in name.split("/"))] == []


def test_it_brings_the_command(wheel):
    assert any(name.endswith(".dist-info/entry_points.txt") for name in wheel)
