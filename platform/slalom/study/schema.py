"""A JSON Schema (draft 2020-12) of the study file, from the same tables that the reader checks it against.

The schema is for editors: it has names, types, ranges and defaults. Only the reader checks rules over several keys (the
baseline is an arm, an arm's optimizer has the setting) and the options of a user's own code: where the task is the
user's, the schema lets any name pass.
"""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, Any

from slalom.study.arm_keys import all_arm_keys
from slalom.study.key import Key, Keys, Table
from slalom.study.keys import (
    ABOUT,
    CHECKPOINT,
    COMPARE,
    CONFIRM,
    NAME,
    OPTIONAL,
    REQUIRED,
    RESAMPLE,
    RESOURCES,
    SEED,
    TRAINING,
    TRIAL_RESOURCES,
    TUNE,
    USER_TASK,
    metric_key,
    model_table,
    task_table,
)
from slalom.wire.kinds import Choice, Integer, Integers, Kind, Number, PerLayer, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from slalom.wire.kinds import Catalogue

Schema = dict[str, Any]

DISTRIBUTION = "#/$defs/distribution"


def schema(catalogue: Catalogue) -> Schema:
    """The schema of a study that can name the catalogue's methods."""
    settings = {name: _setting(name, keys) for name, keys in all_arm_keys(catalogue).items()}
    settings["model"]["anyOf"] += [_without_name(part) for part in settings["model"]["anyOf"] if "properties" in part]
    properties: dict[str, Schema] = {
        "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
        "question": {"type": "string", "minLength": 1},
        "about": _section(ABOUT),
        "task": _any([_table(task_table(catalogue), _kind), *_user_task()]),
        "model": {},
        "training": {**_section(TRAINING), "additionalProperties": True},
        "metric": {},
        "search": {"type": "object"},
        "arms": _arms({"type": "object"}),
        "tune": _section(TUNE),
        "confirm": _section(CONFIRM),
        "compare": _section(COMPARE),
        "resample": _section(RESAMPLE),
        "seed": _of(SEED),
        "checkpoint": _section(CHECKPOINT),
        "resources": _section({**RESOURCES, **TRIAL_RESOURCES}),
    }
    bundled: dict[str, Schema] = {
        "model": _table(model_table(catalogue), _searched),
        "training": _section(TRAINING, {name: part for name, part in settings.items() if name != "model"}),
        "metric": _of(metric_key(catalogue)),
        "search": _mapping(_searchable(catalogue)),
        "arms": _arms({"$ref": "#/$defs/arm"}),
    }
    meanings = {**REQUIRED, **OPTIONAL}
    described = {name: {"description": meanings[name], **part} for name, part in properties.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Slalom study",
        "description": "One question about ways of training: a task, a model, arms, budgets.",
        **_mapping(described, REQUIRED),
        "if": {"properties": {"task": {"anyOf": _user_task()}}},
        "else": {"properties": bundled},
        "$defs": {"distribution": _distribution(), "arm": _mapping(settings)},
    }


def _mapping(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _any(parts: list[Schema]) -> Schema:
    return parts[0] if len(parts) == 1 else {"anyOf": parts}


def _section(keys: Keys, others: Mapping[str, Schema] | None = None) -> Schema:
    own = {name: _of(key) for name, key in keys.items()}
    return _mapping({**own, **(others or {})}, [name for name, key in keys.items() if key.required])


def _of(key: Key) -> Schema:
    """The schema of a key whose value is not searched."""
    part = _table(key.kind, _kind) if isinstance(key.kind, Table) else _kind(key.kind)
    if key.word is not None:
        word = {"const": key.word} if key.kind.default is not None else {"const": key.word, "default": key.word}
        part = {"anyOf": [word, part]}
    return {"description": ": ".join(filter(None, (key.meaning, key.why))), **part}


def _setting(name: str, keys: tuple[Key, ...]) -> Schema:
    """The schema of an arm's key, for any optimizer; the optimizer itself is not searched, each arm has one."""
    of = _kind if name == "optimizer" else _searched
    parts = [_table(key.kind, of) if isinstance(key.kind, Table) else of(key.kind) for key in keys]
    parts += [{"const": key.word} for key in keys if key.word is not None]
    return {"description": keys[0].meaning, **_any([part for i, part in enumerate(parts) if part not in parts[:i]])}


def _without_name(method: Schema) -> Schema:
    """The schema of a method without its name: an arm's model without a name changes a part of the study's."""
    properties = {name: part for name, part in method["properties"].items() if name != "name"}
    return _mapping(properties, [name for name in method["required"] if name != "name"])


def _searchable(catalogue: Catalogue) -> dict[str, Schema]:
    """Schemas of settings that can be a distribution, or hold one: a method as a mapping, a list for the layers."""
    kinds = {name: key.kind for name, (key, *_) in all_arm_keys(catalogue).items() if name != "optimizer"}
    return {
        name: _search(kind) for name, kind in kinds.items() if not isinstance(kind, Table) or kind.number is not None
    }


def _search(kind: Kind | Table) -> Schema:
    parts: list[Schema] = [{"$ref": DISTRIBUTION}]
    if isinstance(kind, Table):
        parts += [part for part in _table(kind, _searched)["anyOf"] if "properties" in part]
    elif isinstance(kind, PerLayer):
        parts.append({"type": "array", "items": _searched(kind.item)})
    return _any(parts)


def _table(table: Table, of: Callable[[Kind], Schema]) -> Schema:
    """The schema of a method: its name alone, or a mapping with its options; `of` gives an option's schema."""
    of = of if table.searchable else _kind
    mappings = [_method(table, name, of) for name in table.methods]
    parts: list[Schema] = [{"enum": list(table.methods)}, *mappings]
    if table.default is not None and table.number is None:
        parts[0]["default"] = table.default
    if table.number is not None:
        name, option = table.number
        parts.append(of(table.methods[name][option]))
    if table.sequence:
        each = map(_in_sequence, mappings) if table.shares else mappings
        parts.append({"type": "array", "minItems": 2, "items": {"anyOf": [parts[0], *each]}})
    return {"anyOf": parts}


def _in_sequence(method: Schema) -> Schema:
    """The schema of a method in a list, which may have a share of the training."""
    share = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return {**method, "properties": {"share": {"anyOf": [share, {"$ref": DISTRIBUTION}]}, **method["properties"]}}


def _method(table: Table, name: str, of: Callable[[Kind], Schema]) -> Schema:
    kinds = table.methods[name]
    required = [] if table.gaps else [option for option, kind in kinds.items() if kind.default is None]
    options = {option: of(kind) for option, kind in kinds.items()}
    named = [] if name == table.implied else [table.key]
    return _mapping({table.key: {"const": name}, **options}, [*named, *required])


def _user_task() -> list[Schema]:
    name = {"type": "string", "pattern": f"^{USER_TASK.pattern}$"}
    return [name, {"type": "object", "properties": {"name": name}, "required": ["name"]}]


def _arms(arm: Schema) -> Schema:
    return {
        "type": "object",
        "minProperties": 2,
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "additionalProperties": arm,
    }


def _searched(kind: Kind) -> Schema:
    """The schema of a value or a distribution; in a list with one for each layer, each item can be either."""
    if isinstance(kind, PerLayer):
        each = _searched(kind.item)
        return {"anyOf": [*each["anyOf"], {"type": "array", "items": {"anyOf": each["anyOf"]}}]}
    if isinstance(kind, Integers):
        return {"anyOf": [*_kind(kind)["anyOf"], {"$ref": DISTRIBUTION}]}
    return _any([_kind(kind), {"$ref": DISTRIBUTION}]) if isinstance(kind, Number | Integer | Choice) else _kind(kind)


def _kind(kind: Kind) -> Schema:
    default: Schema = {} if kind.default is None else {"default": kind.default}
    if isinstance(kind, Number):
        return {"type": "number", **_bounds(kind), **default}
    if isinstance(kind, Integer):
        return {"type": "integer", **_bounds(kind), **default}
    if isinstance(kind, Choice):
        return {"enum": list(kind.options), **default}
    if isinstance(kind, Integers):
        items = {"type": "integer", **_bounds(kind.item)}
        stated = {} if kind.default is None else {"default": list(kind.default)}
        return {"anyOf": [{"type": "array", "items": items, "maxItems": kind.most, **stated}, items]}
    if isinstance(kind, Words):
        return {
            "type": "array",
            "items": {"enum": list(kind.options)},
            "uniqueItems": True,
            "default": list(kind.default),
        }
    return {"type": "string", **default}


def _bounds(kind: Number | Integer) -> Schema:
    open_low, open_high = (kind.open_low, kind.open_high) if isinstance(kind, Number) else (False, False)
    bounds: Schema = {}
    if not isinf(kind.low):
        bounds["exclusiveMinimum" if open_low else "minimum"] = kind.low
    if not isinf(kind.high):
        bounds["exclusiveMaximum" if open_high else "maximum"] = kind.high
    return bounds


def _distribution() -> Schema:
    pair = {"type": "array", "prefixItems": [{"type": "number"}] * 2, "items": False, "minItems": 2}
    positive = {**pair, "prefixItems": [{"type": "number", "exclusiveMinimum": 0}] * 2}
    whole = {**pair, "prefixItems": [{"type": "integer"}] * 2}
    return {
        "description": "where a value is searched",
        "type": "object",
        "properties": {
            "uniform": {"description": "[low, high], drawn evenly", **pair},
            "log": {"description": "[low, high], drawn evenly in the logarithm", **positive},
            "int": {"description": "[low, high], whole numbers drawn evenly", **whole},
            "choice": {"description": "values without an order", "type": "array", "minItems": 2, "uniqueItems": True},
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
