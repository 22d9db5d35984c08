"""One net of a pack as functions of its tensors: in training, in evaluation, and what it begins with."""

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
"""What nets have beside their parameters, by name, [E, ...]: see Forward.state."""

NO_STATE: State = MappingProxyType({})


class DropoutCall(NamedTuple):
    """A call of a dropout layer in the net's forward, with the shape of one example's mask."""

    layer: SlotDropout
    shape: tuple[int, ...]


class Forward:
    """The net of a pack key, its tensors given with each call.

    module: an ordinary torch module
    state: frozen parameters and buffers that a trial has for itself, by name: those that change in training, and
        those that come of the trial's seed. All others are the same in every net, and stay in the module
    changing: the names of those that change in training
    idle: names of trained parameters on which the outputs in training do not depend
    dropouts: the calls of dropout layers, by the name of the buffer for the call's mask, and those of dropout functions
    functions: the names of the latter
    """

    def __init__(self, work: Work, data: Data, task: Task, batching: Batching, methods: Methods) -> None:
        """methods: what trials' settings name.

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
        """What a trial with this seed for weights has beside its parameters, by name, as its training begins."""
        if not self.state:
            return {}
        rest = rest_of(build_module(self.work, self.data, self.task, seed))
        return {name: rest[name].detach().clone() for name in self.state}

    def in_training(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[Tensor]:
        """Outputs [B, k] of inputs [B, *shape], and those of the state that change, as they are then."""
        own = {name: tensor.clone() if name in self.changing else tensor for name, tensor in tensors.items()}
        with Drawing([own.pop(name) for name in self.functions if name in own]):
            outputs = self._call(self.module.train(), own, inputs)
        return [outputs, *(own[name] for name in self.state if name in self.changing)]

    def in_evaluation(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[Tensor]:
        """Outputs [B, k] of inputs [B, *shape], alone in the list."""
        return [self._call(self.module.eval(), dict(tensors), inputs)]

    def _call(self, module: nn.Module, tensors: dict[str, Tensor], inputs: Tensor) -> Tensor:
        begin_forward(module)
        outputs: Tensor = functional_call(module, tensors, (inputs,))
        return outputs
