"""The user's own files of a study: which there are, what of the folder travels, and what the fingerprint holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from slalom.errors import InputError, StudyError
from slalom.study import folder as study_folder
from slalom.study.own_code import closure, within

FILES = {
    "cats.py": "import numpy, shapes.round\nfrom colours import red\nimport math\nclass Cats: ...",
    "colours.py": "import cats\nred = 1",
    "shapes/__init__.py": "from . import corners",
    "shapes/round.py": "from .. import no_such\nfrom .corners import sharp",
    "shapes/corners.py": "from .types import Corner\nfrom . import random\nimport types, random\nsharp = 2",
    "shapes/types.py": "class Corner: ...",
    "shapes/random.py": "",
    "random.py": "shadowed = True",
    "math.py": "shadowed = True",
    "other.py": "not imported",
    "broken.py": "def (",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_file_brings_what_it_imports_from_beside_it(folder):
    found = closure(folder, [Path("cats.py")])
    within_shapes = [f"shapes/{name}.py" for name in ("__init__", "corners", "random", "round", "types")]
    assert [file.as_posix() for file in found] == ["cats.py", "colours.py", *within_shapes]
    assert closure(folder, [Path("broken.py")]) == (Path("broken.py"),)


def test_a_file_lies_in_the_study_s_folder(folder):
    assert within(folder, f"{folder}/shapes/round.py") == Path("shapes/round.py")
    with pytest.raises(InputError, match=r"must lie in the study's folder, .* but got '\.\./a"):
        within(folder, "../a.py")


def test_what_is_imported_is_in_the_fingerprint_and_what_is_not_is_not(folder, edited):
    def mark() -> str:
        return edited(("task: digits", "task: cats.py:Cats")).fingerprint

    first = mark()
    (folder / "other.py").write_text("changed")
    assert mark() == first
    (folder / "shapes" / "corners.py").write_text("sharp = 3")
    assert mark() != first


def test_files_travel_without_homes_environments_and_caches(folder, tmp_path_factory):
    homes = (
        "home/optuna.db",
        "home/artifacts/a",
        "of-servers/lock",
        "of-servers/checkpoints/a",
        "of-servers/outbox-1.db",
    )
    for name in (".git/config", *homes, "venv/pyvenv.cfg", "venv/lib/a.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    beside = (
        "artifacts/b",
        "checkpoints/b",
        "jobs/b",
        "logs/b",
        "lock",
        "outbox-0f3a.db",
        "outbox-0f3a.db-wal",
        "ui.log",
    )
    for name in (
        "__pycache__/cats.pyc",
        "data/cats.csv",
        "data/logs/cats.txt",
        "jobs.csv",
        "optuna.db-wal",
        "optuna.db",
        *beside,
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    target = tmp_path_factory.mktemp("there")
    study_folder.copy(folder, target)
    copied = {file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file()}
    assert copied == {*FILES, "data/cats.csv", "data/logs/cats.txt", "jobs.csv"}


def test_a_folder_that_is_too_large_is_refused_where_it_would_travel(folder, edited, monkeypatch):
    monkeypatch.setattr(study_folder, "LARGEST_BYTES", 1 << 20)
    (folder / "cats.csv").write_bytes(bytes(1 << 21))
    assert edited().code == ()
    with pytest.raises(StudyError, match=r"at most 1 MiB in 2000 files, .* holds more \(such as cats\.csv\)"):
        edited(("task: digits", "task: cats.py:Cats"))
    (folder / "cats.csv").unlink()
    monkeypatch.setattr(study_folder, "MOST_FILES", 7)
    with pytest.raises(StudyError, match="in 7 files"):
        edited(("task: digits", "task: cats.py:Cats"))
