"""The repository as text: its files, and the arrows that its imports draw."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT / "platform", ROOT / "workers")


class Arrow(NamedTuple):
    """An import. source, target: modules by dotted name; lazy: within a function; where: file:line."""

    source: str
    target: str
    lazy: bool
    where: str


def files() -> list[Path]:
    """Every file that is tracked, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def arrows(*roots: Path) -> list[Arrow]:
    """All imports below these source roots, those for type checkers included."""
    modules = {_dotted(file, root): file for root in roots for file in sorted(root.rglob("*.py"))}
    return [arrow for module, file in modules.items() for arrow in _arrows(module, file, modules)]


def _dotted(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _arrows(module: str, file: Path, modules: dict[str, Path]) -> Iterator[Arrow]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        for target in _targets(node, modules):
            yield Arrow(module, target, id(node) in inside, f"{file.name}:{node.lineno}")


def _targets(node: ast.AST, modules: dict[str, Path]) -> list[str]:
    """What a statement imports; `from package import name` means the module of that name where there is one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.module is not None, "relative imports are not used here"
    names = [f"{node.module}.{alias.name}" for alias in node.names]
    return sorted({name if name in modules or node.module not in modules else node.module for name in names})
