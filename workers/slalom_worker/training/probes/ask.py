"""Finds the user's own methods that trials name, and probes each once with each of its options."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from slalom.wire.evaluation import seen_shape
from slalom.wire.kinds import parts_of
from slalom_worker.net.batching import Batching
from slalom_worker.net.modules import DTYPES
from slalom_worker.net.view import picture_shape
from slalom_worker.training.probes.examples import probe_emphasis
from slalom_worker.training.probes.inputs import probe_augmentation, probe_preprocessing
from slalom_worker.training.probes.losses import probe_average, probe_loss, probe_mean, probe_second
from slalom_worker.training.probes.metrics import probe_metric
from slalom_worker.training.probes.optimizers import probe_optimizer
from slalom_worker.training.probes.schedules import probe_schedules
from slalom_worker.training.probes.weights import probe_initialization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from slalom.wire.trial import TrialSpec
    from slalom_worker.methods import Methods
    from slalom_worker.preprocessing import Fitted
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data

    Options = Mapping[str, Any]

MOST = 9
"""Most different options that a method is probed with; optimizers and schedules are probed with all options at once."""

EXAMPLES = 24
"""Number of labels that a loss is probed with."""


def probe(trials: Sequence[TrialSpec], data: Data, task: Task, methods: Methods) -> Methods:
    """Probe every method of the user's own that the trials name.

    trials: typical ones first; the others show what else the study sets of its methods
    Returns the methods, in which each of the user's preprocessings gives the map that it learned from all training
    examples. Raises InputError, with the method, its function, the rule and the value, where a method breaks a rule.
    """
    _probe_steps(trials, data, methods)
    for name, own, trial in _named(trials, "scheme", lambda one: [one.settings["emphasis"]]):
        probe_emphasis(name, methods.emphasis[name], own, data.train.labels, trial.epochs)
    _probe_losses(trials, data, methods)
    for name, _, trial in _named(trials, "scheme", lambda one: [one.settings["initialization"]]):
        probe_initialization(name, trial, data, task, methods)
    for name, own, trial in _named(trials, "method", lambda one: parts_of(one.settings["augmentation"], "method")):
        height, width = seen_shape(picture_shape(data.net_shape), trial.work.evaluation)[-2:]
        probe_augmentation(name, methods.augmentation[name], own, data, (height, width))
    for name, _, _ in _named(trials, "name", lambda one: [{"name": metric} for metric in one.metrics]):
        probe_metric(name, methods.metric[name], data)
    prepared = {**methods.preprocess}
    for name, _, _ in _named(trials, "name", lambda one: [{"name": one.work.preprocess}]):
        fitted = probe_preprocessing(name, methods.preprocess[name], data)
        prepared[name] = replace(methods.preprocess[name], find=_constant(fitted), of_moments=None)
    return replace(methods, preprocess=prepared)


def _constant(fitted: Fitted) -> Callable[[object], Fitted]:
    return lambda _: fitted


def _probe_steps(trials: Sequence[TrialSpec], data: Data, methods: Methods) -> None:
    """Probe the user's optimizers and schedules, for every number of steps that a trial has."""
    lengths: dict[int, list[TrialSpec]] = {}
    for trial in trials:
        steps = trial.epochs * Batching.of(trial.work, len(data.train.labels)).steps
        lengths.setdefault(steps, []).append(trial)
    for steps, some in lengths.items():
        for key in ("learning_rate_schedule", "momentum"):
            each = [parts_of(one.settings[key], "schedule") if key in one.settings else () for one in some]
            own = [any(":" in part["schedule"] for part in parts) for parts in each]
            chosen = {
                repr(one.settings[key]): one.settings[key] for one, is_own in zip(some, own, strict=True) if is_own
            }
            if chosen:
                probe_schedules(key, getattr(methods, key), [*chosen.values()], steps)
        for name in {one.settings["optimizer"] for one in some if ":" in one.settings["optimizer"]}:
            settings = [one.settings for one in some if one.settings["optimizer"] == name]
            probe_optimizer(name, methods.optimizer[name], settings, steps)


def _probe_losses(trials: Sequence[TrialSpec], data: Data, methods: Methods) -> None:
    rows = np.unique(np.linspace(0, len(data.train.labels) - 1, EXAMPLES).round().astype(np.int64))
    labels = torch.from_numpy(data.train.labels[rows])
    for name, options, trial in _named(trials, "name", lambda one: [one.work.loss]):
        loss, given = methods.loss[name], (options, data.outputs)
        dtype = DTYPES[trial.work.precision]
        probe_loss(name, loss, *given, labels.to(dtype) if labels.is_floating_point() else labels)
        optimizer = methods.optimizer[trial.settings["optimizer"]]
        if optimizer.curvature or "curvature" in trial.record:
            probe_second(name, loss, *given)
        if trial.work.evaluation["by"] == "ten_crop":
            probe_average(name, loss, *given)
        if trial.settings["ensemble"]["combine"] != "none":
            probe_mean(name, loss, *given, labels)


def _named(
    trials: Sequence[TrialSpec], key: str, named: Callable[[TrialSpec], Iterable[Options]]
) -> list[tuple[str, Options, TrialSpec]]:
    """The user's own methods that trials name, with each of their different options once, MOST for each method.

    key: the key within the options that names the method; named: gives a trial's options
    """
    found: dict[str, dict[str, tuple[str, Options, TrialSpec]]] = {}
    for trial in trials:
        for options in named(trial):
            name = options[key]
            if ":" in name:
                found.setdefault(name, {}).setdefault(repr(options), (name, options, trial))
    return [one for each in found.values() for one in [*each.values()][:MOST]]
