"""Checks a document's values against their kinds: gives the normalised value, or raises StudyError with the place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from slalom.errors import StudyError, nearest, quoted
from slalom.study.document import Node
from slalom.study.hints import HINTS
from slalom.study.key import Key, Keys, Table, may_lack
from slalom.wire.kinds import SEQUENCE, SHARE, Choice, Integers, Kind, Kinds, Number

DISTRIBUTIONS = ("uniform", "log", "int", "choice")

Reader = Callable[[Node, Kind, str], Any]


def fixed(node: Node, kind: Kind, what: str, why: str = "") -> Any:
    """Read a value that is not searched; `what` is its name in messages, `why` the rule's reason. Raises StudyError."""
    value = node.plain()
    if isinstance(kind, Integers) and value in kind.item:
        return (value,)
    if value in kind:
        # adding zero turns -0.0 into 0.0, which would have another fingerprint
        return float(value) + 0.0 if isinstance(kind, Number) else value
    if looks_searched(node):
        raise node.error(f"{what} cannot be searched, it must be {kind}, got {node.shown}")
    if isinstance(kind, Choice) and isinstance(value, str) and len(kind.options) > 1:
        raise node.error(f"{what} {quoted(value)} is unknown{nearest(value, map(str, kind.options))}")
    raise node.error(f"{what} must be {kind}, got {node.shown}{': ' if why else ''}{why}")


def looks_searched(node: Node) -> bool:
    """Whether `node` holds a distribution, well formed or not."""
    return isinstance(node.value, Mapping) and any(word in DISTRIBUTIONS for word in node.value)


def table(node: Node, methods: Table, read: Reader = fixed) -> dict[str, Any]:
    """Read a method with its options, complete: {key: name, **options}; `read` reads each option."""
    if methods.sequence and isinstance(node.value, tuple):
        return _sequence(node, methods, read)
    if methods.number is not None and _is_bare(node):
        name, option = methods.number
        return {methods.key: name, option: read(node, methods.methods[name][option], node.name)}
    read = read if methods.searchable else fixed
    fields = node.fields() if isinstance(node.value, Mapping) else {methods.key: node}
    name = _named(node, fields, methods)
    check_known(fields, (methods.key, *methods.methods[name]), f"{node.name} {name}")
    return {methods.key: name, **_options(node, fields, name, methods, read)}


def _sequence(node: Node, methods: Table, read: Reader) -> dict[str, Any]:
    """Methods one after the other: {key: "sequence", "1.key": name, "1.option": value, ...}, with shares if any."""
    items = node.items()
    if len(items) < 2:
        raise node.error(f"{node.name} must list at least two, one after the other, got {node.shown}")
    found: dict[str, Any] = {methods.key: SEQUENCE}
    for number, item in enumerate(items, 1):
        last = number == len(items) or not methods.shares
        own = methods if last else replace(methods, methods=_with_share(methods.methods))
        part = table(item, replace(own, sequence=False), read)
        found |= {f"{number}.{name}": value for name, value in part.items()}
    return found


def _with_share(methods: Mapping[str, Kinds]) -> Mapping[str, Kinds]:
    """The methods with the share of the training in which each runs, before the next begins."""
    found: dict[str, Kinds] = {}
    for name, kinds in methods.items():
        own = kinds.get("share")
        found[name] = {**kinds, "share": replace(SHARE, default=own.default if isinstance(own, Number) else None)}
    return found


def _named(node: Node, fields: Mapping[str, Node], methods: Table) -> str:
    if methods.key in fields:
        return _method(fields[methods.key], methods, node.name)
    if methods.implied is None:
        raise _without_method(node, methods)
    return _method(node, methods, node.name) if looks_searched(node) else methods.implied


def _options(node: Node, fields: Mapping[str, Node], name: str, methods: Table, read: Reader) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for option, kind in methods.methods[name].items():
        if option in fields:
            options[option] = read(fields[option], kind, f"{option} of {name}")
        elif kind.default is not None:
            options[option] = kind.default
        elif not methods.gaps and not may_lack(kind):
            raise node.error(f"{node.name} {name} needs {option!r}, {kind}; got {node.shown}")
    return options


def _is_bare(node: Node) -> bool:
    """Whether the value is, or was meant as, a bare number, fixed or searched."""
    return looks_searched(node) or not isinstance(node.value, Mapping | str)


def _without_method(node: Node, methods: Table) -> StudyError:
    if methods.number is None or not methods.searchable:
        return node.error(f"{node.name} needs {methods.key!r}, one of {methods}; got {node.shown}")
    hint = nearest(next(iter(node.fields()), ""), (methods.key, *DISTRIBUTIONS))
    return node.error(f"{node.name} needs {methods.key!r} or a distribution, got {node.shown}{hint}")


def _method(node: Node, methods: Table, what: str) -> str:
    label = what if node.name == what else f"{methods.key} of {what}"
    if looks_searched(node):
        raise node.error(
            f"{label} cannot be searched, got {node.shown}: each {methods.one_per} has one; "
            f"make every choice {'an arm' if methods.one_per == 'arm' else 'a study'} of its own"
        )
    name = node.text()
    if name not in methods.methods:
        raise node.error(f"{label} {quoted(name)} is unknown{nearest(name, methods.methods)}")
    return name


def section(node: Node, keys: Keys, others: Iterable[str] = ()) -> dict[str, Any]:
    """Read a mapping of values that are not searched, with all defaults; `others` are keys that it may hold beside."""
    fields = node.fields()
    check_known(fields, (*keys, *others), node.name)
    check_required(node, {name: key.meaning for name, key in keys.items() if key.required})
    return {name: field(fields.get(name), key) for name, key in keys.items()}


def field(node: Node | None, key: Key) -> Any:
    """A value that is not searched: the key's default where `node` is None, None where the key's word stands."""
    if node is None:
        return key.default
    if is_word(node, key):
        return None
    if isinstance(key.kind, Table):
        return table(node, key.kind)
    return fixed(node, key.kind, node.name, key.why)


def is_word(node: Node, key: Key) -> bool:
    """Whether `node` is the key's word; StudyError for a text that is neither the word nor one of the key's options."""
    if key.word is None or not isinstance(node.value, str) or (isinstance(key.kind, Choice) and node.value in key.kind):
        return False
    if node.value != key.word:
        hint = nearest(node.value, (*key.kind.options, key.word)) if isinstance(key.kind, Choice) else ""
        raise node.error(f"{node.name} must be {key.kind}, or {key.word!r}, got {node.shown}{hint}")
    return True


def check_known(fields: Mapping[str, Node], valid: Iterable[str], what: str) -> None:
    """Raise StudyError for a key that the mapping, called `what` in messages, cannot hold."""
    names = tuple(valid)
    for name, node in fields.items():
        if name not in names:
            hint = "; a colon needs a space behind it" if ":" in name else ""
            known = f"; {HINTS[name]}" if name in HINTS else nearest(name, names)
            raise node.head_error(f"{what} has the unknown key {quoted(name)}{hint}{known}")


def check_required(node: Node, required: Mapping[str, str]) -> None:
    """Raise StudyError where a mapping lacks a required key; `required` gives each key's meaning."""
    for name, meaning in required.items():
        if name not in node.fields():
            raise node.head_error(f"{node.name} needs {quoted(name)}: {meaning}")
