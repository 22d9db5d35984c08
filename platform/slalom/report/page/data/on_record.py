"""What only the study's records hold: what kept nets have learned, and the nights of its regression gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """What an arm's kept net says over the plane.

    probability: of class 1 of two: [ys, xs]; None of a task of more classes
    likeliest: the class that the net finds most likely: [ys, xs]; None of a task of two
    points: (x, y, label), on which the net was trained
    """

    arm: str
    probability: tuple[tuple[float, ...], ...] | None
    likeliest: tuple[tuple[int, ...], ...] | None
    points: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Plane:
    """A task of classes of points in the plane.

    xs, ys: where it is said what the nets decide
    best: the true probability of class 1 of two: [ys, xs], or None where that is not known
    """

    classes: int
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    best: tuple[tuple[float, ...], ...] | None
    arms: tuple[Decision, ...]


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
    plane: Plane | None = None
    trends: tuple[Trend, ...] = ()

    def plain(self) -> Mapping[str, object]:
        """The numbers of the records, without the pictures."""
        names = ("arm", "orientation", "initial_orientation")
        layers = [{name: getattr(layer, name) for name in names} for layer in self.first_layers]
        return {"first_layers": layers, "plane": self.plane, "trends": self.trends}
