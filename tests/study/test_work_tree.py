"""The git commit of a study's folder: which it is, when something differs from it, and that nothing fails without."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from slalom.home import Home
from slalom.records.provenance import made_with, versions
from slalom.study.work_tree import CHANGED, commit_of
from slalom.submit.submission import Submission, read, submission
from tests.support.record_samples import study

NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
NOBODY |= {f"GIT_{who}_{what}": "nobody@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, env={**os.environ, **NOBODY}
    )
    return done.stdout.decode().strip()


@pytest.fixture
def tree(tmp_path):
    """A work tree with a commit of a folder `studies`, in which a task lies; a folder `ignored` is none of it."""
    for name in ("studies", "ignored"):
        (tmp_path / name).mkdir()
    (tmp_path / "studies" / "rings.py").write_text("first")
    (tmp_path / ".gitignore").write_text("ignored/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


CODE = (Path("rings.py"),)


def test_it_is_the_commit_that_is_checked_out(tree, monkeypatch):
    head = git(tree, "rev-parse", "HEAD")
    (tree / "studies" / "slalom-home").mkdir()
    (tree / "studies" / "slalom-home" / "optuna.db").touch()
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as a hook has it
    assert commit_of(tree, ()) == commit_of(tree / "studies", CODE) == head
    found = made_with(replace(study(), folder=tree / "studies", code=CODE))
    assert found == {**versions(), "commit": head}
    assert made_with(replace(study(), commit="of where it was sent from"))["commit"] == "of where it was sent from"


def test_a_submitted_study_takes_it_along(tree, tmp_path_factory):
    spec, sent = replace(study(), folder=tree / "studies", code=CODE), tmp_path_factory.mktemp("sent")
    made = submission(spec, tree / "studies" / "rings.py", Home(sent / "home"), stays=False, install=False)
    made.write(sent)
    assert read(sent).commit == git(tree, "rev-parse", "HEAD")
    assert Submission(**{**made.noted(), "commit": None}).commit is None, "as an earlier Slalom noted it"


def test_what_differs_from_it_is_told(tree):
    head = git(tree, "rev-parse", "HEAD")
    (tree / "studies" / "squares.py").touch()
    assert commit_of(tree / "studies", (*CODE, Path("squares.py"))) == f"{head} {CHANGED}", "git does not know it"
    (tree / "studies" / "rings.py").write_text("second")
    assert commit_of(tree / "studies", CODE) == f"{head} {CHANGED}"


def test_there_is_none_where_git_has_none(tree, tmp_path_factory, monkeypatch):
    assert commit_of(tree / "ignored") is None
    new = tmp_path_factory.mktemp("new")
    assert commit_of(new) is None
    git(new, "init", "--quiet")
    assert commit_of(new) is None, "nothing was committed"
    assert commit_of(tree / "nowhere") is None
    monkeypatch.setenv("PATH", "")
    assert commit_of(tree) is None
    assert made_with(replace(study(), folder=tree)) == versions()
