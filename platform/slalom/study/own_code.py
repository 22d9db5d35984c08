"""The user's own Python files of a study: those that the study names, and the modules of its folder that these import.

They are found by reading the files, not by running them, so that the same files are found on every machine.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import InputError, quoted_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


def within(folder: Path, file: str) -> Path:
    """The path of a user's file relative to the study's folder; InputError where the file lies elsewhere."""
    place = Path(file).expanduser()
    try:
        return (folder / place).resolve().relative_to(folder.resolve())
    except ValueError as exc:
        raise InputError(
            "a file of your own must lie in the study's folder, which travels to the nodes, but got "
            f"{quoted_path(file)}"
        ) from exc


def closure(folder: Path, files: Iterable[Path]) -> tuple[Path, ...]:
    """The files and all that they import from their own folder or from `folder`, sorted and relative to `folder`."""
    found: set[Path] = set()
    for file in files:
        starts, left = {file.parent, Path()}, [file]
        seen = set(left)
        while left:
            for other in _imported(folder, left.pop(), starts):
                if other not in seen:
                    seen.add(other)
                    left.append(other)
        found |= seen
    return tuple(sorted(found))


def _imported(folder: Path, file: Path, starts: Collection[Path]) -> Iterator[Path]:
    """The files below the folders `starts` that a file imports."""
    try:
        tree = ast.parse((folder / file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # the import of the file itself reports the error, with its line
    for start, dotted in _names(tree, file, starts):
        place = start
        for part in dotted.split("."):
            place /= part
            for other in (place / "__init__.py", place.with_name(f"{part}.py")):
                if (folder / other).is_file():
                    yield other


def _names(tree: ast.AST, file: Path, starts: Collection[Path]) -> Iterator[tuple[Path, str]]:
    """What a file imports: dotted names, each with a folder in which it may start.

    Only relative imports find a module of the user's with the name of one of the standard library.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        up, module = (node.level, node.module) if isinstance(node, ast.ImportFrom) else (0, None)
        near = [Path(*file.parts[: len(file.parts) - up])] if up else starts
        for name in (".".join(filter(None, [module, alias.name])) for alias in node.names):
            if up or name.split(".")[0] not in sys.stdlib_module_names:
                yield from ((start, name) for start in near)
