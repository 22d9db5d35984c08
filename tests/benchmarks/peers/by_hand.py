"""A training step of E nets with one hidden layer, written by hand for just this shape: the floor of `Pack.advance`."""

from __future__ import annotations

import torch
from torch import Tensor

EXAMPLES = 640
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


class Step:
    """The state of E nets: parameters [E, P], their gradients and Adam's moments; one fixed index [E, B] of
    examples. The gradients' functions leave the losses [E, 1] in `loss`.

    The layers are views: w1 [E, d, h], b1 [E, 1, h], w2 [E, h, c], b2 [E, 1, c].
    """

    def __init__(self, slots: int, batch: int, sizes: tuple[int, int, int]) -> None:
        inputs, hidden, classes = sizes
        self.shapes = [(inputs, hidden), (1, hidden), (hidden, classes), (1, classes)]
        count = sum(rows * columns for rows, columns in self.shapes)
        self.parameters = torch.randn(slots, count) * 0.1
        self.gradient, self.mean, self.square = torch.zeros(3, slots, count)
        self.layers, self.slopes = self._views(self.parameters), self._views(self.gradient)
        self.leaves = [layer.detach().requires_grad_() for layer in self.layers]
        self.inputs = torch.randn(EXAMPLES, inputs)
        self.labels = torch.randint(classes, (EXAMPLES,))
        self.index = torch.randint(EXAMPLES, (slots, batch))
        self.loss = torch.zeros(slots, 1)
        self.steps = 0

    def _views(self, flat: Tensor) -> list[Tensor]:
        parts = flat.split([rows * columns for rows, columns in self.shapes], dim=1)
        return [part.view(len(flat), *shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def adam(self) -> None:
        """Update all nets by their gradients."""
        self.steps += 1
        self.mean.lerp_(self.gradient, 1 - BETA1)
        self.square.mul_(BETA2).addcmul_(self.gradient, self.gradient, value=1 - BETA2)
        root = (1 - BETA2**self.steps) ** 0.5
        denominator = self.square.sqrt().div_(root).add_(EPSILON)
        self.parameters.addcdiv_(self.mean, denominator, value=-RATE / (1 - BETA1**self.steps))


def by_autograd(step: Step) -> None:
    """Gradients by one backward of the summed losses."""
    w1, b1, w2, b2 = step.leaves
    hidden = torch.baddbmm(b1, step.inputs[step.index], w1).tanh()
    logits = torch.baddbmm(b2, hidden, w2)
    chosen = logits.log_softmax(-1).gather(-1, step.labels[step.index].unsqueeze(-1))
    step.loss = -chosen.mean(1)
    for slope, found in zip(step.slopes, torch.autograd.grad(step.loss.sum(), step.leaves), strict=True):
        slope.copy_(found)


def by_bmm(step: Step) -> None:
    """Gradients by the chain rule, written out."""
    w1, b1, w2, b2 = step.layers
    inputs, labels = step.inputs[step.index], step.labels[step.index].unsqueeze(-1)
    hidden = torch.baddbmm(b1, inputs, w1).tanh_()
    chances = torch.baddbmm(b2, hidden, w2).log_softmax(-1)
    step.loss = -chances.gather(-1, labels).mean(1)
    slope = chances.exp_()
    slope.scatter_add_(-1, labels, slope.new_tensor(-1.0).expand_as(labels)).div_(labels.shape[1])
    to_w1, to_b1, to_w2, to_b2 = step.slopes
    to_w2.copy_(torch.bmm(hidden.mT, slope))
    to_b2.copy_(slope.sum(1, keepdim=True))
    below = torch.bmm(slope, w2.mT).mul_(1 - hidden.square())
    to_w1.copy_(torch.bmm(inputs.mT, below))
    to_b1.copy_(below.sum(1, keepdim=True))
