"""Probes a user's own initialization on the layers of the study's net."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from slalom.errors import InputError
from slalom_worker.net.marks import draws_noticed
from slalom_worker.net.modules import build_module, initialise
from slalom_worker.net.view import View
from slalom_worker.training.probes.answers import finite, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Generator

    from slalom.wire.trial import TrialSpec
    from slalom_worker.initializations.base import Fans, Initialization
    from slalom_worker.methods import Methods
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data


def probe_initialization(name: str, trial: TrialSpec, data: Data, task: Task, methods: Methods) -> None:
    """Raise InputError where a scheme's weights are not finite, none are drawn, or they come from another generator."""
    chosen, scheme = trial.settings["initialization"], methods.initialization[name]
    if scheme.draw is None:
        return
    seen = _Seen(name, scheme)
    view = View(trial.work, data, methods.loss[trial.work.loss["name"]])
    module = build_module(trial.work, view.data, task, trial.seeds.weights)
    initialise(module, replace(scheme, draw=seen.draw), chosen, trial.seeds.weights)
    if seen.layers and not seen.drawn:
        raise InputError(
            f"{name}: draw must fill the weights that it is given in place, as weights.normal_(...) does, but left "
            f"those of {'the layer' if seen.layers == 1 else f'all {seen.layers} layers'} as they were"
        )


class _Seen:
    """A scheme whose draws are checked.

    layers, drawn: the number of layers that the scheme was called for, and the number that it changed
    """

    def __init__(self, name: str, scheme: Initialization) -> None:
        self.place = f"{name}: draw"
        self._scheme = scheme
        self.layers, self.drawn = 0, 0

    def draw(self, weights: Tensor, fans: Fans, generator: Generator, parameters: Mapping[str, Any]) -> None:
        """Draw by the scheme, twice from the same generator state; InputError where the scheme breaks a rule."""
        if self._scheme.draw is None:
            return
        before, shape = weights.clone(), weights.shape
        start, options = generator.get_state(), dict(parameters)
        with draws_noticed() as drawn:
            found = self._scheme.draw(weights, fans, generator, options)
            draws = drawn()
        if options != dict(parameters):
            raise InputError(f"{self.place} must leave what it is given as it is, but changed its parameters")
        if draws:
            raise InputError(
                f"{self.place} must draw from the generator that it is given, as weights.normal_(generator=generator) "
                "does, but drew from a global one, or seeded it"
            )
        if weights.shape != shape:
            raise InputError(
                f"{self.place} must leave the shape {[*shape]} of the weights, but made it {[*weights.shape]}"
            )
        changed = not torch.equal(before, weights)
        if isinstance(found, Tensor) and found is not weights and not changed:
            raise InputError(
                f"{self.place} must fill the weights that it is given in place, as weights.copy_(...) does, but gave a "
                f"tensor of the shape {[*found.shape]} back and left them as they were"
            )
        finite(self.place, weights, f"weights of shape {[*shape]}{shown(self._options(parameters))}")
        once, end = weights.clone(), generator.get_state()
        generator.set_state(start)
        self._scheme.draw(weights.copy_(before), fans, generator, options)
        generator.set_state(end)
        if not torch.equal(once, weights):
            raise InputError(f"{self.place} must draw the same weights from the same generator, but drew others")
        self.layers += 1
        self.drawn += changed

    def _options(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: parameters[name] for name in self._scheme.parameters}
