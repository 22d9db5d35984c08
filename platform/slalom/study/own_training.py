"""A study whose trials a function of the user's trains: its settings are the function's parameters.

Any metric that the function reports can decide. Keys of packs and nets are refused; all others are read as in other
studies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.errors import quoted
from slalom.study.arms import Shared, check_name, distinct_arms
from slalom.study.distributions import setting
from slalom.study.keys import NAME, NAME_RULE, RESOURCES, TRAINING, TRIAL_RESOURCES
from slalom.study.model import Arm, Metric, Resources
from slalom.study.sections import Training, check_whole, training_of
from slalom.study.space import space
from slalom.study.values import check_known, check_required, fixed, section
from slalom.wire.kinds import Choice, Free

if TYPE_CHECKING:
    from slalom.study.document import Node
    from slalom.study.model import Goal
    from slalom.wire.kinds import Catalogue
    from slalom.wire.signature import Signature

OF_EVERY_TRAINING = ("epochs", "report_every")
OF_PACKS = ("device", "gpus_per_lane", "pack_width")
"""The keys of `resources` that a training function of the user's does not have."""

GOAL = Choice(None, ("minimize", "maximize"))


@dataclass(frozen=True)
class Read:
    """The sections of a study that are read in another way where a function of the user's trains."""

    training: Training
    metric: Metric
    arms: tuple[Arm, ...]
    resources: Resources


def read_own_training(fields: Mapping[str, Node], signature: Signature, catalogue: Catalogue) -> Read:
    """The study's sections, for a training function of this signature."""
    task = fields["task"]
    if "model" in fields:
        raise fields["model"].head_error(
            f"model must be left out where a function of your own trains, got {fields['model'].shown}"
        )
    training = _training(fields["training"], signature)
    searched = fields["search"].fields() if "search" in fields else {}
    options = _without_name(task)
    _check_names(options, signature, "task")
    _check_once(options, training.shared, "training")
    shared = Shared({**options, **training.shared}, searched, None)
    return Read(
        training,
        _metric(fields.get("metric"), task, catalogue),
        _arms(fields["arms"], shared, signature),
        _resources(fields.get("resources")),
    )


def _training(node: Node, signature: Signature) -> Training:
    keys = {name: TRAINING[name] for name in OF_EVERY_TRAINING}
    others = node.fields() if signature.open else signature.kinds
    return training_of(node, section(node, keys, others), keys)


def _arms(node: Node, shared: Shared, signature: Signature) -> tuple[Arm, ...]:
    _check_names(shared.search, signature, "search")
    for name, searched in shared.search.items():
        if not isinstance(searched.value, Mapping):
            raise searched.error(
                f"{name} must be a distribution, got {searched.shown}; a fixed value belongs under training"
            )
    _check_once(shared.training, shared.search, "search")
    return distinct_arms(node, shared, lambda head: _arm(head, shared, signature))


def _arm(node: Node, shared: Shared, signature: Signature) -> Arm:
    check_name(node)
    own = node.fields(f"arm {node.name}")
    if "task" in own and "task" not in signature.kinds:
        options = own["task"].fields()
        own = {name: value for name, value in own.items() if name != "task"}
        _check_once(options, own, f"arm {node.name}")
        own = {**options, **own}
    _check_names(own, signature, f"arm {node.name}")
    settings: dict[str, Any] = {}
    written = {**shared.all, **own}
    for name, kind in signature.kinds.items():
        if name in written:
            settings[name] = setting(written[name], kind, name)
        elif kind.required:
            raise node.head_error(
                f"arm {node.name} needs a {name}, its own, under training or under search: the training function "
                "takes it and has no default"
            )
        elif kind.default is not None:
            settings[name] = kind.default
    settings |= {name: setting(value, Free(), name) for name, value in written.items() if name not in settings}
    return Arm(node.name, settings, space(settings))


def _without_name(task: Node) -> Mapping[str, Node]:
    fields = task.value if isinstance(task.value, Mapping) else {}
    return {name: value for name, value in fields.items() if name != "name"}


def _check_once(before: Mapping[str, Node], after: Mapping[str, Node], where: str) -> None:
    """Raise StudyError where both mappings set a name; `where` is what messages call the second mapping."""
    for name, node in after.items():
        if name in before:
            raise node.head_error(f"{name} must be set once, got it in {where} and at {before[name].head}")


def _check_names(fields: Mapping[str, Node], signature: Signature, what: str) -> None:
    if not signature.open:
        check_known(fields, signature.kinds, what)


def _metric(node: Node | None, task: Node, catalogue: Catalogue) -> Metric:
    """The metric, of any name; only a name of one of Slalom's own metrics needs no `goal`."""
    if node is None:
        raise task.error("a study with a training function needs `metric`: {name: ..., goal: minimize or maximize}")
    fields = node.fields() if isinstance(node.value, Mapping) else {"name": node}
    check_known(fields, ("name", "goal"), node.name)
    if isinstance(node.value, Mapping):
        check_required(node, {"name": "the metric that the training function reports, by which arms are judged"})
    name = fields["name"].text()
    if NAME.fullmatch(name) is None:
        raise fields["name"].error(f"a metric's name must be {NAME_RULE}, got {quoted(name)}")
    if "goal" in fields:
        goal: Goal = fixed(fields["goal"], GOAL, "goal of metric")
        return Metric(name, goal)
    if name not in catalogue.metrics:
        raise node.error(f"metric {name} needs 'goal': minimize or maximize")
    return Metric(name, catalogue.metrics[name].goal)


def _resources(node: Node | None) -> Resources:
    keys = {name: key for name, key in {**RESOURCES, **TRIAL_RESOURCES}.items() if name not in OF_PACKS}
    if node is None:
        return Resources(device="cpu", pack_width=1, cpus_per_lane=1.0)
    for name, value in node.fields().items():
        if name in OF_PACKS:
            raise value.head_error(
                f"{name} is of packs; a training function takes {' and '.join(TRIAL_RESOURCES)}, got {value.shown}"
            )
    values = section(node, keys)
    cpus, gpus = values.pop("cpus_per_trial"), values.pop("gpus_per_trial")
    check_whole(node, "gpus_per_trial", gpus)
    device = "gpu" if gpus else "cpu"
    return Resources(device=device, gpus_per_lane=gpus or 1.0, pack_width=1, cpus_per_lane=float(cpus), **values)
