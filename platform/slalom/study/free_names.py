"""Free names: options of a user's own net or task that a study sets by name alone, moved under `model` and `task`.

Where the task's model() takes `width`, `search: {width: ...}` means the same as `model: {width: ...}`, in the study or
in an arm. Where the task's class takes `noise`, `noise` in an arm means the same as `task: {noise: ...}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slalom.study.arm_keys import all_arm_keys
from slalom.study.document import Node
from slalom.study.keys import OWN, TRAINING
from slalom.study.values import check_known
from slalom.wire.kinds import Catalogue, Free

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slalom.wire.kinds import Kinds
    from slalom.wire.signature import OwnCode, Signature
    from slalom.wire.trial import Settings

    Fields = Mapping[str, Node]
    Parts = dict[str, dict[str, Node]]


def _no_parts() -> Parts:
    return {"model": {}, "task": {}}


@dataclass
class Lifting:
    """Tells free names from settings that every study has.

    own: what each part of the user's code, "model" and "task", takes
    known: the settings that every study has, which go before a user's option of the same name
    found: by part, the options that all arms share
    """

    own: Mapping[str, Signature]
    known: frozenset[str]
    found: Parts = field(default_factory=_no_parts)

    def part_of(self, node: Node) -> str | None:
        """The part that takes the node's name as an option; None for a known setting; StudyError where both take it."""
        if node.name in self.known:
            return None
        parts = [part for part, signature in self.own.items() if node.name in signature.kinds]
        if len(parts) > 1:
            raise node.head_error(
                f"{node.name} is taken by the task and by its model(): write it under model: or task:"
            )
        return parts[0] if parts else None

    def divided(self, fields: Fields) -> tuple[dict[str, Node], Parts]:
        """The fields without the free names, and the free names by part."""
        left, found = {}, _no_parts()
        for name, node in fields.items():
            part = self.part_of(node)
            if part is None:
                left[name] = node
            else:
                found[part][name] = node
        return left, found

    def check(self, fields: Fields, what: str, others: Iterable[str] = ()) -> None:
        """Raise StudyError for a name that neither the study nor the user's code takes."""
        names = [name for part in self.own.values() for name in part.kinds]
        check_known(fields, sorted({*self.known, *names, *others}), what)


def lift(fields: Fields, own: OwnCode, task: Settings, catalogue: Catalogue) -> tuple[Fields, Catalogue]:
    """The study's fields with free names moved under `model` and `task`, and a catalogue that knows these options.

    task: the options that the study sets of its task, which hold for every arm that does not set others
    """
    signatures = {"model": own.model, "task": own.task}
    lifting = Lifting(
        {part: one for part, one in signatures.items() if one is not None}, frozenset(all_arm_keys(catalogue))
    )
    fields = {name: _section(name, node, lifting) for name, node in fields.items()}
    arms = {name: _arm(node, lifting) for name, node in _mapping(fields["arms"]).items()}
    catalogue = _with_model(fields, arms, lifting, catalogue)
    uses_task = lifting.found["task"] or any("task" in _mapping(arm) for arm in arms.values())
    if uses_task and own.task is not None:
        arms = {name: _with_task(arm, lifting.found["task"]) for name, arm in arms.items()}
        kinds = _kinds(own.task, [_mapping(arm)["task"] for arm in arms.values()])
        catalogue = replace(catalogue, own_task={name: _given(kind, task.get(name)) for name, kind in kinds.items()})
    if isinstance(fields["arms"].value, Mapping):
        fields["arms"] = replace(fields["arms"], value=arms)
    return fields, catalogue


def check_options(task: Node, own: OwnCode) -> None:
    """Raise StudyError for an option of a user's task that its class does not take."""
    if own.task is not None and not own.task.open and isinstance(task.value, Mapping):
        check_known(task.value, ("name", *own.task.kinds), "task")


def _section(name: str, node: Node, lifting: Lifting) -> Node:
    if name not in ("training", "search") or not isinstance(node.value, Mapping):
        return node
    lifting.check(node.value, name, TRAINING if name == "training" else ())
    left, found = lifting.divided(node.value)
    for part, options in found.items():
        for option, value in options.items():
            if name == "search" and not isinstance(value.value, Mapping):
                raise value.error(
                    f"{option} must be a distribution, got {value.shown}; a fixed value belongs under training"
                )
            if option in lifting.found[part]:
                place = lifting.found[part][option].head
                raise value.head_error(f"{option} must be set once for all arms, got it under {name} and at {place}")
            lifting.found[part][option] = value
    return replace(node, value=left)


def _arm(node: Node, lifting: Lifting) -> Node:
    if not isinstance(node.value, Mapping):
        return node
    lifting.check(node.value, f"arm {node.name}", ["task"])
    left, found = lifting.divided(node.value)
    for part, options in found.items():
        if options:
            before = left[part].fields() if part in left else {}
            for option in before:
                if option in options:
                    raise options[option].head_error(f"{option} must be set once, got it in {part} too")
            first = next(iter(options.values()))
            left[part] = Node(part, {**before, **options}, first.place, first.head)
    return replace(node, value=left)


def _with_model(fields: dict[str, Node], arms: Fields, lifting: Lifting, catalogue: Catalogue) -> Catalogue:
    """A catalogue whose one model is the task's own; sets the study's `model` to it, with what all arms share."""
    signature = lifting.own.get("model")
    if signature is None:
        return catalogue
    written = [holder["model"] for holder in (fields, *map(_mapping, arms.values())) if "model" in holder]
    for node in written:
        if not isinstance(node.value, Mapping) or "name" in node.value:
            raise node.head_error(
                f"model can hold options of the task's own model() alone, since the task brings it, got {node.shown}"
            )
    base = fields.get("model", fields["task"])
    name = Node("name", OWN, base.place, base.head)
    options = {**(_mapping(base) if "model" in fields else {}), **lifting.found["model"]}
    fields["model"] = Node("model", {"name": name, **options}, base.place, base.head)
    return replace(catalogue, models={OWN: _kinds(signature, written)}, nets={})


def _with_task(arm: Node, shared: Fields) -> Node:
    fields = _mapping(arm)
    own = fields.get("task", Node("task", {}, arm.place, arm.head))
    return replace(arm, value={**fields, "task": replace(own, value={**shared, **own.fields()})})


def _kinds(signature: Signature, written: Iterable[Node]) -> Kinds:
    """The options that can be set, with their kinds; code that takes any name has every name that is written."""
    if not signature.open:
        return signature.kinds
    any_name = {name: Free() for node in written for name in _mapping(node)}
    return {**any_name, **signature.kinds}


def _given(kind: Any, value: Any) -> Free:
    """The kind with the study's value as default; an option without one is not required, since the code fills it in."""
    return Free(value) if value is not None else replace(kind, required=False)


def _mapping(node: Node) -> Mapping[str, Node]:
    return node.value if isinstance(node.value, Mapping) else {}
