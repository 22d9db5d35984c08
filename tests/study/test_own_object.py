"""Studies as a program writes them: a class as the task, other values of keys, and a verdict's values."""

import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

import slalom
from slalom.errors import StudyError
from slalom.wiring import local_lanes
from tests.support.mlflow_tables import database

TASK = """
import numpy as np
from shades import count
from slalom_worker.tasks import Data, Split

class Rings:
    def __init__(self, noise=0.2):
        self.noise = noise

    def load(self):
        inputs = np.random.default_rng(0).normal(0, 1 + self.noise, (count, 2)).astype(np.float32)
        part = Split(inputs, (inputs[:, 0] > 0).astype(np.int64))
        return Data(part, part, part, classes=2)

class Outer:
    class Inner(Rings):
        pass

def train(trial, learning_rate):
    trial.report(error=trial.seed % 7 * learning_rate)
    return {"error": 0.5} if trial.wants_test else None

alone = lambda trial: None
"""
STUDY = {
    "name": "rings",
    "question": "?",
    "training": {"epochs": 1, "batch_size": 10, "optimizer": "sgd"},
    "arms": {"one": {"learning_rate": 0.1}, "two": {"learning_rate": 0.2}},
    "tune": {"trials": 1, "searches": 6, "pick": "none"},
    "confirm": {"seeds": 1},
    "compare": {"baseline": "one"},
}
OWN = {**STUDY, "training": {"epochs": 1}, "metric": "error"}


@pytest.fixture
def rings(tmp_path, monkeypatch):
    """A module of the user's, imported as a program does, in another folder than the current one."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "rings.py").write_text(TASK)
    (folder / "shades.py").write_text("count = 20\n")
    monkeypatch.syspath_prepend(folder)
    for name in ("rings", "shades"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield import_module("rings")
    for name in ("rings", "shades"):
        sys.modules.pop(name, None)


def by_text(rings, monkeypatch, task, **document):
    from pathlib import Path

    monkeypatch.chdir(Path(rings.__file__).parent)
    return slalom.Study(**{**STUDY, **document}, task=task)


def test_a_class_is_what_its_file_and_name_are(rings, monkeypatch):
    found = slalom.Study(**STUDY, task=rings.Rings)
    wanted = by_text(rings, monkeypatch, "rings.py:Rings")
    assert found == wanted
    assert found.fingerprint == wanted.fingerprint
    assert [file.name for file in found.code] == ["rings.py", "shades.py"]


def test_a_class_has_options_and_a_function_trains(rings, monkeypatch):
    found = slalom.Study(**STUDY, task={"name": rings.Rings, "noise": 0.5})
    assert found == by_text(rings, monkeypatch, {"name": "rings.py:Rings", "noise": 0.5})
    own = slalom.Study(**OWN, task=rings.train)
    assert own.own_training
    assert own == by_text(rings, monkeypatch, "rings.py:train", **OWN)


def test_its_code_is_in_the_fingerprint(rings):
    first = slalom.Study(**STUDY, task=rings.Rings).fingerprint
    (slalom.Study(**STUDY, task=rings.Rings).folder / "rings.py").write_text(TASK + "\n# changed")
    assert slalom.Study(**STUDY, task=rings.Rings).fingerprint != first


def test_a_class_of_a_package_starts_where_its_imports_do(tmp_path, monkeypatch):
    (tmp_path / "pets" / "cats").mkdir(parents=True)
    (tmp_path / "pets" / "shades.py").write_text("count = 20\n")
    (tmp_path / "pets" / "cats" / "__init__.py").write_text(TASK.replace("from shades", "from pets.shades"))
    monkeypatch.syspath_prepend(tmp_path)
    try:
        study = slalom.Study(**STUDY, task=import_module("pets.cats").Rings)
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "pets"]:
            del sys.modules[name]
    assert study.folder == tmp_path
    assert study.task["name"] == "pets/cats/__init__.py:Rings"
    assert [file.as_posix() for file in study.code] == ["pets/cats/__init__.py", "pets/shades.py"]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (lambda rings: rings.Outer.Inner, "task: Outer.Inner must stand at the top of its file"),
        (lambda rings: rings.alone, "task: <lambda> must stand at the top of its file"),
        (
            lambda _: type("Cell", (), {"__module__": "__main__", "__qualname__": "Cell"}),
            "task: Cell must be written in a Python file, .*, but is in __main__, which has none; in a notebook "
            "begin its cell, .*%%writefile mine.py`, and then `from mine import Cell`",
        ),
        (lambda _: int, "task: int must be written in a Python file, .*, but is in builtins"),
        (lambda _: 3.5, "task must be a"),
        (lambda rings: rings.Rings(), "task must be a number, a text"),
    ],
)
def test_what_lanes_cannot_find_is_refused(rings, task, said, monkeypatch):
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with pytest.raises(StudyError, match=said):
        slalom.Study(**STUDY, task=task(rings))


SCRIPT = (
    TASK.replace("from shades import count", "count = 20")
    + f"""
import slalom
def study():
    print(slalom.Study(**{STUDY!r}, task=Rings).task["name"])
"""
)


def test_a_script_may_run_the_study_of_its_own_class_when_it_is_run(tmp_path):
    file = tmp_path / "script.py"
    file.write_text(f"{SCRIPT}\nif __name__ == '__main__':\n    study()\n")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "script.py:Rings\n"), done.stderr
    file.write_text(f"{SCRIPT}\nstudy()\n")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("slalom.errors.StudyError: task: "), done.stderr
    assert 'what it does with a study must stand under `if __name__ == "__main__":`' in last


def test_a_study_with_other_values_is_read_anew(rings):
    study = slalom.Study(**STUDY, task=rings.Rings)
    other = slalom.replace(study, seed=1)
    assert (study.seed, other.seed) == (0, 1)
    assert other == slalom.Study(**STUDY, task=rings.Rings, seed=1)
    assert other.fingerprint != study.fingerprint
    arms = {**study.document["arms"], "three": {"learning_rate": 0.3}}
    assert [arm.name for arm in slalom.replace(other, arms=arms).arms] == ["one", "two", "three"]
    assert slalom.replace(study, name="again").fingerprint == study.fingerprint
    with pytest.raises(StudyError, match="the study has the unknown key 'sed'; did you mean 'seed'"):
        slalom.replace(study, sed=1)


def test_a_bundled_study_with_another_seed():
    study = slalom.replace("digits-momentum", seed=3)
    assert study.seed == 3
    assert {**slalom.load("digits-momentum").document, "seed": 3} == study.document


def test_seed_arms_and_verdict_are_values_and_a_notebook_shows_how_far_it_is(rings, tmp_path, monkeypatch, capsys):
    study = slalom.Study(**OWN, task=rings.train)
    database(tmp_path / "home")
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    result = slalom.run(study, tmp_path / "home", lanes=local_lanes)
    shown = capsys.readouterr().err.split("\r")
    assert shown[1] == "Starting the lanes ..."
    assert "24 of 24 trials" in shown[-1]
    assert slalom.run(study, tmp_path / "home", lanes=local_lanes).verdict == result.verdict
    assert capsys.readouterr().err == ""
    verdict = result.verdict
    (found,) = verdict.comparisons
    assert (found.arm, found.other, found.answer) == ("two", "one", "identical")
    assert (found.mean, found.interval, found.p) == (0.0, (0.0, 0.0), 1.0)
    assert [(pair.arm, pair.other) for pair in verdict.pairs] == [("one", "two")]
    assert result.arms[1].difference == found
    assert {arm.name: arm.settings["learning_rate"] for arm in study.arms} == {"one": 0.1, "two": 0.2}
    assert {arm.name: arm.confirm.mean for arm in result.arms} == {"one": 0.5, "two": 0.5}
    assert result.as_json()["arms"][1]["difference"]["mean"] == found.mean
    with pytest.raises(AttributeError):
        verdict.winner = "two"
