"""What only the study's records hold: what kept nets have learned, and the nights of its regression gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class FirstLayer:
    """The filters of the first layer of an arm's kept net, a convolution.

    filters, initial: pictures (PNG) of them after and before the training
    orientation, initial_orientation: their mean orientation, in [0, 1]: how much of a filter's edges has one direction
    """

    arm: str
    filters: bytes
    initial: bytes
    orientation: float
    initial_orientation: float


@dataclass(frozen=True)
class Decision:
    """What an arm's kept net says over the plane, of a task of classes of points in it.

    xs, ys: the places where it is said
    probability: of class 1 of two: [ys, xs], None where the net gives no number; None of a task of more classes
    likeliest: the class that the net finds most likely: [ys, xs]; None of a task of two
    best: the true probability of class 1 of two: [ys, xs], None where no point can be; None where it is not known
    points: (x, y, label), on which the net was trained; of very many some
    trained: the number of points on which it was trained
    """

    arm: str
    classes: int
    xs: Sequence[float]
    ys: Sequence[float]
    probability: Sequence[Sequence[float | None]] | None
    likeliest: Sequence[Sequence[int]] | None
    best: Sequence[Sequence[float | None]] | None
    points: Sequence[tuple[float, float, int]]
    trained: int


@dataclass(frozen=True)
class NightPoint:
    """A night: how far a metric was from the baseline's, within which margin, and what was said of it."""

    date: str
    difference: float
    margin: float
    answer: str


@dataclass(frozen=True)
class Trend:
    """The nights of an arm's metric, oldest first."""

    arm: str
    metric: str
    nights: tuple[NightPoint, ...]


@dataclass(frozen=True)
class OnRecord:
    """All that only the records hold; a field is empty, or None, where the study has no such record."""

    first_layers: tuple[FirstLayer, ...] = ()
    decisions: tuple[Decision, ...] = ()
    trends: tuple[Trend, ...] = ()

    def plain(self) -> Mapping[str, object]:
        """The numbers of the records, without the pictures."""
        names = ("arm", "orientation", "initial_orientation")
        layers = [{name: getattr(layer, name) for name in names} for layer in self.first_layers]
        return {"first_layers": layers, "decisions": self.decisions, "trends": self.trends}
