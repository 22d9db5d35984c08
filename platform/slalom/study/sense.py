"""Combinations of settings that make no sense, each refused by a StudyError with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom.study.nets import Nets
from slalom.study.pictures import of_pictures
from slalom.study.ranges import Choices, IntRange, Range, values
from slalom.study.space import assign, space
from slalom.study.trials import samples
from slalom.wire.kinds import MOST_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from slalom.study.document import Node
    from slalom.study.inspected import Inspected
    from slalom.study.model import Arm, StudySpec
    from slalom.wire.kinds import Catalogue
    from slalom.wire.trial import Settings


MOST_TRIALS = 10_000_000
"""The most trials of a whole study."""

PER_LAYER = ("layer_rates", "hidden_dropout")
"""Settings that can be a list for the layers."""


def check_arm(arm: Arm, node: Node, catalogue: Catalogue) -> None:
    """Refuse an arm, written at `node`, whose settings do not go together."""
    _refuse(node, _full_batch(arm.settings, catalogue), arm.name)
    _refuse(node, _replayed(arm.settings), arm.name)
    _refuse(node, _sequence(arm.settings["learning_rate_schedule"]), arm.name)


def check_plan(spec: StudySpec, node: Node) -> None:
    """Refuse a study of more than MOST_TRIALS trials, whose `tune` is written at `node`."""
    tune = spec.tune
    each = tune.trials + tune.pick.trials + spec.confirm_seeds
    total = len(spec.arms) * tune.searches.at_most * each
    if total > MOST_TRIALS:
        raise node.head_error(
            f"a study has at most {MOST_TRIALS:,} trials, got {total:,}: {len(spec.arms)} arms, "
            f"{tune.searches.at_most} searches of each, {each:,} trials in each search"
        )


def check_data(
    spec: StudySpec, checked: Iterable[Arm], inspected: Inspected, fields: Mapping[str, Node], catalogue: Catalogue
) -> None:
    """Refuse those of a study's arms whose settings do not fit the data that `inspected` tells of."""
    arms, nets = fields["arms"].fields(), Nets(catalogue.nets, inspected.shape, inspected.outputs)
    for arm in checked:
        _refuse(arms[arm.name], of_pictures(arm.settings, inspected, catalogue), arm.name)
        _refuse(arms[arm.name], _nets(arm.settings, nets, curved=_curved(spec, arm, catalogue)), arm.name)
        if any(isinstance(arm.settings[name], dict) for name in PER_LAYER):
            for layers in _own_layers(arm, inspected):
                _refuse(arms[arm.name], _per_layer(arm.settings, layers, layers - 1), arm.name)
        if inspected.examples is not None:
            _refuse(arms[arm.name], _whole_batches(arm.settings, inspected.examples), arm.name)
            if any(net.paired for net in nets.sizes(arm.settings)):
                _refuse(arms[arm.name], _paired(arm.settings, inspected.examples), arm.name)
        if inspected.whole:
            _refuse(arms[arm.name], _whole(arm.settings, inspected), arm.name)
        rules = _of_numbers if inspected.regression else _of_classes
        _refuse(arms[arm.name], rules(arm.settings), arm.name)


def _refuse(node: Node, broken: Iterator[str], arm: str) -> None:
    for rule in broken:
        raise node.head_error(f"arm {arm}: {rule}")


def _full_batch(settings: Settings, catalogue: Catalogue) -> Iterator[str]:
    optimizer = settings["optimizer"]
    if optimizer not in catalogue.full_batch:
        return
    because = f": {catalogue.full_batch[optimizer]}"
    if settings["batch_size"] is not None:
        yield f"{optimizer} needs batch_size: all, got {shown(settings['batch_size'])}{because}"
    for name in ("input_dropout", "hidden_dropout"):
        if settings[name] != 0:
            yield f"{optimizer} goes with no {name}, got {shown(settings[name])}{because}"
    yield from _alike_at_each_step(settings, because)
    if settings["learning_rate_schedule"]["schedule"] != "constant":
        schedule = settings["learning_rate_schedule"]["schedule"]
        yield f"{optimizer} searches its steps itself and follows no learning_rate_schedule, got {schedule}"
    if settings["clip_norm"] is not None:
        yield f"{optimizer} needs the gradient as it is and has no clip_norm, got {shown(settings['clip_norm'])}"
    if settings["early_stopping"]["by"] != "none":
        yield f"{optimizer} keeps the best of its own tries and goes with no early_stopping"
    if settings["layer_rates"] != 1:
        yield f"{optimizer} steps along one line and has no layer_rates, got {shown(settings['layer_rates'])}"


def _alike_at_each_step(settings: Settings, because: str) -> Iterator[str]:
    for name, (key, nothing) in {"emphasis": ("scheme", "uniform"), "augmentation": ("method", "none")}.items():
        if settings[name][key] != nothing:
            yield f"{settings['optimizer']} goes with no {name}, got {settings[name][key]}{because}"


def _replayed(settings: Settings) -> Iterator[str]:
    emphasis = settings["emphasis"]
    if "once" in values(settings["order"]) and "sampling" in values(emphasis.get("by")):
        yield (
            f"order once replays one shuffled order of all examples, and emphasis {emphasis['scheme']} by sampling "
            "draws other ones in each epoch; emphasize by weighting, or leave order at each_epoch"
        )


def _sequence(schedule: Settings) -> Iterator[str]:
    parts = sum(name.endswith(".schedule") for name in schedule)
    shares = [schedule[f"{number}.share"] for number in range(1, parts)]
    most = sum(share.high if isinstance(share, Range) else max(values(share)) for share in shares)
    if most >= 1:
        yield f"learning_rate_schedule: shares before the last schedule must sum up to less than 1, got {most:g}"


def _whole_batches(settings: Settings, examples: int) -> Iterator[str]:
    size = settings["batch_size"]
    largest = size.high if isinstance(size, IntRange) else max(values(examples if size is None else size))
    if True in values(settings["drop_last"]) and largest > examples:
        yield f"drop_last leaves no batch: batch_size must be at most the {examples} training examples, got {largest}"


def _paired(settings: Settings, examples: int) -> Iterator[str]:
    size = settings["batch_size"]
    sizes = (
        range(size.low, min(size.high, examples) + 1)
        if isinstance(size, IntRange)
        else values(examples if size is None else size)
    )
    kept = False in values(settings["drop_last"])
    alone = next((one for one in sizes if one == 1 or (kept and examples % one == 1)), None)
    if alone is not None:
        yield (
            "batch normalisation of maps of one pixel takes two examples of a batch or more, but the last batch has "
            f"one where {examples} examples come in batches of {alone}; set drop_last: true, or another batch_size"
        )


def _whole(settings: Settings, inspected: Inspected) -> Iterator[str]:
    if not inspected.has_model:
        yield (
            f"model {settings['model']['name']} takes no whole numbers, as the task's inputs are; bring a model, "
            "or have load() give them as float32"
        )
    if values(settings["preprocess"]) != ("none",):
        yield f"preprocess is of real numbers, and the task's inputs are whole, got {shown(settings['preprocess'])}"


def _curved(spec: StudySpec, arm: Arm, catalogue: Catalogue) -> str | None:
    """The setting of an arm that estimates curvature, or None."""
    if arm.settings["optimizer"] in catalogue.curvature:
        return str(arm.settings["optimizer"])
    return "record: [curvature]" if "curvature" in spec.record else None


def _own_layers(arm: Arm, inspected: Inspected) -> list[int]:
    """The numbers of layers with weights of a task's own net, at each end of what is searched of it; [] without one."""
    if inspected.layers is None:
        return []
    model = {"model": arm.settings["model"]}
    return [inspected.layers(assign(model, params)["model"]) for params in samples(space(model))]


def _nets(settings: Settings, nets: Nets, *, curved: str | None) -> Iterator[str]:
    """The rules that an arm's nets break, any that its search can reach."""
    try:
        found = nets.sizes(settings)
    except InputError as exc:
        yield str(exc)
        return
    for net in found:
        if net.parameters > MOST_WEIGHTS:
            yield f"model must have at most {MOST_WEIGHTS:,} weights, which a lane can hold, got {net.parameters:,}"
        if net.uncurved is not None and curved is not None:
            yield f"{curved} estimates curvature, which is not known behind {net.uncurved}; take a net without it"
        yield from _per_layer(settings, len(net.layers), net.hidden)


def _per_layer(settings: Settings, layers: int, hidden: int) -> Iterator[str]:
    wanted = {"layer_rates": (layers, "layers"), "hidden_dropout": (hidden, "hidden layers")}
    for name, (count, what) in wanted.items():
        if isinstance(settings[name], dict) and len(settings[name]) != count:
            yield f"{name} must list a number for each of {count} {what}, got {len(settings[name])}"


def _of_numbers(settings: Settings) -> Iterator[str]:
    loss = settings["loss"]
    if loss["name"] != "squared_error":
        yield f"loss must be squared_error where the task predicts numbers, got {loss['name']}"
    elif (loss["low"], loss["high"]) != (0, 1):
        yield f"loss: low and high are of classes, the task predicts numbers, got {loss['low']} and {loss['high']}"
    if settings["emphasis"]["scheme"] != "uniform":
        yield f"emphasis {settings['emphasis']['scheme']} is one of classes, and the task predicts numbers"
    if settings["ensemble"]["combine"] == "vote":
        yield "ensemble: combine must be mean where the task predicts numbers, which have no votes, got vote"


def _of_classes(settings: Settings) -> Iterator[str]:
    loss = settings["loss"]
    if "focus" in settings["emphasis"] and loss["name"] != "cross_entropy":
        yield f"emphasis {settings['emphasis']['scheme']} is of cross-entropy, got {loss['name']}"
    if "focus" in settings["emphasis"] and loss.get("label_smoothing"):
        yield f"emphasis {settings['emphasis']['scheme']} is of cross-entropy without label_smoothing"
    if loss["name"] == "squared_error" and not loss["low"] < loss["high"]:
        yield f"loss: low < high must hold, got low={loss['low']}, high={loss['high']}"


def shown(value: Any) -> str:
    """A resolved setting as a message quotes it; a mapping by layer is shown as the list that was written."""
    if isinstance(value, dict):
        return f"[{', '.join(map(shown, value.values()))}]"
    if isinstance(value, Range | IntRange | Choices):
        return "a search"
    return f"{value}"
