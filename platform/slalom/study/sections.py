"""Reads the sections training, metric, tune, resample, compare, checkpoint and resources of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from slalom.errors import nearest, quoted
from slalom.study.arm_keys import all_arm_keys
from slalom.study.keys import CHECKPOINT, COMPARE, RESAMPLE, RESOURCES, TRAINING, TRIAL_RESOURCES, TUNE, metric_key
from slalom.study.model import Compare, Metric, Pick, Resources, Searches, Tune
from slalom.study.own_methods import is_own
from slalom.study.ranges import Range
from slalom.study.space import grid_points
from slalom.study.values import field, section
from slalom.wire.trial import reported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slalom.study.document import Node
    from slalom.study.keys import Predicts
    from slalom.study.model import Arm
    from slalom.wire.kinds import Catalogue

ALWAYS = ("loss", "error", "accuracy")
"""Metrics that a trial reports unasked, those of them that fit what it predicts."""

REPORTS = 100
"""About how many reports a trial makes where the study does not say."""

SMALLEST, GENERATIONS = 8, 8
"""The fewest trials of a generation and the most generations of a search, where a study does not say: a sampler that
learns between generations should do so a few times, and packs are filled by what is proposed together.
"""


@dataclass(frozen=True)
class Training:
    """What every trial has in common; `shared` are the settings that arms can set too."""

    epochs: int
    report_every: int
    precision: str
    record: tuple[str, ...]
    shared: Mapping[str, Node]


def read_training(node: Node, catalogue: Catalogue) -> Training:
    """The section `training`."""
    fields = node.fields()
    if "model" in fields:
        raise fields["model"].head_error("model must stand beside training, not under it, or in an arm")
    return training_of(node, section(node, TRAINING, all_arm_keys(catalogue)), TRAINING)


def training_of(node: Node, values: Mapping[str, Any], keys: Iterable[str]) -> Training:
    """The section `training` with these values; its keys other than `keys` are settings that arms share."""
    fields, epochs, every = node.fields(), values["epochs"], values["report_every"]
    if every is not None and every > epochs:
        raise fields["report_every"].error(f"report_every must be a whole number in [1, epochs={epochs}], got {every}")
    return Training(
        epochs=epochs,
        report_every=every or -(-epochs // REPORTS),
        precision=values.get("precision", "float32"),
        record=tuple(values.get("record", ())),
        shared={name: child for name, child in fields.items() if name not in set(keys)},
    )


class Metrics(NamedTuple):
    """The metric that judges trials, and the catalogue's names of those measured beside loss, error and accuracy."""

    judge: Metric
    measured: tuple[str, ...]


def read_metric(node: Node | None, catalogue: Catalogue, predicts: Predicts | None = None) -> Metrics:
    """The section `metric`; StudyError where a metric does not fit what the task predicts, or is reported as another.

    predicts: what the task predicts; None where that is not known yet
    """
    read = field(node, metric_key(catalogue, predicts))
    names = dict.fromkeys((read["name"], *read["record"]))
    if node is not None:
        _check_metrics(node, [*names], catalogue, predicts)
    judge = catalogue.metrics[read["name"]]
    return Metrics(
        Metric(reported(read["name"]), judge.goal, judge.worst, read.get("to")),
        tuple(name for name in names if name not in ALWAYS and not catalogue.metrics[name].options),
    )


def _check_metrics(node: Node, names: Sequence[str], catalogue: Catalogue, predicts: Predicts | None) -> None:
    fitting = [name for name, one in catalogue.metrics.items() if predicts is None or one.of in (None, predicts)]
    for number, name in enumerate(names):
        if name not in fitting:
            raise node.error(
                f"metric must be one of {', '.join(fitting)} where the task predicts {predicts}, got {name}"
            )
        others = [reported(other) for other in names[:number]]
        if reported(name) in others or (is_own(name) and reported(name) in catalogue.metrics):
            raise node.error(f"metric {name} is reported as {reported(name)!r}, as another one is; call it otherwise")


def read_tune(node: Node, arms: Sequence[Arm]) -> Tune:
    """The section `tune`; StudyError where the sampler is grid and an arm has real ranges or too many points."""
    values = section(node, TUNE)
    pruner, pick = values.pop("pruner"), values.pop("pick")
    values["generation"] = values["generation"] or max(SMALLEST, -(-values["trials"] // GENERATIONS))
    options = {option: value for option, value in pruner.items() if option != "name"}
    values["searches"] = _read_searches(values["searches"], node)
    picked = Pick() if pick["by"] == "none" else Pick(pick["best"], pick["seeds"])
    tune = Tune(**values, pruner=pruner["name"], pick=picked, **options)
    if tune.sampler == "grid":
        for arm in arms:
            _check_grid(node.fields(), tune.trials, arm)
    return tune


def _read_searches(read: Mapping[str, Any], node: Node) -> Searches:
    if read["until"] == "count":
        return Searches(read["value"], read["value"])
    least, most = read["at_least"], read["at_most"]
    if least > most:
        raise node.fields()["searches"].error(f"at_least of searches must be at most at_most={most}, got {least}")
    return Searches(least, most)


def read_resample(node: Node | None) -> str | None:
    """The section `resample`: "each_search" or "fixed", or None where the study does not say."""
    found: str | None = None if node is None else section(node, RESAMPLE)["split"]
    return found


def _check_grid(fields: Mapping[str, Node], trials: int, arm: Arm) -> None:
    for name, distribution in arm.space.items():
        if isinstance(distribution, Range):
            raise fields["sampler"].error(
                f"sampler grid needs every searched setting to be a choice or an int range, got {name} of arm "
                f"{arm.name} with real numbers between {distribution.low} and {distribution.high}"
            )
    points = grid_points(arm.space)
    if points is not None and points > trials:
        raise fields["trials"].error(f"trials must cover the grid, {points} points in arm {arm.name}, got {trials}")


def read_compare(node: Node, arms: Iterable[Arm]) -> Compare:
    """The section `compare`; StudyError where the baseline is not an arm."""
    compare = Compare(**section(node, COMPARE))
    names = [arm.name for arm in arms]
    if compare.baseline not in names:
        raise node.fields()["baseline"].error(
            f"baseline {quoted(compare.baseline)} is not an arm{nearest(compare.baseline, names)}"
        )
    return compare


def read_checkpoint(node: Node | None, epochs: int, *, own_training: bool) -> int | None:
    """The section `checkpoint`: the epochs between two checkpoints of a trial, or None where it keeps none."""
    if node is None:
        return None
    if own_training:
        raise node.head_error(
            "checkpoint must be left out where a function of your own trains: its trials are trained anew from their "
            f"seeds, and what the function saves is its own; got {node.shown}"
        )
    every: int = section(node, CHECKPOINT)["every"]
    if every >= epochs:
        share = node.fields()["every"]
        raise share.error(
            f"every of checkpoint must be below epochs={epochs}, got {every}: a trial that is over needs none"
        )
    return every


def read_resources(node: Node | None) -> Resources:
    """The section `resources`."""
    if node is None:
        return Resources()
    for name in TRIAL_RESOURCES:
        if name in node.fields():
            raise node.fields()[name].head_error(
                f"{name} is of a training function of your own; packs take gpus_per_lane and pack_width"
            )
    resources = Resources(**section(node, RESOURCES))
    check_whole(node, "gpus_per_lane", resources.gpus_per_lane)
    return resources


def check_whole(node: Node, name: str, gpus: float | None) -> None:
    """Refuse a number of GPUs above 1 that is not whole: Ray gives a share of one GPU, or several whole ones."""
    if gpus is not None and gpus > 1 and not gpus.is_integer():
        share = node.fields()[name]
        raise share.error(f"{name} must be a whole number where it is above 1, got {share.shown}")
