"""The study's task: a bundled one with its options, or the user's own file, read for its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, quoted_path
from slalom.study.keys import USER_TASK
from slalom.study.own_code import within
from slalom.study.values import looks_searched, table

if TYPE_CHECKING:
    import re
    from pathlib import Path

    from slalom.study.document import Node
    from slalom.study.key import Table
    from slalom.wire.kinds import Kinds
    from slalom.wire.trial import Settings


@dataclass(frozen=True)
class NamedTask:
    """The task of a study.

    settings: {"name": ..., **options}; a user's own is named "file.py:name" within the study's folder
    options: the kinds of a bundled task's options
    file, digest: the user's task file, relative to the study's folder, and the SHA-256 of its bytes
    """

    settings: Settings
    options: Kinds
    file: Path | None = None
    digest: str | None = None


def read_task(node: Node, tasks: Table, folder: Path) -> NamedTask:
    """Read the task; StudyError where a user's own file, relative to `folder`, is outside of it or cannot be read."""
    named = node.fields().get("name", node) if isinstance(node.value, Mapping) else node
    own = USER_TASK.fullmatch(named.value) if isinstance(named.value, str) else None
    if own is not None:
        return _own_task(node, named, folder, own)
    if isinstance(named.value, str) and (".py" in named.value or ":" in named.value):
        raise named.error(f'a task of your own is named "file.py:Class", got {named.shown}')
    settings = table(node, tasks)
    return NamedTask(settings, tasks.methods[settings["name"]])


def _own_task(node: Node, named: Node, folder: Path, own: re.Match[str]) -> NamedTask:
    try:
        file = within(folder, own[1])
        digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    except InputError as exc:
        raise named.error(str(exc)) from exc
    except OSError as exc:
        raise named.error(
            f"the task's file must be readable, got {quoted_path(folder / own[1])}: {exc.strerror}"
        ) from exc
    fields = node.fields() if isinstance(node.value, Mapping) else {"name": node}
    options = {name: _free(option) for name, option in fields.items()}
    return NamedTask({**options, "name": f"{file.as_posix()}:{own[2]}"}, {}, file, digest)


def _free(node: Node) -> Any:
    """The value of an option that only the user's class can judge; StudyError where it is searched or not finite."""
    if looks_searched(node):
        raise node.error(f"{node.name} cannot be searched, got {node.shown}: a study has one task")
    for leaf in _leaves(node):
        if isinstance(leaf.value, float) and not isfinite(leaf.value):
            raise leaf.error(f"{leaf.name} must be finite, got {leaf.shown}")
    return node.plain()


def _leaves(node: Node) -> list[Node]:
    if isinstance(node.value, Mapping):
        return [leaf for child in node.value.values() for leaf in _leaves(child)]
    return [leaf for child in node.value for leaf in _leaves(child)] if isinstance(node.value, tuple) else [node]
