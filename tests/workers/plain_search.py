"""Conjugate gradient with a strong Wolfe line search as Nocedal and Wright write it, for one function at a time.

Algorithms 3.5, 3.6 and 5.4, in Python and numpy: what packs are held to. Of the product it takes nothing.
"""

from typing import Any, NamedTuple

import numpy as np

MOST = 20
EPSILON = np.finfo(float).eps


class Point(NamedTuple):
    step: float
    loss: float
    slope: float
    place: Any
    gradient: Any


class Search:
    """Along one line; `evaluate` gives loss and gradient at a place."""

    def __init__(self, evaluate, start, direction, given):
        self.evaluate, self.start, self.direction, self.given = evaluate, start, direction, given
        self.count, self.smallest = 0, 0.0

    def run(self, step):
        """The point that the search ends at, and whether the Wolfe conditions hold there; algorithm 3.5."""
        last = self.start
        while True:
            tried = self.at(step)
            if self.is_high(tried, last):
                return self.zoom(last, tried)
            if self.is_flat(tried):
                return tried, True
            if tried.slope >= 0:
                return self.zoom(tried, last)
            if self.count == MOST:
                return tried, False
            way = tried.step - last.step
            step = np.clip(beyond(last, tried), tried.step + 0.1 * way, tried.step + 9 * way)
            last = tried

    def zoom(self, low, high):
        """Algorithm 3.6, until the bracket is too small for the loss to tell."""
        while self.count < MOST and abs(low.slope * (high.step - low.step)) > EPSILON * abs(low.loss):
            tried = self.at(within(low, high))
            if self.is_high(tried, low):
                high = tried
                continue
            if self.is_flat(tried):
                return tried, True
            if tried.slope * (high.step - low.step) >= 0:
                high = low
            low = tried
        self.smallest = high.step
        return low, False

    def at(self, step):
        self.count += 1
        place = self.start.place + step * self.direction
        loss, gradient = self.evaluate(place)
        return Point(step, loss, float(gradient @ self.direction), place, gradient)

    def is_high(self, tried, low):
        if not np.isfinite([tried.loss, tried.slope]).all():
            return True
        enough = self.start.loss + self.given["sufficient_decrease"] * tried.step * self.start.slope
        return tried.loss > enough or tried.loss >= low.loss

    def is_flat(self, tried):
        return abs(tried.slope) <= self.given["curvature"] * abs(self.start.slope)


def cubic(one, other):
    """Formula 3.59; no number where the cubic has no minimum."""
    with np.errstate(all="ignore"):
        d1 = one.slope + other.slope - 3 * (one.loss - other.loss) / (one.step - other.step)
        d2 = np.sign(other.step - one.step) * np.sqrt(d1**2 - one.slope * other.slope)
        share = (other.slope + d2 - d1) / (other.slope - one.slope + 2 * d2)
    return other.step - (other.step - one.step) * share


def within(low, high):
    """A tenth of the bracket from its ends at least."""
    least = cubic(low, high)
    share = (least - low.step) / (high.step - low.step) if np.isfinite(least) else 0.1
    return low.step + np.clip(share, 0.1, 0.9) * (high.step - low.step)


def beyond(last, tried):
    """Behind both points; infinity where nothing is to be found there."""
    least = cubic(last, tried)
    return least if least > tried.step else np.inf


class Line(NamedTuple):
    """Where a search begins: place, gradient and direction [P], and the step it tries first."""

    place: Any
    gradient: Any
    direction: Any
    step: float


def begin(evaluate, place, rate):
    """The first line, down the gradient."""
    gradient = evaluate(place)[1]
    return Line(place, gradient, -gradient, rate)


def advance(evaluate, line, formula, given):
    """The next line, after one search; algorithm 5.4, which goes on down the gradient where a search has given up."""
    slope = line.gradient @ line.direction
    start = Point(0.0, evaluate(line.place)[0], slope, line.place, line.gradient)
    search = Search(evaluate, start, line.direction, given)
    end, accepted = search.run(line.step)
    direction = -end.gradient
    if accepted:
        conjugate = direction + formula(end.gradient, line.gradient) * line.direction
        direction = conjugate if end.gradient @ conjugate < 0 else direction
    length = end.step if end.step > 0 else 0.1 * search.smallest
    return Line(end.place, end.gradient, direction, length * slope / (end.gradient @ direction))


def polak_ribiere(gradient, last):
    return max(0.0, gradient @ (gradient - last) / (last @ last))


def fletcher_reeves(gradient, last):
    return (gradient @ gradient) / (last @ last)


FORMULAS = {"polak_ribiere": polak_ribiere, "fletcher_reeves": fletcher_reeves}
