from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from slalom.errors import Infrastructure, InputError
from slalom_worker.tasks import Data, OwnModel, open_task

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
    from __future__ import annotations
    from dataclasses import dataclass
    import numpy as np
    from slalom_worker.tasks import Data, Split

    @dataclass
    class Cats:
        count: int = 4

        def load(self) -> Data:
            inputs = np.ones((self.count, 3), np.float32)
            split = Split(inputs, np.arange(self.count, dtype=np.int64) % 2)
            return Data(split, split, split, classes=2)

    class Dogs(Cats):
        def model(self, width=1):
            return ["a module", width]

    class Broken(Cats):
        def load(self):
            return 1 / 0

        def model(self):
            raise KeyError("layer")
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "pets.py"
    path.write_text(dedent(text))
    return path


def opened(folder: Path, name: str = "pets.py:Cats", **options: Any) -> Any:
    return open_task({"name": name, **options}, folder)


def test_task_of_a_file_gets_its_options(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    data = opened(tmp_path, count=6).load()
    assert isinstance(data, Data)
    assert (len(data.train.labels), data.shape) == (6, (3,))
    assert opened(tmp_path).load().digest() == opened(tmp_path).load().digest() != data.digest()


def test_own_model_is_there_only_where_the_class_has_one(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    dogs = opened(tmp_path, "pets.py:Dogs")
    assert isinstance(dogs, OwnModel)
    assert dogs.model(width=3) == ["a module", 3]
    assert not isinstance(opened(tmp_path), OwnModel)


@pytest.mark.parametrize(
    ("text", "name", "options", "message"),
    [
        (None, "pets.py:Cats", {}, "pets.py: must be a Python file, but got no such file"),
        (GOOD, "pets.py:Birds", {}, "pets.py: must hold a class or a function 'Birds', but got None"),
        (GOOD, "pets.py:np", {}, "pets.py: must hold a class or a function 'np', but got <module"),
        (GOOD, "pets.py:", {}, "pets.py: must hold a class or a function ''"),
        (GOOD, "pets.py:Cats", {"size": 3}, r"Cats\(size=3\) must not raise, but got TypeError: .*'size'"),
        ("import no_such_package", "pets.py:Cats", {}, r"importing it .*ModuleNotFoundError.*\(line 1\)"),
        ("x = 1\ny = x / 0", "pets.py:Cats", {}, r"importing it must not raise, but got ZeroDivisionError.*\(line 2\)"),
        ("raise SystemExit(3)", "pets.py:Cats", {}, "importing it must not raise, but got SystemExit: 3"),
        ("class Cats:\nx", "pets.py:Cats", {}, "importing it must not raise, but got IndentationError.*line 2"),
        (
            "class Cats:\n    def lod(self): ...",
            "pets.py:Cats",
            {},
            "must have a method 'load', but got none; did you mean 'lod'",
        ),
    ],
)
def test_malformed_tasks_are_refused_when_opened(
    tmp_path: Path, text: str | None, name: str, options: dict[str, Any], message: str
) -> None:
    if text is not None:
        write(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        opened(tmp_path, name, **options)
    assert str(tmp_path / "pets.py") in str(caught.value)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ("return [1, 2]", r"Cats: load\(\) must return a slalom_worker.tasks.Data, but got list"),
        ("return None", r"must return a slalom_worker.tasks.Data, but got NoneType"),
        ("raise OSError('gone')", r"Cats: load\(\) must not raise, but got OSError: gone \(line 4\)"),
        ("from slalom_worker.tasks import Data; Data(1, 2, 3, 4)", r"load\(\): train must be a Split, but got int"),
    ],
)
def test_malformed_data_is_the_users_mistake(tmp_path: Path, load: str, message: str) -> None:
    path = write(tmp_path, f"class Cats:\n\n    def load(self):\n        {load}")
    with pytest.raises(InputError, match=message) as caught:
        opened(tmp_path).load()
    assert str(path) in str(caught.value)


def test_causes_are_kept_and_infrastructure_stays_so(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(InputError) as caught:
        opened(tmp_path, "pets.py:Broken").load()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(InputError, match=r"Broken: model\(\) must not raise, but got KeyError: 'layer'"):
        opened(tmp_path, "pets.py:Broken").model()
    write(tmp_path, "from slalom.errors import *\nclass Cats:\n    def load(self): raise Infrastructure('no net')")
    with pytest.raises(Infrastructure, match="no net"):
        opened(tmp_path).load()
