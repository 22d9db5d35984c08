from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slalom.errors import InputError
from slalom_worker.tasks import TASKS, open_task
from slalom_worker.tasks.digits import Digits


@pytest.mark.parametrize("name", TASKS)
def test_declared_defaults_are_those_of_the_class(name: str) -> None:
    kind = TASKS[name]
    parameters = inspect.signature(kind.make).parameters
    for option, allowed in kind.options.items():
        assert parameters[option].default == allowed.default
        assert allowed.default is None or allowed.default in allowed
    assert set(kind.folders) <= set(kind.options)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "task must be a bundled task or file.py:Class, but got None"),
        ({"name": "digit"}, "but got 'digit'; did you mean 'digits'"),
        ({"name": ["digits"]}, r"but got \['digits'\]"),
        ({"name": "digits", "rarer": [1]}, "'rarer' is no option of this task; did you mean 'rare'"),
        ({"name": "digits", "rare": 3}, r"rare must be a list of whole numbers in \[0, 9\], .*, but got 3"),
        ({"name": "digits", "rare": None}, r"rare must be a list of whole numbers in \[0, 9\], .*, but got None"),
        ({"name": "digits", "rare_fraction": 0}, r"rare_fraction must be a number in \(0, 1\], but got 0"),
        ({"name": "mixture", "n": 1}, r"n must be a whole number in \[2, 1000000\], but got 1"),
        ({"name": "mixture", "n": 10**12}, r"n must be a whole number in \[2, 1000000\], but got 1000000000000"),
        ({"name": "mixture", "data": 7}, "data must be a text, but got 7"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_task(settings, tmp_path)


def test_options_reach_the_task(tmp_path: Path) -> None:
    assert open_task({"name": "digits", "rare": [1], "rare_fraction": 0.5}, tmp_path) == Digits([1], 0.5)
    assert open_task({"name": "mixture", "data": None}, tmp_path) == TASKS["mixture"].make()


def test_relative_folders_start_from_the_study(tmp_path: Path) -> None:
    assert open_task({"name": "mixture", "data": "esl"}, tmp_path) == TASKS["mixture"].make(data=str(tmp_path / "esl"))
    elsewhere = str(tmp_path / "esl")
    assert open_task({"name": "fashion_mnist", "data": elsewhere}, Path("/")) == TASKS["fashion_mnist"].make(
        data=elsewhere
    )


def test_the_table_loads_without_heavy_packages() -> None:
    code = "import sys, slalom_worker.tasks; print(sorted({'torch', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
