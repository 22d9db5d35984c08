"""The arms of a study: each arm's own settings merged over the shared ones, complete and normalised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slalom.errors import listing, quoted
from slalom.study.arm_keys import all_arm_keys, arm_keys
from slalom.study.distributions import distribution, setting
from slalom.study.document import Node
from slalom.study.key import Key, Table
from slalom.study.keys import DEFAULT_MODEL, NAME, NAME_RULE, optimizers
from slalom.study.model import Arm
from slalom.study.sense import check_arm
from slalom.study.space import space
from slalom.study.values import check_known, fixed, is_word, looks_searched, table
from slalom.wire.kinds import PerLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from slalom.errors import StudyError
    from slalom.wire.kinds import Catalogue


@dataclass(frozen=True)
class Shared:
    """Settings that hold for every arm that does not set them itself.

    training: fixed values and distributions, as an arm would write them; search: distributions
    model: the study's net, of which an arm may change a part
    """

    training: Mapping[str, Node]
    search: Mapping[str, Node]
    model: Node | None

    @property
    def all(self) -> Mapping[str, Node]:
        """The settings of `training` and of `search`, by name."""
        return {**self.training, **self.search}

    def origin(self, name: str) -> str:
        """The key of the study, "search" or "training", under which the setting stands."""
        return "search" if name in self.search else "training"


def read_arms(node: Node, shared: Shared, catalogue: Catalogue) -> tuple[Arm, ...]:
    """Read the arms; StudyError unless two or more, all different, use every shared setting."""
    _check_search(shared, catalogue)
    return distinct_arms(node, shared, lambda head: _read_arm(head, shared, catalogue))


def distinct_arms(node: Node, shared: Shared, read: Callable[[Node], Arm]) -> tuple[Arm, ...]:
    """Read each arm by `read`; StudyError unless two or more, all different, use every shared setting."""
    heads = node.fields()
    if len(heads) < 2:
        raise node.head_error(f"a study compares at least two arms, got {len(heads)}")
    arms: list[Arm] = []
    for head in heads.values():
        arm = read(head)
        twin = next((other.name for other in arms if other.settings == arm.settings), None)
        if twin is not None:
            raise head.head_error(f"arms must differ, got {quoted(arm.name)} with the settings of {quoted(twin)}")
        arms.append(arm)
    _check_use(heads.values(), shared)
    return tuple(arms)


def _check_search(shared: Shared, catalogue: Catalogue) -> None:
    known = all_arm_keys(catalogue)
    check_known(shared.search, known, "search")
    for name, node in shared.search.items():
        if name == "optimizer" or any(isinstance(k.kind, Table) and k.kind.number is None for k in known[name]):
            raise _one_per_arm(node, name)
        if not isinstance(node.plain(), dict) and not _is_per_layer(node, known[name]):
            raise node.error(f"{name} must be a distribution, got {node.shown}; a fixed value belongs under training")
        if name in shared.training:
            place = shared.training[name].head
            raise node.head_error(f"{name} must be set once for all arms, got it under search and at {place}")


def _is_per_layer(node: Node, keys: Collection[Key]) -> bool:
    return isinstance(node.value, tuple) and any(isinstance(key.kind, PerLayer) for key in keys)


def _check_use(heads: Collection[Node], shared: Shared) -> None:
    """Refuse a shared setting that every arm sets itself: it is unchecked, and its author believes that it counts."""
    for name, node in shared.all.items():
        if all(name in head.fields() for head in heads):
            raise node.head_error(
                f"{name} under {shared.origin(name)} has no effect, every arm sets its own; leave one of them out"
            )
    if shared.model is not None and not any(_uses_model(head.fields().get("model"), shared.model) for head in heads):
        raise shared.model.head_error(
            "model of the study has no effect, every arm names another; leave it out, or have an arm use it"
        )


def _read_arm(node: Node, shared: Shared, catalogue: Catalogue) -> Arm:
    check_name(node)
    own = node.fields(f"arm {node.name}")
    check_known(own, all_arm_keys(catalogue), f"arm {node.name}")
    optimizer = _optimizer(node, {**shared.training, **own}, catalogue)
    keys = arm_keys(catalogue, optimizer)
    for name in own:
        if name not in keys:
            raise own[name].head_error(f"optimizer {optimizer} has no {name} to set{_owners(name, catalogue)}")
    for name in shared.all:
        if name not in keys:
            raise _unused(node, name, optimizer, shared, catalogue)
    settings = {name: _resolve(node, name, key, own, shared) for name, key in keys.items()}
    arm = Arm(node.name, settings, space(settings))
    check_arm(arm, node, catalogue)
    return arm


def check_name(node: Node) -> None:
    """Raise StudyError where an arm's name breaks NAME_RULE."""
    if NAME.fullmatch(node.name) is None:
        raise node.head_error(f"an arm's name must be {NAME_RULE}, got {quoted(node.name)}")


def _optimizer(node: Node, chosen: Mapping[str, Node], catalogue: Catalogue) -> str:
    kind = optimizers(catalogue)
    if "optimizer" not in chosen:
        raise node.head_error(f"arm {node.name} needs an optimizer, its own or under training: {kind}")
    named = chosen["optimizer"]
    if looks_searched(named):
        raise _one_per_arm(named, "optimizer")
    return str(fixed(named, kind, "optimizer"))


def _resolve(node: Node, name: str, key: Key, own: Mapping[str, Node], shared: Shared) -> Any:
    """One setting: the arm's own, else the shared one, else the default."""
    if name == "model":
        return _model(own.get(name), shared.model, key)
    written = own.get(name, shared.training.get(name))
    if written is not None:
        return _chosen(written, key)
    if name in shared.search:
        return _searched(shared.search[name], key)
    if key.required:
        raise node.head_error(
            f"arm {node.name} needs a {name}, its own, under training or under search: {key.kind}, or a distribution"
        )
    return key.default


def _model(own: Node | None, shared: Node | None, key: Key) -> Any:
    """The arm's net: the study's net with the options that the arm changes, or another net."""
    written = own or shared
    if written is None:
        return key.default
    return _chosen(written if own is None else _merged(own, shared), key)


def _merged(own: Node, shared: Node | None) -> Node:
    """The arm's `model` merged over the study's; the arm's alone where it names another model."""
    shared = shared or Node("name", DEFAULT_MODEL, own.place, own.head)
    return replace(own, value={**_options(shared), **own.fields()}) if _uses_model(own, shared) else own


def _uses_model(own: Node | None, shared: Node) -> bool:
    """Whether an arm with this `model` has what it leaves out from the study's."""
    if own is None:
        return True
    if not isinstance(own.value, Mapping) or looks_searched(own):
        return False
    named, before = own.value.get("name"), _options(shared).get("name")
    return named is None or before is None or named.value == before.value


def _options(model: Node) -> Mapping[str, Node]:
    return model.value if isinstance(model.value, Mapping) else {"name": model}


def _chosen(node: Node, key: Key) -> Any:
    if is_word(node, key):
        return None
    return table(node, key.kind, setting) if isinstance(key.kind, Table) else setting(node, key.kind, node.name)


def _searched(node: Node, key: Key) -> Any:
    if not isinstance(key.kind, Table):
        return setting(node, key.kind, node.name)
    if key.kind.number is None:
        raise _one_per_arm(node, node.name)
    if key.kind.key in node.fields():
        return _with_search(node, key)
    name, option = key.kind.number
    return {key.kind.key: name, option: distribution(node, key.kind.methods[name][option], node.name)}


def _with_search(node: Node, key: Key) -> Any:
    """A method written as a mapping; StudyError where none of its options is searched."""
    chosen = _chosen(node, key)
    if not space({node.name: chosen}):
        raise node.error(f"{node.name} must hold a distribution, got {node.shown}; fixed values belong under training")
    return chosen


def _one_per_arm(node: Node, name: str) -> StudyError:
    return node.error(
        f"{name} cannot be searched, got {node.shown}: each arm has one; make every choice an arm of its own"
    )


def _owners(name: str, catalogue: Catalogue) -> str:
    """The end of a message: which optimizers have the setting."""
    owners = [optimizer for optimizer in catalogue.optimizers if name in arm_keys(catalogue, optimizer)]
    return f"; {listing(owners)} {'has' if len(owners) == 1 else 'have'} it"


def _unused(node: Node, name: str, optimizer: str, shared: Shared, catalogue: Catalogue) -> StudyError:
    return node.head_error(
        f"arm {node.name} leaves {name} of {shared.origin(name)} unused: optimizer {optimizer} has no {name} to set"
        f"{_owners(name, catalogue)}; write {name} in the arms that use it"
    )
