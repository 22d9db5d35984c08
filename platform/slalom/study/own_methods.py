"""The methods of the user's own that a study names, "file.py:Name", wherever a method can stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slalom.errors import InputError, quoted
from slalom.study.arm_keys import settings_of_arms
from slalom.study.keys import OWN_KEYS, TRAINING, USER_TASK
from slalom.study.own_code import within
from slalom.wire.kinds import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.study.document import Node
    from slalom.wire.trial import Settings

OpenMethod = Callable[[str, str], Catalogue]
"""Opens a method, given its key and its name in the study; gives the catalogue with all methods opened so far.

Raises InputError where the method cannot be used.
"""


class OwnMethods(NamedTuple):
    """The user's methods of a study: their files, relative to its folder, and the catalogue that knows them."""

    files: tuple[Path, ...]
    catalogue: Catalogue


def open_methods(fields: Mapping[str, Node], folder: Path, known: Catalogue, opening: OpenMethod) -> OwnMethods:
    """Open every method of the user's own that a study names; StudyError, with its place, where one cannot be used."""
    files: set[Path] = set()
    for key, node in _named(fields):
        name = str(node.value)
        try:
            files.add(_file(name, folder))
            known = opening(key, name)
            _check_names(key, name, known)
        except InputError as exc:
            raise node.error(str(exc)) from exc
    return OwnMethods(tuple(sorted(files)), known)


def _check_names(key: str, name: str, known: Catalogue) -> None:
    """Raise InputError where an optimizer's hyperparameter has the name of a setting that every arm has."""
    if key == "optimizer":
        taken = [option for option in known.optimizers[name] if option in (*settings_of_arms(known), *TRAINING)]
        if taken:
            raise InputError(
                f"hyperparameter {quoted(taken[0])} of {name} is the name of another setting; call it otherwise"
            )


def names_own(settings: Settings) -> bool:
    """Whether an arm's settings name a method of the user's own."""
    return any(_own_names(settings.get(key)) for key in OWN_KEYS)


def own_options(options: tuple[Any, ...]) -> list[Any]:
    """Those of a choice's options that are methods of the user's own."""
    return [option for option in options if is_own(option)]


def is_own(value: object) -> bool:
    """Whether a text names a method of the user's own."""
    return isinstance(value, str) and USER_TASK.fullmatch(value) is not None


def _own_names(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_own_names, value.values()))
    options = getattr(value, "options", value)
    return any(map(_own_names, options)) if isinstance(options, list | tuple) else is_own(options)


def _file(name: str, folder: Path) -> Path:
    file = name.rpartition(":")[0]
    found = within(folder, file)
    if Path(file).is_absolute() or file.startswith("~"):
        raise InputError(
            f"a method of your own is named from the study's folder on, as {found}:..., but got {quoted(name)}"
        )
    return found


def _named(fields: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    """Every name of a method of the user's own, with the key under which it stands."""
    sections = [fields[name] for name in ("training", "search") if name in fields]
    if "arms" in fields and isinstance(fields["arms"].value, Mapping):
        sections += fields["arms"].value.values()
    if "metric" in fields:
        yield from (("metric", leaf) for leaf in _leaves(fields["metric"]) if is_own(leaf.value))
    for section in sections:
        if isinstance(section.value, Mapping):
            for key in OWN_KEYS:
                if key in section.value:
                    yield from ((key, leaf) for leaf in _leaves(section.value[key]) if is_own(leaf.value))


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node.value, Mapping):
        for child in node.value.values():
            yield from _leaves(child)
    elif isinstance(node.value, tuple):
        for child in node.value:
            yield from _leaves(child)
    else:
        yield node
