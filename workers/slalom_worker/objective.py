"""What a pack minimises: the loss of every slot on its own batch, its gradient, and the metrics on a split."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.func import functional_call, vmap

from slalom_worker.modules import DTYPES, build_module, probe, weights_of
from slalom_worker.regularizers import SlotDropout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from slalom.trial import Work
    from slalom_worker.tasks.data import Data, Split, Task

CHUNK = 256
"""Examples that are evaluated at once; a constant, since another width may round differently."""


class Examples(NamedTuple):
    """A split on the device: inputs [n, *shape], labels [n], weights [n] float64 of sum 1 or None for equal."""

    inputs: Tensor
    labels: Tensor
    weights: Tensor | None

    def mean(self, values: Tensor) -> Tensor:
        """Weighted means [E] float64 of values [E, n]."""
        values = values.double()
        return values.mean(-1) if self.weights is None else (values * self.weights).sum(-1)


class Objective:
    """The program of one pack key: E trials' losses and gradients as functions of their parameters [E, P]."""

    def __init__(self, work: Work, data: Data, task: Task, device: torch.device) -> None:
        """Raises InputError where the model does not fit the task."""
        self.work = work
        self.data = data
        self.task = task
        self.device = device
        self.dtype = DTYPES[work.precision]
        self.module = build_module(work, data, task, seed=0)
        probe(self.module, data, self.dtype)
        self.module.to(device)
        self.shapes = {name: tensor.shape for name, tensor in weights_of(self.module).items()}
        self.sizes = [shape.numel() for shape in self.shapes.values()]
        self.dropouts = {
            f"{name}.mask": part for name, part in self.module.named_modules() if isinstance(part, SlotDropout)
        }
        self.train = self._place(data.train)
        self.validation = self._place(data.validation)
        self._test: Examples | None = None
        self.stacks = self._try_stack()
        self.is_bias = torch.cat([torch.full((s.numel(),), len(s) <= 1) for s in self.shapes.values()]).to(device)

    @property
    def test(self) -> Examples:
        """The test split, brought to the device by the first confirm trial."""
        if self._test is None:
            self._test = self._place(self.data.test)
        return self._test

    def initial(self, seed: int) -> Tensor:
        """A trial's initial parameters [P]."""
        module = build_module(self.work, self.data, self.task, seed)
        return torch.cat([tensor.detach().flatten() for tensor in weights_of(module).values()]).to(self.device)

    def views(self, parameters: Tensor) -> dict[str, Tensor]:
        """Parameters [E, P] or [P] by name, as views of their own shapes behind E."""
        parts = torch.split(parameters, self.sizes, dim=-1)
        lead = parameters.shape[:-1]
        return {name: part.view(*lead, *shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def leaves(self, parameters: Tensor) -> dict[str, Tensor]:
        """The views as leaves of their own, sharing the parameters' memory: made once for many gradients."""
        return {name: view.detach().requires_grad_() for name, view in self.views(parameters).items()}

    def gradient(
        self, leaves: Mapping[str, Tensor], index: Tensor, masks: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Mean losses [E] and their gradients [E, P] on the training examples `index` [E, B].

        One backward of the sum over slots: the mean would scale every gradient by 1/E.
        """
        logits = self._apply(leaves, masks, self.train.inputs[index], shared=False)
        losses = _cross_entropy(logits, self.train.labels[index]).mean(-1)
        gradients = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return losses.detach(), torch.cat([part.flatten(1) for part in gradients], dim=1)

    @torch.no_grad()
    def evaluate(self, parameters: Tensor, split: Examples) -> dict[str, Tensor]:
        """Weighted mean loss, error and accuracy of every slot, each [E] float64, without dropout."""
        views = self.views(parameters)
        masks = self.no_masks(len(parameters))
        chunks: list[tuple[Tensor, Tensor]] = []
        for start in range(0, len(split.labels), CHUNK):
            logits = self._apply(views, masks, split.inputs[start : start + CHUNK], shared=True)
            labels = split.labels[start : start + CHUNK].expand(len(parameters), -1)
            chunks.append((_cross_entropy(logits, labels), logits.argmax(-1) != labels))
        losses, wrong = (torch.cat(parts, dim=1) for parts in zip(*chunks, strict=True))
        error = split.mean(wrong)
        return {"loss": split.mean(losses), "error": error, "accuracy": 1 - error}

    def no_masks(self, slots: int) -> dict[str, Tensor]:
        """Masks [E] of ones: nothing is dropped."""
        one = torch.ones(slots, dtype=self.dtype, device=self.device)
        return dict.fromkeys(self.dropouts, one)

    def rates(self, settings: Sequence[dict[str, float]]) -> dict[str, list[float]]:
        """Each dropout layer's rate in every slot."""
        return {name: [part.rate_for(one) for one in settings] for name, part in self.dropouts.items()}

    def _apply(
        self, parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor], inputs: Tensor, *, shared: bool
    ) -> Tensor:
        """Logits [E, B, classes] of every slot, on inputs [E, B, *shape], or on [B, *shape] that all share."""
        if self.stacks:
            logits: Tensor = vmap(self._forward, in_dims=(0, 0, None if shared else 0))(parameters, masks, inputs)
            return logits

        def alone(slot: int) -> Tensor:
            own, mask = ({name: stack[slot] for name, stack in stacks.items()} for stacks in (parameters, masks))
            return self._forward(own, mask, inputs if shared else inputs[slot])

        return torch.stack([alone(slot) for slot in range(len(next(iter(parameters.values()))))])

    def _try_stack(self) -> bool:
        """Whether vmap takes the module; one that looks at its numbers to decide what to do runs slot by slot."""
        self.stacks = True
        parameters = self.initial(0).expand(2, -1)
        try:
            self._apply(
                self.views(parameters),
                self.no_masks(2),
                self.train.inputs[None, :2].expand(2, -1, *self.data.shape),
                shared=False,
            )
        except RuntimeError:
            return False
        return True

    def _forward(self, parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        logits: Tensor = functional_call(self.module, {**parameters, **masks}, (inputs,))
        return logits

    def _place(self, split: Split) -> Examples:
        inputs = torch.as_tensor(split.inputs).to(self.device, self.dtype)
        weights = None if split.weights is None else torch.as_tensor(split.weights, dtype=torch.float64).to(self.device)
        return Examples(inputs, torch.as_tensor(split.labels).to(self.device), weights)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-log softmax(logits)[label]: [E, B] from logits [E, B, classes] and labels [E, B]."""
    return -logits.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
