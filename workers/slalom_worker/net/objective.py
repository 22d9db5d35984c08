"""The objective of a pack: losses and gradients of every slot on its own batch, and metrics on a split."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import functional_call

from slalom_worker.methods import BUNDLED, Methods
from slalom_worker.net.batching import Batching
from slalom_worker.net.curvature import Layer, chain, diagonal
from slalom_worker.net.examples import Batch, Examples, SideBySide, in_precision, side_by_side
from slalom_worker.net.modules import DTYPES, build_module, check_unchanged, initialise, layers_of, probe, weights_of
from slalom_worker.net.placed import PlacedSplits
from slalom_worker.program.ways import Programs, Way, find_way
from slalom_worker.regularizers import SlotDropout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.wire.trial import Work
    from slalom_worker.tasks.data import Data, Task

CHUNK = 256
"""Examples that are evaluated at once; a constant, since another number may round differently."""

FAN_IN: Mapping[str, Any] = {"scheme": "fan_in"}


class Objective:
    """The program of one pack key: E trials' losses and gradients as functions of their parameters [E, P].

    methods: what the work and the trials' settings name
    way: how the work of E slots is done
    split: gives the split drawn by a seed, or for None the task's own, with its parts on the device
    count: how many training examples every split has
    programs: the recorded programs of the gradient, the metrics and the rest
    batching: how an epoch's training examples are cut into batches
    is_bias: whether each parameter is a bias [P]
    layer_of: the layer of each parameter [P], from 0
    """

    def __init__(self, work: Work, data: Data, task: Task, device: torch.device, methods: Methods = BUNDLED) -> None:
        """methods: what the work and the trials' settings name.

        Raises InputError where the model does not fit the task, or a batch its examples.
        """
        self.work = work
        self.data = data
        self.task = task
        self.device = device
        self.methods = methods
        self.dtype = DTYPES[work.precision]
        self.module = build_module(work, data, task, seed=0)
        probe(self.module, data, self.dtype)
        self.module.to(device)
        self.shapes = {name: tensor.shape for name, tensor in weights_of(self.module).items()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.dropouts = {
            f"{name}.mask": part for name, part in self.module.named_modules() if isinstance(part, SlotDropout)
        }
        self.loss = methods.loss[work.loss["name"]]
        self.layer_of = layers_of(self.module).to(device)
        self.split = PlacedSplits(data, task, methods.preprocess[work.preprocess], device, self.dtype)
        self.count = len(data.train.labels)
        self.batching = Batching.of(work, self.count)
        self._beside: tuple[tuple[Examples, ...], Examples | SideBySide] | None = None
        self.way = self._find_way()
        self.is_bias = torch.cat([torch.full((s.numel(),), len(s) <= 1) for s in self.shapes.values()]).to(device)
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
        """The same part of the splits of slots; the last one is kept, since the same slots are often measured again."""
        if self._beside is None or self._beside[0] != tuple(parts):
            self._beside = tuple(parts), side_by_side(parts)
        return self._beside[1]

    @cached_property
    def chain(self) -> list[Layer]:
        """The net as a chain of layers, of which curvature is estimated; InputError, with the reason, if it is none."""
        return chain(self.module)

    def initial(self, seed: int, initialization: Mapping[str, Any] = FAN_IN) -> Tensor:
        """The initial parameters [P] of a trial with this seed for weights."""
        module = build_module(self.work, self.data, self.task, seed)
        initialise(module, self.methods.initialization[initialization["scheme"]], initialization, seed)
        return torch.cat([tensor.detach().flatten() for tensor in weights_of(module).values()]).to(self.device)

    def views(self, parameters: Tensor) -> dict[str, Tensor]:
        """Views of parameters [E, P] or [P] by their names, [E, *shape] or [*shape]."""
        parts = torch.split(parameters, self.sizes, dim=-1)
        lead = parameters.shape[:-1]
        return {name: part.view(*lead, *shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def gradient(self, weights: Sequence[Tensor], batch: Batch, into: Sequence[Tensor]) -> Tensor:
        """Mean losses [E] on a batch, without emphasis; the gradients, with emphasis, are written to `into`.

        weights, into: a tensor [E, ...] for each weight, in the order of `views`
        """
        chosen = {"weights": batch.weights, "focus": batch.focus}
        emphasis = {name: part for name, part in chosen.items() if part is not None}

        def function(inputs: Tensor, labels: Tensor, *tensors: Tensor) -> list[Tensor]:
            rest = iter(tensors)
            nets = [next(rest) for _ in weights]
            masks = {name: next(rest) for name in batch.masks}
            return self._gradient(nets, Batch(inputs, labels, masks, **{name: next(rest) for name in emphasis}))

        key = ("gradient", *batch.masks, *emphasis)
        stacks = [batch.inputs, batch.labels, *weights, *batch.masks.values(), *emphasis.values()]
        losses, *gradients = self.programs.results(key, batch.labels.shape[1], function, [], stacks)
        for target, gradient in zip(into, gradients, strict=True):
            target.copy_(gradient)
        return losses

    @torch.no_grad()
    def evaluate(self, parameters: Tensor, part: Examples | SideBySide) -> dict[str, Tensor]:
        """Metrics [E] float64 of every slot without dropout: "loss", and of classes "error", "accuracy".

        part: of a split that all slots share, or of each slot's own
        """
        losses, *wrong = self.outcomes(parameters, part)
        found = {"loss": part.mean(losses)}
        for each in wrong:
            found["error"] = part.mean(each)
            found["accuracy"] = 1 - found["error"]
        return found

    @torch.no_grad()
    def outcomes(self, parameters: Tensor, part: Examples | SideBySide) -> list[Tensor]:
        """Losses of every slot and example [E, n], and of classes whether the example is in the wrong one [E, n]."""
        weights = list(self.views(parameters).values())
        chunks: list[list[Tensor]] = []
        for start in range(0, len(part), CHUNK):
            inputs, labels = part.chunk(start, start + CHUNK)
            version = inputs._version
            if isinstance(part, Examples):
                found = self.programs.results(("evaluate",), len(labels), self._outcome, [inputs, labels], weights)
            else:
                stacks = [inputs, labels, *weights]
                found = self.programs.results(("evaluate each",), labels.shape[1], self._own_outcome, [], stacks)
            chunks.append(found)
            check_unchanged(inputs, version)
        return [torch.cat(parts, dim=1) for parts in zip(*chunks, strict=True)]

    @torch.no_grad()
    def curvature(self, parameters: Tensor, index: Tensor, part: Examples | SideBySide | None = None) -> Tensor:
        """The diagonal of the Gauss-Newton matrix [E, P] of the mean loss on the examples `index` [E, n].

        part: what the examples are of, or None for the training part of the task's own split
        """
        weights = list(self.views(parameters).values())
        found = torch.zeros_like(parameters)
        for chosen in torch.split(index, CHUNK, dim=1):
            inputs = (part or self.train).take(chosen)
            sums = self.programs.results(("curvature",), chosen.shape[1], self._curvature, [], [inputs, *weights])
            for target, own in zip(self.views(found).values(), sums, strict=True):
                target.add_(own)
        return found.div_(index.shape[1])

    @torch.no_grad()
    def outputs(self, parameters: Tensor, part: Examples) -> Tensor:
        """The outputs of every slot for each example [E, n, k], without dropout."""
        weights = list(self.views(parameters).values())
        chunks = []
        for start in range(0, len(part), CHUNK):
            inputs = part.between(start, start + CHUNK)
            chunks += self.programs.results(("outputs",), len(inputs), self._outputs, [inputs], weights)
        return torch.cat(chunks, dim=1)

    def rates(self, settings: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
        """The dropout rates of slots with these settings, a list for each dropout layer by the layer's name."""
        return {name: [part.rate_for(one) for one in settings] for name, part in self.dropouts.items()}

    def _gradient(self, weights: Sequence[Tensor], batch: Batch) -> list[Tensor]:
        """Mean losses [E], and the gradient of each weight.

        One backward of the sum over slots: the mean would scale every gradient by 1/E.
        """
        labels, size = batch.labels, batch.labels.shape[1]
        with torch.enable_grad():
            leaves = [weight.detach().requires_grad_() for weight in weights]
            each = self.loss.each(self._apply(leaves, batch.masks, batch.inputs), labels, self.work.loss)
            losses = each.sum(-1) / size
            emphasized = batch.emphasized(each)
            minimised = losses if emphasized is each else emphasized.sum(-1) / size
            gradients = torch.autograd.grad(minimised.sum(), leaves, materialize_grads=True)
        return [losses.detach(), *gradients]

    def _curvature(self, inputs: Tensor, *weights: Tensor) -> list[Tensor]:
        """The Gauss-Newton matrix's diagonal, for each weight, summed over the examples with inputs [E, n, *shape]."""
        of_one = partial(diagonal, self.chain, lambda outputs: self.loss.second(outputs, self.work.loss))
        return self.way.over_slots(of_one, dict(zip(self.shapes, weights, strict=True)), inputs)

    def _outcome(self, inputs: Tensor, labels: Tensor, *weights: Tensor) -> list[Tensor]:
        """Losses [E, n] on inputs that all slots share, and of classes whether the likeliest one is wrong [E, n]."""
        return self._own_outcome(*(part.expand(len(weights[0]), *part.shape) for part in (inputs, labels)), *weights)

    def _own_outcome(self, inputs: Tensor, labels: Tensor, *weights: Tensor) -> list[Tensor]:
        """The same on each slot's own inputs [E, n, *shape]."""
        outputs = self._apply(weights, {}, inputs)
        losses = self.loss.each(outputs, labels, self.work.loss)
        return [losses] if labels.is_floating_point() else [losses, outputs.mT.max(-2).indices != labels]

    def _outputs(self, inputs: Tensor, *weights: Tensor) -> list[Tensor]:
        """Outputs [E, n, k] of inputs that all slots share."""
        return [self._apply(weights, {}, inputs.expand(len(weights[0]), *inputs.shape))]

    def _apply(self, weights: Sequence[Tensor], masks: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """Outputs [E, B, k] of every slot on inputs [E, B, *shape]."""
        stacks = {**dict(zip(self.shapes, weights, strict=True)), **masks}
        (outputs,) = self.way.over_slots(lambda *net: [self._forward(*net)], stacks, inputs)
        return outputs

    def _forward(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        outputs: Tensor = functional_call(self.module, dict(tensors), (inputs,))
        return outputs

    def _find_way(self) -> Way:
        self.way = Way.STACKED
        inputs, labels = (torch.tensor(part[:2], device=self.device) for part in self.data.train[:2])
        labels = labels.to(self.dtype) if labels.is_floating_point() else labels
        batch = Batch(in_precision(torch.stack([inputs] * 2), self.dtype), torch.stack([labels] * 2), {})
        weights = list(self.views(self.initial(0).repeat(2, 1)).values())
        return find_way(lambda *tensors: self._gradient(tensors, batch), weights)
