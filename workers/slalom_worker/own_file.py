"""Imports a user's Python file with the modules beside it, and turns its errors into InputError with the line."""

from __future__ import annotations

import hashlib
import sys
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, SlalomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

PREFIX = "slalom_user_task_"
"""Prefix of the module names under which users' files are imported."""


class FreshSource(SourceFileLoader):
    """A loader that compiles the file anew: a bytecode cache can be stale within a second, and litters the folder.

    running: whether the file is being imported
    """

    running = False

    def exec_module(self, module: ModuleType) -> None:
        """Run the file."""
        self.running = True
        try:
            super().exec_module(module)
        finally:
            self.running = False

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the protocol's name)
        """The compiled file."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


class Beside(MetaPathFinder):
    """Finds modules and packages in the folder of a user's file, as Python does for a script.

    A module of the standard library is never found there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 (the protocol's name)
        target: ModuleType | None = None,  # noqa: ARG002 (the protocol's name)
    ) -> ModuleSpec | None:
        """The spec of a module in the folder; None where the folder has no such module."""
        parts = fullname.split(".")
        if parts[0] in sys.stdlib_module_names:
            return None
        place = self.folder.joinpath(*parts)
        for file, inner in ((place / "__init__.py", [str(place)]), (place.with_name(f"{parts[-1]}.py"), None)):
            if file.is_file():
                loader = FreshSource(fullname, str(file))
                return spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=inner)
        return None


def load_module(path: Path) -> ModuleType:
    """The module of a file, imported anew at every call, as are the modules beside the file that it imports.

    Files of the same name in two folders are two modules. Raises InputError where there is no such file, importing it
    fails, or the file is being imported already: it then runs a study that names the file itself, and would run the
    study again at each import.
    """
    if not path.is_file():
        raise InputError(f"{path}: must be a Python file, but got no such file")
    # by path, so that two files of one name do not collide
    name = f"{PREFIX}{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    if getattr(getattr(sys.modules.get(name), "__loader__", None), "running", False):
        raise InputError(
            f"{path}: is imported for what a study names in it; what it does with a study must stand under "
            '`if __name__ == "__main__":`'
        )
    loader = FreshSource(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = module_from_spec(spec)
    # dataclasses look up their module here
    sys.modules[name] = module
    _forget_modules(None)
    with user_errors(path, f"{path}: importing it"):
        loader.exec_module(module)
    return module


class Lent:
    """A text stream, or its byte buffer, as the user's code gets it: closing it only flushes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> Lent:
        """The byte stream below the text stream."""
        return Lent(self._stream.buffer)

    def close(self) -> None:
        """Flush the stream, which stays open."""
        self._stream.flush()

    def __enter__(self) -> Lent:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@contextmanager
def aside() -> Iterator[None]:
    """A context in which the user's code prints to standard error, since standard output may be JSON.

    The user's code can close neither stream.
    """
    lent = Lent(sys.stderr)
    with redirect_stdout(lent), redirect_stderr(lent):
        yield


@contextmanager
def beside(file: Path | None) -> Iterator[None]:
    """A context for calls of the user's code: modules beside its file are found, and prints go to standard error."""
    if file is None:
        yield
        return
    folder = file.parent.resolve()
    _forget_modules(folder)
    finder = Beside(folder)
    sys.meta_path.insert(0, finder)
    try:
        with aside():
            yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def user_errors(file: Path | None, action: str) -> Iterator[None]:
    """A context as `beside` that also turns the code's errors into InputError; other errors of Slalom pass unchanged.

    The message is one line, whatever the error's text.
    file: the file whose line the message names, or None where the code is in no file of the user's
    action: what the user's code is called for; the message begins with it
    """
    try:
        with beside(file):
            yield
    except (Exception, SystemExit) as exc:
        raise told(exc, file, action) from exc


def told(exc: BaseException, file: Path | None, action: str) -> SlalomError:
    """An error of the user's code as InputError, with its line in `file`; Slalom's own errors stay unchanged."""
    if isinstance(exc, InputError):
        return InputError(f"{action}: {exc}")
    if isinstance(exc, SlalomError):
        return exc
    lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(file)]
    where = f" (line {lines[-1]})" if lines else ""
    text = " ".join(f"{type(exc).__name__}: {exc}".split())
    return InputError(f"{action} must not raise, but got {text}{where}")


def telling(function: Callable[..., object], file: Path, action: str) -> Callable[..., object]:
    """The user's function with its exceptions turned into InputError, as by `told`.

    The function must have imported its neighbouring modules before: they are not found during the call.
    """

    def call(*given: object, **named: object) -> object:
        try:
            return function(*given, **named)
        except (Exception, SystemExit) as exc:
            raise told(exc, file, action) from exc

    return call


@contextmanager
def apart() -> Iterator[None]:
    """A context that restores the users' imported modules at its end, whatever is imported anew within it."""
    kept = {name: module for name, module in [*sys.modules.items()] if _is_users(module)}
    try:
        yield
    finally:
        for name in [name for name, module in [*sys.modules.items()] if _is_users(module)]:
            del sys.modules[name]
        sys.modules.update(kept)


def _is_users(module: object) -> bool:
    spec = module.__dict__.get("__spec__") if isinstance(module, ModuleType) else None
    return isinstance(getattr(spec, "loader", None), FreshSource)


def _forget_modules(folder: Path | None) -> None:
    """Forget the modules that lie beside users' files, except those in `folder`, so that they are imported anew."""
    for name, module in [*sys.modules.items()]:
        if not _is_users(module) or name.startswith(PREFIX):
            continue
        if folder is None or not Path(str(module.__file__)).is_relative_to(folder):
            del sys.modules[name]
