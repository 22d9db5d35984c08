"""Nonlinear conjugate gradient: a line search along d, then another along d <- -g + beta * d.

    Fletcher-Reeves:  beta = |g|^2 / |last g|^2
    Polak-Ribiere+:   beta = max(0, g * (g - last g) / |last g|^2)

A step of the pack is one evaluation of loss and gradient at a trial point; the answer is the last point that a search
accepted. The learning rate is the first step tried along -g; a later search first tries the last search's step times
the ratio of the slopes. Where d is no direction of descent, and after a search that gave up and went back to the lowest
point it had seen, the next direction is -g. A slot's scalars are float64, whatever the net's precision.
Source: Nocedal and Wright 2006, "Numerical optimization", second edition, algorithm 5.4, formula 5.44 and, for the
first step, page 59; Fletcher and Reeves 1964; Polak and Ribiere 1969.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import nan
from typing import TYPE_CHECKING

from slalom.wire.kinds import fraction
from slalom_worker.optimizers import line_search
from slalom_worker.optimizers.base import Block, Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def fletcher_reeves(gradient: Tensor, last: Tensor) -> Tensor:
    """Beta [e, 1]; NaN or infinite where the last gradient is zero."""
    return _dot(gradient, gradient) / _dot(last, last)


def polak_ribiere(gradient: Tensor, last: Tensor) -> Tensor:
    """Beta [e, 1], zero where it would be negative; NaN or infinite where the last gradient is zero."""
    return (_dot(gradient, gradient - last) / _dot(last, last)).clamp(min=0)


def update(block: Block, formula: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Advance each slot's search by one evaluation: the search goes on, or it ends and the next one begins."""
    state = block.state
    searching = state["searching"] > 0
    slope = _dot(block.gradient, state["direction"])
    tried = line_search.LinePoint(state["next_step"], block.loss, slope)
    rounding = line_search.ROUNDING[block.parameters.element_size()]
    end = line_search.narrow(state, block.columns, tried, rounding)
    arrived = ~searching | end.accepted
    _begin_search(block, formula, arrived, end.accepted & searching)
    given_up = end.given_up & ~arrived
    _set_next_parameters(block, arrived, given_up)
    state["searching"].copy_(~given_up)


def _begin_search(block: Block, formula: Callable[[Tensor, Tensor], Tensor], arrived: Tensor, accepted: Tensor) -> None:
    """Begin a search in the slots that have arrived, along a conjugate direction where the last search was accepted."""
    state, gradient = block.state, block.gradient
    beta = formula(gradient, state["last_gradient"]).to(gradient.dtype)
    conjugate = state["direction"] * beta - gradient
    slope = _dot(conjugate, gradient)
    descends = accepted & (slope < 0)
    slope = slope.where(descends, -_dot(gradient, gradient))
    sound = block.loss.isfinite() & slope.isfinite()
    _put(state["direction"], conjugate.where(descends, -gradient), arrived)
    _put(state["last_gradient"], gradient, arrived)
    _put(state["origin"], block.parameters, arrived)
    _put(state["answer_loss"], block.data_loss.masked_fill(~sound, nan), arrived)
    block.data_loss.copy_(state["answer_loss"])
    first = state["next_step"] * state["start_slope"] / slope
    first = first.where(first.isfinite() & (first > 0), block.columns["rate"].double())
    line_search.begin(state, arrived, line_search.LinePoint(first * 0, block.loss, slope), first)


def _set_next_parameters(block: Block, arrived: Tensor, given_up: Tensor) -> None:
    """Set the parameters to be evaluated next; a search that gives up goes back to its lowest point.

    Where that is the search's start, the next search first tries a smaller step than this search's smallest.
    """
    state = block.state
    best, smaller = state["low_step"], line_search.SHRINK * state["high_step"]
    step = state["next_step"].where(arrived, line_search.next_step(state))
    state["next_step"].copy_(best.where(best > 0, smaller).where(given_up, step))
    step = best.where(given_up, step).to(block.parameters.dtype)
    block.parameters.copy_(state["direction"] * step + state["origin"])


def _put(buffer: Tensor, value: Tensor, chosen: Tensor) -> None:
    """Overwrite the buffer in the chosen slots [e, 1]."""
    buffer.copy_(value.where(chosen, buffer))


def _dot(one: Tensor, other: Tensor) -> Tensor:
    """Each slot's product of two vectors, [e, 1] float64 from [e, P]."""
    return (one.double() * other).sum(1, keepdim=True)


POLAK_RIBIERE = Optimizer(
    partial(update, formula=polak_ribiere),
    state=("origin", "direction", "last_gradient"),
    hyperparameters={"sufficient_decrease": fraction(1e-4), "curvature": fraction(0.1)},
    whole=True,
    scalars=("searching", "answer_loss", *line_search.NUMBERS),
    answer="origin",
    full_batch="its line search compares losses, which must be of the same examples and the same net",
)

FLETCHER_REEVES = replace(POLAK_RIBIERE, update=partial(update, formula=fletcher_reeves))
