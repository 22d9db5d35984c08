"""A user's Python file: it is imported as it is now, under a name of its own, and its errors are told with its line."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr
from pathlib import Path
from types import ModuleType

import pytest

from slalom.errors import Infrastructure, InputError
from slalom_worker.own_file import apart, aside, load_module, telling, user_errors

CATS = """
from __future__ import annotations
from dataclasses import dataclass


@dataclass
class Cats:
    count: int = 4
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "pets.py"
    path.write_text(text)
    return path


def test_the_file_as_it_is_now_without_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert load_module(write(tmp_path, CATS)).Cats().count == 4
    # as long as before and within the same second: a bytecode cache would not notice
    assert load_module(write(tmp_path, CATS.replace("count: int = 4", "count: int = 5"))).Cats().count == 5
    assert [path.name for path in tmp_path.iterdir()] == ["pets.py"]


def test_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (load_module(write(tmp_path / name, CATS)) for name in ("one", "two"))
    assert one.Cats.__module__ != two.Cats.__module__
    assert sys.modules[one.Cats.__module__].__file__ == str(tmp_path / "one" / "pets.py")


def test_modules_beside_the_file_are_found_as_they_are_now_and_do_not_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    lazily = "import sounds\nfrom shapes.round import ball\n\ndef call():\n    import late\n    return late.word\n"
    for folder, sound in (("one", "miaow"), ("two", "wuff")):
        (tmp_path / folder / "shapes").mkdir(parents=True)
        (tmp_path / folder / "sounds.py").write_text(f"sound = {sound!r}")
        (tmp_path / folder / "late.py").write_text(f"word = {sound!r}")
        (tmp_path / folder / "shapes" / "__init__.py").write_text("")
        (tmp_path / folder / "shapes" / "round.py").write_text("ball = 1")
    one, two = (load_module(write(tmp_path / name, lazily)) for name in ("one", "two"))
    assert (one.sounds.sound, two.sounds.sound, one.ball) == ("miaow", "wuff", 1)
    for module, sound in ((one, "miaow"), (two, "wuff"), (one, "miaow")):
        with user_errors(Path(module.__file__ or ""), "call()"):
            assert module.call() == sound
    (tmp_path / "one" / "sounds.py").write_text("sound = 'purr '")
    assert load_module(tmp_path / "one" / "pets.py").sounds.sound == "purr "
    assert not [*tmp_path.rglob("__pycache__")]


def test_a_file_that_is_missing_or_cannot_be_imported_is_the_user_s_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a Python file, but got no such file"):
        load_module(tmp_path / "pets.py")
    path = write(tmp_path, "x = 1\ny = x / 0")
    with pytest.raises(InputError) as caught:
        load_module(path)
    wanted = f"{path}: importing it must not raise, but got ZeroDivisionError: division by zero (line 2)"
    assert str(caught.value) == wanted
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_elsewhere_names_no_line_and_infrastructure_stays_so(tmp_path: Path) -> None:
    path = write(tmp_path, CATS)
    with (
        pytest.raises(InputError, match=r"^Cats\(\) must not raise, but got KeyError: 'layer'$"),
        user_errors(path, "Cats()"),
    ):
        raise KeyError("layer")
    with pytest.raises(InputError, match=r"^Cats\(\): no such cat$"), user_errors(path, "Cats()"):
        raise InputError("no such cat")
    with pytest.raises(Infrastructure, match=r"^no net$"), user_errors(path, "Cats()"):
        raise Infrastructure("no net")


def test_a_function_of_the_file_that_ends_the_process_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "import sys\n\n\ndef update(block):\n    sys.exit(block)\n")
    update = telling(load_module(path).update, path, "pets.py:LION: update")
    with pytest.raises(InputError, match=r"^pets\.py:LION: update must not raise, but got SystemExit: 3 \(line 5\)$"):
        update(3)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_what_code_closes_stays_open_for_others(name: str) -> None:
    below = io.BytesIO()
    with redirect_stderr(io.TextIOWrapper(below)), aside():
        stream = getattr(sys, name)
        print("first", file=stream)
        stream.close()
        stream.buffer.close()
        with stream:
            pass
        print("more", file=stream, flush=True)
        assert below.getvalue() == b"first\nmore\n"


def test_modules_that_another_thread_imports_meanwhile_are_left_alone(monkeypatch):
    """Here one comes in the moment in which another is looked at."""
    come = []

    class LookedAt(ModuleType):
        @property
        def __dict__(self):
            come.append(f"came_meanwhile_{len(come)}")
            sys.modules[come[-1]] = ModuleType(come[-1])
            return {}

    monkeypatch.setitem(sys.modules, "looked_at", LookedAt("looked_at"))
    try:
        with apart():
            pass
        assert len(come) >= 2
        assert {*come} <= {*sys.modules}
    finally:
        for name in come:
            sys.modules.pop(name, None)
