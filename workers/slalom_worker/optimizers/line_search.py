"""A line search of every slot at once, one evaluation at a time, until the strong Wolfe conditions hold.

    f(a) <= f(0) + c1 * a * f'(0)  and  |f'(a)| <= c2 * |f'(0)|

for the loss f(a) at the step a along a direction. A search keeps two points: `low`, the lower one, which has decreased
the loss sufficiently, and `high`. Once they are a bracket, a minimum lies between them; before that, `high` is the
`low` of the evaluation before. So bracketing and zooming are one rule, and a slot's state is a few numbers. A loss that
is not finite counts as higher than any other.
Source: Nocedal and Wright 2006, "Numerical optimization", second edition, algorithms 3.5 and 3.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

MOST_EVALUATIONS = 20
"""The number of evaluations after which a search gives up."""

INNER, OUTER, SHRINK = 0.1, 9.0, 0.1
"""Bounds of the next step. Within a bracket it keeps away from both ends by INNER of the width; without one it goes
beyond the lower point by INNER to OUTER times the points' distance. Where a loss is not finite, SHRINK of the bracket
is tried next.
"""

ROUNDING = {4: 2.0**-23, 8: 2.0**-52}
"""Relative rounding of floating-point numbers, by their bytes."""

NUMBERS = (
    *(f"{point}_{what}" for point in ("start", "low", "high") for what in ("step", "loss", "slope")),
    *("next_step", "bracketed", "evaluations"),
)
"""Names of the scalars that a slot's search keeps from one evaluation to the next."""


class LinePoint(NamedTuple):
    """A point on each slot's line: the step along the direction, the loss there and its derivative, each [e, 1]."""

    step: Tensor
    loss: Tensor
    slope: Tensor

    def where(self, chosen: Tensor, other: LinePoint) -> LinePoint:
        """The point itself in the chosen slots [e, 1], and `other` in the rest."""
        return LinePoint(*(mine.where(chosen, theirs) for mine, theirs in zip(self, other, strict=True)))

    @classmethod
    def read(cls, state: Mapping[str, Tensor], name: str) -> LinePoint:
        """The point that the state keeps under a name: "start", "low" or "high"."""
        return cls(state[f"{name}_step"], state[f"{name}_loss"], state[f"{name}_slope"])

    def write(self, state: Mapping[str, Tensor], name: str) -> None:
        """Keep the point in the state under a name."""
        for what, value in zip(self._fields, self, strict=True):
            state[f"{name}_{what}"].copy_(value)


class SearchEnd(NamedTuple):
    """Which slots' searches have ended [e, 1]: the conditions hold, or the search gave up. The others go on."""

    accepted: Tensor
    given_up: Tensor


def begin(state: Mapping[str, Tensor], chosen: Tensor, start: LinePoint, first: Tensor) -> None:
    """Start a search in the chosen slots [e, 1].

    start: the point at step 0
    first: the step that is tried first [e, 1]
    """
    for name in ("start", "low", "high"):
        start.where(chosen, LinePoint.read(state, name)).write(state, name)
    state["next_step"].copy_(first.where(chosen, state["next_step"]))
    for name in ("bracketed", "evaluations"):
        state[name].masked_fill_(chosen, 0.0)


def narrow(state: Mapping[str, Tensor], columns: Mapping[str, Tensor], tried: LinePoint, rounding: float) -> SearchEnd:
    """Update each slot's points by the point `tried`; rounding: the relative rounding of losses."""
    start, low, high = (LinePoint.read(state, name) for name in ("start", "low", "high"))
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
    spent = (state["evaluations"] >= MOST_EVALUATIONS) | (bracketed & (gain <= rounding * low.loss.abs()))
    return SearchEnd(accepted, spent & ~accepted)


def next_step(state: Mapping[str, Tensor]) -> Tensor:
    """The step [e, 1] to evaluate next: the minimum of the cubic through both points, kept within bounds.

    This is formula 3.59 of the source with `low` at 0 and `high` at 1, in a form that also holds for quadratics.
    """
    low, high = LinePoint.read(state, "low"), LinePoint.read(state, "high")
    bracketed, width = state["bracketed"] > 0, high.step - low.step
    down, up, rise = low.slope * width, high.slope * width, high.loss - low.loss
    square, cube = 3 * rise - 2 * down - up, down + up - 2 * rise
    minimum = -down / (square + (square * square - 3 * cube * down).sqrt())
    inside = minimum.clamp(INNER, 1 - INNER).where(minimum.isfinite(), minimum.new_tensor(SHRINK))
    outside = minimum.clamp(-OUTER, -INNER).where(minimum < 0, minimum.new_tensor(-OUTER))
    return low.step + inside.where(bracketed, outside) * width
