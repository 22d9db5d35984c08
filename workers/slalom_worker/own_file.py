"""A Python file of the user's own: importing it, and telling its errors as the user's, with file and line."""

from __future__ import annotations

import hashlib
import sys
import traceback
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from typing import TYPE_CHECKING

from slalom.errors import InputError, SlalomError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType, ModuleType


class FreshSource(SourceFileLoader):
    """Compiles the file as it is now: a bytecode cache can be stale within a second, and litters the folder."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the protocol's name)
        """The compiled file."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def load_module(path: Path) -> ModuleType:
    """The module of a file, imported anew at every call; files of the same name in two folders are two modules.

    Raises InputError where there is no such file or importing it fails.
    """
    if not path.is_file():
        raise InputError(f"{path}: must be the Python file of the task, but got no such file")
    # by path, so that two files of one name do not meet
    name = f"slalom_user_task_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    loader = FreshSource(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    spec.has_location = True
    module = module_from_spec(spec)
    # the module's own dataclasses look it up here
    sys.modules[name] = module
    with user_errors(path, f"{path}: importing it"):
        loader.exec_module(module)
    return module


@contextmanager
def user_errors(file: Path | None, action: str) -> Iterator[None]:
    """A context that turns errors of the user's code into InputError; other errors of Slalom pass as they are.

    The message is one line, whatever the error's text.
    file: whose line the message names, or None where the code is in no file of the user's
    action: what the user's code is called for, the message's beginning
    """
    try:
        yield
    except InputError as exc:
        raise InputError(f"{action}: {exc}") from exc
    except SlalomError:
        raise
    except (Exception, SystemExit) as exc:
        lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(file)]
        where = f" (line {lines[-1]})" if lines else ""
        told = " ".join(f"{type(exc).__name__}: {exc}".split())
        raise InputError(f"{action} must not raise, but got {told}{where}") from exc
