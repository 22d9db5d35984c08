"""The objective of a pack: losses and gradients of every slot on its own batch, and metrics on a split."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from slalom_worker.methods import BUNDLED, Methods
from slalom_worker.net.batching import Batching
from slalom_worker.net.curvature import Layer, LossSlopes, chain, diagonal
from slalom_worker.net.examples import Batch, Examples, SideBySide, in_precision, side_by_side
from slalom_worker.net.forward import FAN_IN, NO_STATE, Forward
from slalom_worker.net.modules import DTYPES, layers_of, weights_of
from slalom_worker.net.placed import PlacedSplits
from slalom_worker.net.probing import check_unchanged
from slalom_worker.net.view import View
from slalom_worker.program.ways import Programs, Way, find_way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.wire.trial import Work
    from slalom_worker.net.forward import State
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data

CHUNK, GPU_CHUNK = 256, 1 << 12
"""Examples that are evaluated at once, crops counted, on a processor and on a GPU, where small chunks cost launches.
They are constants, since another number may round differently.
"""


class Objective:
    """The program of one pack key: E trials' losses and gradients as functions of their parameters [E, P].

    methods: the methods that the work and the trials' settings name
    way: how the work of E slots is done
    view: what a net sees of a picture
    split: gives the split drawn by a seed, or for None the task's own, with its parts on the device
    count: how many training examples every split has
    forward: one net as functions of its tensors
    state: the nets' own frozen parameters and buffers; see Forward.state
    programs: the recorded programs of the gradient, the metrics and the rest
    batching: how an epoch's training examples are cut into batches
    is_bias: whether each parameter is a bias [P]
    is_idle: whether the outputs in training do not depend on a parameter [P], so that it is not decayed either
    layer_of: the layer of each parameter [P], from 0
    """

    def __init__(self, work: Work, data: Data, task: Task, device: torch.device, methods: Methods = BUNDLED) -> None:
        """methods: the methods that the work and the trials' settings name.

        Raises InputError where the model does not fit the task, or the batches do not fit the training examples.
        """
        self.work = work
        self.data = data
        self.task = task
        self.device = device
        self.methods = methods
        self.dtype = DTYPES[work.precision]
        self.count = len(data.train.labels)
        self.batching = Batching.of(work, self.count)
        self.loss = methods.loss[work.loss["name"]]
        self.view = View(work, data, self.loss)
        self.forward = Forward(work, self.view.data, task, self.batching, methods)
        self.module, self.state = self.forward.module, self.forward.state
        self.module.to(device)
        self.shapes = {name: tensor.shape for name, tensor in weights_of(self.module).items()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.layer_of = layers_of(self.module).to(device)
        self.split = PlacedSplits(data, task, methods.preprocess[work.preprocess], device, self.dtype)
        self._beside: tuple[tuple[Examples, ...], Examples | SideBySide] | None = None
        self.way = self._find_way()
        self.is_bias = torch.cat([torch.full((s.numel(),), len(s) <= 1) for s in self.shapes.values()]).to(device)
        idle = self.forward.idle if self.way is not Way.BY_HAND else frozenset()  # which may come into use later
        self.is_idle = torch.cat([torch.full((s.numel(),), n in idle) for n, s in self.shapes.items()]).to(device)
        thin = any(len(shape) > 1 and 1 in shape for shape in self.shapes.values())
        self.programs = Programs(self.way, thin=thin)

    @property
    def train(self) -> Examples:
        """The training part of the task's own split."""
        return self.split(None).train

    @property
    def validation(self) -> Examples:
        """The validation part of the task's own split."""
        return self.split(None).validation

    @property
    def test(self) -> Examples:
        """The test part of the task's own split."""
        return self.split(None).test

    def side_by_side(self, parts: Sequence[Examples]) -> Examples | SideBySide:
        """The parts side by side; the last result is kept, since the same slots are often measured again."""
        if self._beside is None or self._beside[0] != tuple(parts):
            self._beside = tuple(parts), side_by_side(parts)
        return self._beside[1]

    @cached_property
    def chain(self) -> list[Layer]:
        """The net as a chain of layers, as curvature needs it; InputError, with the reason, where it is no chain."""
        return chain(self.module)

    def initial(self, seed: int, initialization: Mapping[str, Any] = FAN_IN) -> Tensor:
        """The initial parameters [P] of a trial with this seed for weights."""
        return self.forward.initial(seed, initialization).to(self.device)

    def initial_state(self, seed: int) -> dict[str, Tensor]:
        """The initial state (see `state`) of a trial with this seed for weights, by name."""
        return {name: tensor.to(self.device) for name, tensor in self.forward.initial_state(seed).items()}

    def views(self, parameters: Tensor) -> dict[str, Tensor]:
        """Views of parameters [E, P] or [P] by their names, [E, *shape] or [*shape]."""
        parts = zip(self.shapes.items(), torch.split(parameters, self.sizes, dim=-1), strict=True)
        lead = parameters.shape[:-1]
        return {name: part.view((*lead, *shape)) for (name, shape), part in parts}

    def gradient(
        self, weights: Sequence[Tensor], batch: Batch, into: Sequence[Tensor], state: State = NO_STATE
    ) -> Tensor:
        """Mean losses [E] on a batch, without emphasis; the gradients, with emphasis, are written to `into`.

        weights, into: a tensor [E, ...] for each weight, in the order of `views`
        state: the nets' state; tensors that the step changes are overwritten
        """
        names = self._names(state)
        chosen = {"weights": batch.weights, "focus": batch.focus}
        emphasis = {name: part for name, part in chosen.items() if part is not None}

        def function(inputs: Tensor, labels: Tensor, *tensors: Tensor) -> list[Tensor]:
            rest = iter(tensors)
            nets = [next(rest) for _ in weights]
            own = {name: next(rest) for name in names}
            masks = {name: next(rest) for name in batch.masks}
            return self._gradient(nets, Batch(inputs, labels, masks, **{name: next(rest) for name in emphasis}), own)

        key = ("gradient", *batch.masks, *emphasis)
        own = [state[name] for name in names]
        stacks = [batch.inputs, batch.labels, *weights, *own, *batch.masks.values(), *emphasis.values()]
        losses, *found = self.programs.results(key, batch.labels.shape[1], function, [], stacks)
        changing = [state[name] for name in names if name in self.forward.changing]
        for target, tensor in zip([*into, *changing], found, strict=True):
            target.copy_(tensor)
        return losses

    @torch.no_grad()
    def evaluate(self, parameters: Tensor, part: Examples | SideBySide, state: State = NO_STATE) -> dict[str, Tensor]:
        """Metrics [E] float64 of every slot without dropout: "loss" and, in classification, "error" and "accuracy".

        part: of a split that all slots share, or of each slot's own
        """
        losses, *wrong = self.outcomes(parameters, part, state)
        found = {"loss": part.mean(losses)}
        for each in wrong:
            found["error"] = part.mean(each)
            found["accuracy"] = 1 - found["error"]
        return found

    @torch.no_grad()
    def outcomes(self, parameters: Tensor, part: Examples | SideBySide, state: State = NO_STATE) -> list[Tensor]:
        """Losses [E, n] of every slot and example and, in classification, whether the likeliest class is wrong."""
        nets = self._nets(parameters, state)
        chunks: list[list[Tensor]] = []
        for start in range(0, len(part), self._chunk):
            inputs, labels = part.chunk(start, start + self._chunk)
            version = inputs._version
            if isinstance(part, Examples):
                found = self.programs.results(("evaluate",), len(labels), self._outcome, [inputs, labels], nets)
            else:
                stacks = [inputs, labels, *nets]
                found = self.programs.results(("evaluate each",), labels.shape[1], self._own_outcome, [], stacks)
            chunks.append(found)
            check_unchanged(inputs, version)
        return [torch.cat(parts, dim=1) for parts in zip(*chunks, strict=True)]

    @torch.no_grad()
    def curvature(self, parameters: Tensor, index: Tensor, part: Examples | SideBySide | None = None) -> Tensor:
        """The diagonal of the Gauss-Newton matrix [E, P] of the mean loss on the examples `index` [E, n].

        part: the part that `index` counts in, or None for the training part of the task's own split
        """
        weights = list(self.views(parameters).values())
        found = torch.zeros_like(parameters)
        for chosen in torch.split(index, CHUNK, dim=1):
            inputs = self.view.center((part or self.train).take(chosen))
            sums = self.programs.results(("curvature",), chosen.shape[1], self._curvature, [], [inputs, *weights])
            for target, own in zip(self.views(found).values(), sums, strict=True):
                target.add_(own)
        return found.div_(index.shape[1])

    @torch.no_grad()
    def outputs(self, parameters: Tensor, part: Examples, state: State = NO_STATE) -> Tensor:
        """The outputs of every slot for each example [E, n, k], in evaluation."""
        nets = self._nets(parameters, state)
        chunks = []
        for start in range(0, len(part), self._chunk):
            inputs = part.between(start, start + self._chunk)
            chunks += self.programs.results(("outputs",), len(inputs), self._outputs, [inputs], nets)
        return torch.cat(chunks, dim=1)

    def rates(self, settings: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
        """The dropout rates of slots with these settings, a list for each dropout layer by the layer's name."""
        return {name: [call.layer.rate_for(one) for one in settings] for name, call in self.forward.dropouts.items()}

    def _gradient(self, weights: Sequence[Tensor], batch: Batch, state: State = NO_STATE) -> list[Tensor]:
        """Mean losses [E], the gradient of each weight, and the tensors of the state that change, after the step.

        One backward of the sum over slots: the mean would scale every gradient by 1/E.
        """
        labels, size = batch.labels, batch.labels.shape[1]
        with torch.enable_grad():
            leaves = [weight.detach().requires_grad_() for weight in weights]
            stacks = {**dict(zip(self.shapes, leaves, strict=True)), **state, **batch.masks}
            outputs, *changed = self.way.over_slots(self.forward.in_training, stacks, batch.inputs)
            each = self.loss.each(outputs, labels, self.work.loss)
            losses = each.sum(-1) / size
            emphasized = batch.emphasized(each)
            minimised = losses if emphasized is each else emphasized.sum(-1) / size
            gradients = torch.autograd.grad(minimised.sum(), leaves, materialize_grads=True)
        return [losses.detach(), *gradients, *(tensor.detach() for tensor in changed)]

    def _curvature(self, inputs: Tensor, *weights: Tensor) -> list[Tensor]:
        """The Gauss-Newton matrix's diagonal, for each weight, summed over the examples with inputs [E, n, *shape]."""
        options, slope = self.work.loss, self.loss.slope
        first = None if slope is None else lambda outputs: slope(outputs, options)
        loss = LossSlopes(lambda outputs: self.loss.second(outputs, options), first)
        of_one = partial(diagonal, self.chain, loss)
        return self.way.over_slots(of_one, dict(zip(self.shapes, weights, strict=True)), inputs)

    def _outcome(self, inputs: Tensor, labels: Tensor, *nets: Tensor) -> list[Tensor]:
        """Losses [E, n] on shared inputs [n, *shape] and, in classification, whether the likeliest class is wrong."""
        return self._own_outcome(*(part.expand(len(nets[0]), *part.shape) for part in (inputs, labels)), *nets)

    def _own_outcome(self, inputs: Tensor, labels: Tensor, *nets: Tensor) -> list[Tensor]:
        """As `_outcome`, on each slot's own inputs [E, n, *shape]."""
        outputs = self._apply(nets, inputs)
        losses = self.loss.each(outputs, labels, self.work.loss)
        return [losses] if labels.is_floating_point() else [losses, outputs.mT.max(-2).indices != labels]

    def _outputs(self, inputs: Tensor, *nets: Tensor) -> list[Tensor]:
        """Outputs [E, n, k] of inputs that all slots share."""
        return [self._apply(nets, inputs.expand(len(nets[0]), *inputs.shape))]

    def _nets(self, parameters: Tensor, state: State) -> list[Tensor]:
        """The tensors [E, ...] of nets with parameters [E, P]: each weight, then the state."""
        return [*self.views(parameters).values(), *(state[name] for name in self._names(state))]

    def _names(self, state: State) -> list[str]:
        """The state's names in the objective's order; RuntimeError where the state is not of this objective's nets."""
        if state.keys() != self.state.keys():
            raise RuntimeError(f"nets must come with their state {sorted(self.state)}, but got {sorted(state)}")
        return list(self.state)

    def _apply(self, nets: Sequence[Tensor], inputs: Tensor) -> Tensor:
        """Outputs [E, B, k] of every slot in evaluation, on inputs [E, B, *shape]."""
        stacks = dict(zip([*self.shapes, *self.state], nets, strict=True))
        (outputs,) = self.way.over_slots(self.forward.in_evaluation, stacks, self.view.of_evaluation(inputs))
        return self.view.predicted(outputs)

    @property
    def _chunk(self) -> int:
        """How many examples are evaluated at once."""
        return (CHUNK if self.device.type == "cpu" else GPU_CHUNK) // self.view.count

    def _find_way(self) -> Way:
        """The way of the gradient and of evaluation."""
        inputs, labels = (torch.tensor(part[: min(2, self.batching.size)]) for part in self.data.train[:2])
        labels = labels.to(self.dtype) if labels.is_floating_point() else labels
        inputs = in_precision(inputs, self.dtype)
        parts = (inputs, labels, *self.views(self.initial(0)).values(), *self.initial_state(0).values())

        def function(way: Way, inputs: Tensor, labels: Tensor, *nets: Tensor) -> list[Tensor]:
            self.way = way
            weights, state = nets[: len(self.shapes)], dict(zip(self.state, nets[len(self.shapes) :], strict=True))
            batch = Batch(self.view.center(inputs), labels, {})
            return [*self._gradient(weights, batch, state), *self._outputs(inputs[0], *nets)]

        return find_way(function, [torch.stack([part] * 2).to(self.device) for part in parts])
