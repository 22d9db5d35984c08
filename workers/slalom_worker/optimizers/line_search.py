"""A line search of every slot at once, one evaluation at a time, until the strong Wolfe conditions hold.

    f(a) <= f(0) + c1 * a * f'(0)  and  |f'(a)| <= c2 * |f'(0)|

for the loss f(a) at the step a along a direction. Of two points the search keeps the lower, `low`, which has decreased
the loss sufficiently; the other is `high`. Once they are a bracket a minimum lies between them, and before that
`high` is the `low` of the evaluation before. So bracketing and zooming are one rule, and a slot's place in them a few
numbers of its own. A loss that is not finite counts as higher than any other.
Source: Nocedal and Wright 2006, "Numerical optimization", second edition, algorithms 3.5 and 3.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

MOST = 20
"""Evaluations of one search; it gives up after these."""

INNER, OUTER, SHRINK = 0.1, 9.0, 0.1
"""A step keeps away from a bracket's ends by INNER of its width. Where the two points are no bracket it goes beyond the
lower one by INNER to OUTER times their distance. SHRINK of the bracket is tried next to a loss that is not finite.
"""

ROUNDING = {4: 2.0**-23, 8: 2.0**-52}
"""Of numbers of so many bytes."""

NUMBERS = (
    *(f"{point}_{what}" for point in ("start", "low", "high") for what in ("step", "loss", "slope")),
    *("step", "bracketed", "evaluations"),
)
"""What a search has to remember of a slot; "step" is the one that is evaluated next."""


class Point(NamedTuple):
    """A place on the slots' lines: how far along the direction, the loss there and its derivative, each [e, 1]."""

    step: Tensor
    loss: Tensor
    slope: Tensor

    def where(self, chosen: Tensor, other: Point) -> Point:
        """The point in the chosen slots [e, 1], and the other one in the rest."""
        return Point(*(mine.where(chosen, theirs) for mine, theirs in zip(self, other, strict=True)))

    @classmethod
    def read(cls, state: Mapping[str, Tensor], name: str) -> Point:
        """A point that a search remembers."""
        return cls(state[f"{name}_step"], state[f"{name}_loss"], state[f"{name}_slope"])

    def write(self, state: Mapping[str, Tensor], name: str) -> None:
        """Remember the point."""
        for what, value in zip(self._fields, self, strict=True):
            state[f"{name}_{what}"].copy_(value)


class Found(NamedTuple):
    """Where the conditions hold and where the search cannot go on, [e, 1]; it does in the rest."""

    accepted: Tensor
    given_up: Tensor


def begin(state: Mapping[str, Tensor], chosen: Tensor, start: Point, first: Tensor) -> None:
    """Start a search in the chosen slots [e, 1], with the step that is tried first."""
    for name in ("start", "low", "high"):
        start.where(chosen, Point.read(state, name)).write(state, name)
    state["step"].copy_(first.where(chosen, state["step"]))
    for name in ("bracketed", "evaluations"):
        state[name].masked_fill_(chosen, 0.0)


def narrow(state: Mapping[str, Tensor], columns: Mapping[str, Tensor], tried: Point, rounding: float) -> Found:
    """Take the point that was evaluated into the search; rounding: of the losses, relative."""
    start, low, high = (Point.read(state, name) for name in ("start", "low", "high"))
    enough = start.loss + columns["sufficient_decrease"] * tried.step * start.slope
    finite = tried.loss.isfinite() & tried.slope.isfinite()
    lower = finite & (tried.loss <= enough) & (tried.loss < low.loss)
    accepted = lower & (tried.slope.abs() <= -columns["curvature"] * start.slope)
    bracketed = state["bracketed"] > 0
    turned = lower & (tried.slope * (high.step - low.step).where(bracketed, tried.step - low.step) >= 0)
    high = tried.where(~lower, low.where(turned | ~bracketed, high))
    low = tried.where(lower, low)
    bracketed = bracketed | turned | ~lower
    low.write(state, "low")
    high.write(state, "high")
    state["bracketed"].copy_(bracketed)
    state["evaluations"].add_(1)
    gain = (low.slope * (high.step - low.step)).abs()
    spent = (state["evaluations"] >= MOST) | (bracketed & (gain <= rounding * low.loss.abs()))
    return Found(accepted, spent & ~accepted)


def next_step(state: Mapping[str, Tensor]) -> Tensor:
    """The step to evaluate next: the minimum of the cubic through both points, kept within bounds.

    Formula 3.59 of the source with the lower point at 0 and the other one at 1, in a form that holds for quadratics.
    """
    low, high = Point.read(state, "low"), Point.read(state, "high")
    bracketed, width = state["bracketed"] > 0, high.step - low.step
    down, up, rise = low.slope * width, high.slope * width, high.loss - low.loss
    square, cube = 3 * rise - 2 * down - up, down + up - 2 * rise
    minimum = -down / (square + (square * square - 3 * cube * down).sqrt())
    inside = minimum.clamp(INNER, 1 - INNER).where(minimum.isfinite(), minimum.new_tensor(SHRINK))
    outside = minimum.clamp(-OUTER, -INNER).where(minimum < 0, minimum.new_tensor(-OUTER))
    return low.step + inside.where(bracketed, outside) * width
