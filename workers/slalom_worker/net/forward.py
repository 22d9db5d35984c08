"""One net of a pack as functions of its tensors: forward in training and in evaluation, and the initial tensors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call

from slalom_worker.net.drawing import Drawing
from slalom_worker.net.initial import Initial
from slalom_worker.net.modules import DTYPES, build_module, rest_of
from slalom_worker.net.probing import begin_forward, probe
from slalom_worker.regularizers import SlotDropout, mask_name

if TYPE_CHECKING:
    from torch import nn

    from slalom.wire.trial import Work
    from slalom_worker.methods import Methods
    from slalom_worker.net.batching import Batching
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data

FAN_IN: Mapping[str, Any] = {"scheme": "fan_in"}

State = Mapping[str, Tensor]
"""The nets' own frozen parameters and buffers, [E, ...] by name: see Forward.state."""

NO_STATE: State = MappingProxyType({})


class DropoutCall(NamedTuple):
    """A call of a dropout layer in the net's forward, with the shape of one example's mask."""

    layer: SlotDropout
    shape: tuple[int, ...]


class Forward:
    """The net of a pack key; each call gives its tensors.

    module: an ordinary torch module
    state: the frozen parameters and buffers that each trial has for itself, by name: those that change in training or
        depend on the trial's seed. All others are the same in every net, and stay in the module
    changing: the names of the frozen parameters and buffers that change in training
    idle: names of trained parameters on which the outputs in training do not depend
    dropouts: the calls of dropout layers, by the name of the buffer for the call's mask, and of dropout functions
    functions: the names under which `dropouts` has the calls of dropout functions
    """

    def __init__(self, work: Work, data: Data, task: Task, batching: Batching, methods: Methods) -> None:
        """methods: the methods that trials' settings name.

        Raises InputError where the net cannot be trained in a pack.
        """
        self.work, self.data, self.task = work, data, task
        self._initial = Initial(work, data, task, methods.initialization)
        self.module = build_module(work, data, task, seed=0)
        self.changing, drawn, self.idle = probe(self.module, data, task, batching, DTYPES[work.precision])
        functions = {f"dropout function {number}": call for number, call in enumerate(drawn, start=1)}
        other = rest_of(build_module(work, data, task, seed=1))
        self.state = {
            name: tensor
            for name, tensor in rest_of(self.module).items()
            if name in self.changing or not torch.equal(tensor, other[name])
        }
        self.dropouts = {
            f"{name}.{mask_name(call)}".lstrip("."): DropoutCall(part, shape)
            for name, part in self.module.named_modules()
            if isinstance(part, SlotDropout)
            for call, shape in enumerate(part.shapes, start=1)
        }
        self.functions = list(functions)
        self.dropouts |= {name: DropoutCall(SlotDropout(None, one.rate), one.shape) for name, one in functions.items()}

    def initial(self, seed: int, initialization: Mapping[str, Any] = FAN_IN) -> Tensor:
        """The initial parameters [P] of a trial with this seed for weights."""
        return self._initial(seed, initialization)

    def initial_state(self, seed: int) -> dict[str, Tensor]:
        """The initial state (see `state`) of a trial with this seed for weights, by name."""
        if not self.state:
            return {}
        rest = rest_of(build_module(self.work, self.data, self.task, seed))
        return {name: rest[name].detach().clone() for name in self.state}

    def in_training(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[Tensor]:
        """Outputs [B, k] of inputs [B, *shape] in training, followed by the changed tensors of the state."""
        own = {name: tensor.clone() if name in self.changing else tensor for name, tensor in tensors.items()}
        with Drawing([own.pop(name) for name in self.functions if name in own]):
            outputs = self._call(self.module.train(), own, inputs)
        return [outputs, *(own[name] for name in self.state if name in self.changing)]

    def in_evaluation(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[Tensor]:
        """A list of one tensor: the outputs [B, k] of inputs [B, *shape] in evaluation."""
        return [self._call(self.module.eval(), dict(tensors), inputs)]

    def _call(self, module: nn.Module, tensors: dict[str, Tensor], inputs: Tensor) -> Tensor:
        begin_forward(module)
        outputs: Tensor = functional_call(module, tensors, (inputs,))
        return outputs
