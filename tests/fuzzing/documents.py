"""Study files by chance: from the JSON Schema, and by mutation of ones that are right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "study.schema.json").read_text(encoding="utf-8"))

WORDS = ("a", "rising", "sgd", "adam", "none", "digits", "mlp", "learning_rate", "momentum", "error", "constant")

NASTY = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 0.5, 1e-320, 1e308, float("inf"), float("-inf"), float("nan"),
    "", " ", "none", "auto", "1e-3", "ü" * 70, "\u202e", "\U0001f600", "\x00", "\ud800", "a/b", "../up", "x" * 20_000,
    "file.py:Name", "nowhere.py:Task", "~", "*", "%s{}", [], {}, [[]], {"": 1}, {"name": None}, [1] * 2000,
    {"log": [1, 0]}, {"uniform": [0.0, float("inf")]}, {"choice": []}, {"choice": [{}]}, {"int": [0.5, 3]},
    {"schedule": "?"},
)  # fmt: skip
"""Values of wrong structure, type, range, size and script."""

DOWNLOADED = r"\b(?:cifar10|fashion_mnist|mnist)\b"
"""Tasks whose data are another machine's: whether a study of them is taken is that machine's to say."""

BASE = {
    "name": "fuzz",
    "question": "Does it hold?",
    "task": {"name": "mixture"},
    "model": {"name": "mlp", "hidden": [3], "activation": "tanh"},
    "training": {"epochs": 3, "batch_size": 32, "optimizer": "sgd"},
    "search": {"learning_rate": {"log": [1e-3, 1.0]}},
    "arms": {"constant": {"momentum": 0.9, "optimizer": "momentum"}, "plain": {}},
    "tune": {"trials": 4, "searches": 2},
    "confirm": {"seeds": 2},
    "compare": {"baseline": "constant"},
}

TEXTS: tuple[Callable[[str, Random], str], ...] = (
    lambda text, chance: text[: chance.randrange(len(text))],
    lambda text, chance: text.replace(chance.choice(":,{[-\n"), chance.choice(":,}]&*!|>\t%@`"), 1),
    lambda text, chance: text + text[: chance.randrange(len(text))],
    lambda text, _: text.replace("epochs: 3", "epochs: 3\n  epochs: 4"),
    lambda text, _: text.replace("constant:", "constant: &it", 1).replace("plain: {}", "plain: *it"),
    lambda text, _: text.replace("plain: {}", "plain: {<<: *nobody}"),
    lambda text, chance: text.replace("fuzz", chance.choice(("!!python/object:os.system x", "!mine y", "? z", "&a"))),
    lambda text, chance: chance.choice(("", "[]", "\ufeff", "---\n---\n", "%YAML 9.9\n---\n")) + text,
)  # fmt: skip
"""Mutations of a file's text: cut short, other signs, keys twice, anchors, tags, several documents."""


def file(chance: Random) -> str:
    """A study file's text, which names no task whose data would have to be downloaded."""
    return re.sub(DOWNLOADED, "digits", _drawn(chance))


def _drawn(chance: Random) -> str:
    if chance.random() < 0.2:
        return chance.choice(TEXTS)(spelled(BASE), chance)
    document = deepcopy(BASE)
    for _ in range(chance.randint(1, 3)):
        mutate(document, chance)
    return spelled(document)


def spelled(document: Any, deep: int = 0) -> str:
    """A document as YAML: blocks on the outside, JSON within; what JSON cannot spell as YAML has it."""
    if isinstance(document, Mapping) and deep < 2 and document:
        lines = []
        for key, value in document.items():
            inner = spelled(value, deep + 1)
            block = isinstance(value, Mapping) and value and deep < 1
            lines.append(f"{'  ' * deep}{_key(key)}:{chr(10) if block else ' '}{inner}")
        return "\n".join(lines)
    return re.sub(r"\b(-?)Infinity\b", r"\1.inf", json.dumps(document).replace("NaN", ".nan"))


def _key(key: str) -> str:
    return key if re.fullmatch("[a-z_0-9]+", key) else json.dumps(key)


def mutate(document: dict[str, Any], chance: Random) -> None:
    """Change a place of a document: another value, one of the schema's, a key gone, renamed, or one more."""
    places = [*_places(document, ())]
    path = chance.choice(places)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    way = chance.randrange(6)
    if way == 0:
        holder[path[-1]] = deepcopy(chance.choice(NASTY))
    elif way == 1 and isinstance(holder, dict):
        del holder[path[-1]]
    elif way == 2 and isinstance(holder, dict):
        holder[chance.choice((*WORDS, "é", str(path[-1]) + "s"))] = holder.pop(path[-1])
    elif way == 3:
        section = chance.choice([*SCHEMA["properties"]])
        document[section] = generated(SCHEMA["properties"][section], chance)
    elif way == 4:
        document.setdefault("training", {})
        part = chance.choice(("training", "search"))
        _extend(document, (part,), chance)
    else:
        _extend(document, ("arms", "plain"), chance)


def _extend(document: dict[str, Any], path: tuple[str, ...], chance: Random) -> None:
    """One more setting, of the schema's, in a part of the document."""
    holder, schema = document, SCHEMA
    for step in path:
        if not isinstance(holder.get(step), dict):
            holder[step] = {}
        holder = holder[step]
        schema = _resolved(schema)
        schema = schema.get("properties", {}).get(step) or schema.get("additionalProperties", {})
    known = _resolved(schema).get("properties", {})
    if known:
        name = chance.choice([*known])
        holder[name] = generated(known[name], chance)


def _places(value: Any, path: tuple[Any, ...]) -> Any:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from _places(item, (*path, key))


def _resolved(schema: Any) -> dict[str, Any]:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema if isinstance(schema, dict) else {}


def generated(schema: Any, chance: Random, deep: int = 0) -> Any:
    """A value that fits a schema, small where there is a choice."""
    schema = _resolved(schema)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return chance.choice(schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return generated(chance.choice(schema[union]), chance, deep + 1)
    kind = schema.get("type")
    made: dict[Any, Callable[[], Any]] = {
        "object": partial(_object, schema, chance, deep),
        "array": partial(_array, schema, chance, deep),
        "integer": lambda: int(_number(schema, chance, whole=True)),
        "number": lambda: _number(schema, chance, whole=False),
        "boolean": lambda: chance.random() < 0.5,
        "string": lambda: chance.choice(WORDS),
    }
    return made.get(kind[0] if isinstance(kind, list) else kind, lambda: chance.choice(WORDS))()


def _object(schema: Mapping[str, Any], chance: Random, deep: int) -> dict[str, Any]:
    known = schema.get("properties", {})
    names = {*schema.get("required", ()), *(name for name in known if chance.random() < 0.6 / (1 + deep))}
    found = {name: generated(known.get(name, {}), chance, deep + 1) for name in sorted(names)}
    others = schema.get("additionalProperties")
    if isinstance(others, dict) and deep < 3:
        found |= {name: generated(others, chance, deep + 1) for name in chance.sample(WORDS, 2)}
    return found


def _array(schema: Mapping[str, Any], chance: Random, deep: int) -> list[Any]:
    if "prefixItems" in schema:
        return [generated(one, chance, deep + 1) for one in schema["prefixItems"]]
    least = schema.get("minItems", 0)
    size = chance.randint(least, min(schema.get("maxItems", least + 2), least + 2))
    return [generated(schema.get("items", {}), chance, deep + 1) for _ in range(size)]


def _number(schema: Mapping[str, Any], chance: Random, *, whole: bool) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 4))
    if whole:
        first = low + ("exclusiveMinimum" in schema)
        return float(chance.randint(int(first), int(min(high, first + 4))))
    return chance.choice((low, high)) if chance.random() < 0.1 else chance.uniform(low, high)
