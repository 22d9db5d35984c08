"""Probes a user's own loss, which must give each example a loss of its own that has a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from slalom.errors import InputError
from slalom_worker.training.probes.answers import again, as_tensor, finite, shown, untouched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom_worker.losses import Loss

SLOTS = 2
SIZES = (0.1, 1.0, 3.0)
"""Standard deviations of the outputs that a loss is probed with."""

ONE = 1e-3
"""Tolerance for class probabilities: of their sum, and below 0."""


def probe_loss(name: str, loss: Loss, options: Mapping[str, Any], outputs: int, labels: Tensor) -> None:
    """Raise InputError where a loss cannot be minimised, or its predictions are wrong.

    options: the study's `loss:`
    outputs: the number k of a net's outputs
    labels: labels of some examples, [B] (classes) or [B, k] (numbers)
    """
    draws = torch.Generator().manual_seed(0)
    numbers = labels.is_floating_point()
    for size in SIZES:
        given = torch.randn(SLOTS, len(labels), outputs, generator=draws) * size
        _probe_each(f"{name}: each", loss, options, given, labels.expand(SLOTS, *labels.shape).contiguous())
        _probe_prediction(f"{name}: predict", loss, options, given[0], numbers=numbers)


def probe_second(name: str, loss: Loss, options: Mapping[str, Any], outputs: int) -> None:
    """Raise InputError where a loss lacks the derivatives that the curvature needs; see probe_loss."""
    given = torch.randn(7, outputs, generator=torch.Generator().manual_seed(0))
    place = f"{name}: second"
    found = untouched(place, loss.second, outputs=given, options=dict(options))
    finite(place, as_tensor(place, found, given.shape, "[n, k]"), "second derivatives")
    if loss.slope is not None:
        place = f"{name}: slope"
        found = untouched(place, loss.slope, outputs=given, options=dict(options))
        finite(place, as_tensor(place, found, given.shape[:1], "[n]"), "slopes")


def probe_mean(name: str, loss: Loss, options: Mapping[str, Any], outputs: int, labels: Tensor) -> None:
    """Raise InputError where `of_mean` of one net is not that net's loss by `each`; see probe_loss."""
    given = torch.randn(1, len(labels), outputs, generator=torch.Generator().manual_seed(0))
    place = f"{name}: of_mean"
    shares = torch.ones(1, len(labels))
    found = untouched(place, loss.of_mean, outputs=given, shares=shares, labels=labels, options=dict(options))
    found = as_tensor(place, found, labels.shape[:1], "[n]")
    wanted = loss.each(given, labels.unsqueeze(0), options)[0]
    again(place, wanted, found, "of one net what `each` gives of it")


def probe_average(name: str, loss: Loss, options: Mapping[str, Any], outputs: int) -> None:
    """Raise InputError where `average` of equal outputs predicts something else than these; see probe_loss."""
    if loss.average is None:
        return
    given = torch.randn(1, 7, outputs, generator=torch.Generator().manual_seed(0))
    place = f"{name}: average"
    found = untouched(place, loss.average, outputs=[given, given.clone()], options=dict(options))
    found = as_tensor(place, found, given.shape, "[.., n, k]")
    one, mean = (loss.predict(each[0], options, False) for each in (given, found))
    again(place, one, mean, "outputs that predict the mean of what the given ones predict")


def _probe_each(place: str, loss: Loss, options: Mapping[str, Any], outputs: Tensor, labels: Tensor) -> None:
    outputs = outputs.requires_grad_()
    found = untouched(place, loss.each, outputs=outputs, labels=labels, options=dict(options))
    found = as_tensor(place, found, outputs.shape[:2], "[E, B]")
    of = f"losses of finite outputs{shown({name: value for name, value in options.items() if name != 'name'})}"
    if not found.is_floating_point():
        raise InputError(f"{place} must give losses of floating point, but gave {found.dtype}")
    finite(place, found.detach(), of)
    because = "the same losses of the same outputs"
    again(place, found.detach(), loss.each(outputs, labels, options).detach(), because)
    few = loss.each(outputs[:1, :1], labels[:1, :1], options)
    again(place, found[:1, :1].detach(), few.detach(), "each example's loss by that example alone")
    if not found.requires_grad:
        raise InputError(f"{place} must give losses whose slope by the outputs torch knows, but gave numbers without")
    (slopes,) = torch.autograd.grad(found.sum(), outputs, materialize_grads=True)
    finite(place, slopes, f"slopes of {of}")
    if not slopes.any():
        raise InputError(f"{place} must have a slope to go down, but it is 0 at every one of {outputs.numel()} outputs")


def _probe_prediction(place: str, loss: Loss, options: Mapping[str, Any], outputs: Tensor, *, numbers: bool) -> None:
    outputs = outputs.detach().double()
    found = untouched(place, loss.predict, outputs=outputs, options=dict(options), numbers=numbers)
    found = as_tensor(place, found, outputs.shape, "[n, k]")
    finite(place, found, "predictions")
    off = (found.sum(-1) - 1).abs()
    if not numbers and (float(found.min()) < -ONE or float(off.max()) > ONE):
        row = found[off.argmax()] if float(off.max()) > ONE else found[found.amin(-1).argmin()]
        raise InputError(
            f"{place} must give class probabilities, none negative and of sum 1, but gave "
            f"{[round(value, 3) for value in row.tolist()[:4]]}, whose sum is {float(row.sum()):.4g}"
        )
