"""Plans a net layer by layer: tracks shapes, counts parameters and connections, and refuses layers that do not fit."""

from __future__ import annotations

from math import gcd, prod
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom_worker.models.plan import Plan, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    Table = Sequence[Sequence[int]]


class Planner:
    """The layers added so far.

    shape: the shape of one example behind these layers, (units,) or (channels, height, width)
    """

    def __init__(self, model: str, shape: tuple[int, ...]) -> None:
        """model: the model's name, for messages; shape: the shape of one input."""
        self.model = model
        self.shape = shape
        self._steps: list[Step] = []
        self._hidden = 0

    def plan(self) -> Plan:
        """The net of all layers added so far."""
        return Plan(tuple(self._steps), self._hidden)

    def add(
        self,
        kind: str,
        *,
        shape: tuple[int, ...] | None = None,
        parameters: int = 0,
        connections: int = 0,
        **options: Any,
    ) -> Planner:
        """Add a layer of a kind in assembly.KINDS; shape: of an example behind it, or None where it does not change."""
        self._steps.append(Step(kind, options, parameters, connections))
        self.shape = self.shape if shape is None else shape
        return self

    def input_dropout(self) -> Planner:
        """Drop inputs here, at the rate of the setting `input_dropout`."""
        return self.add("dropout", setting="input_dropout")

    def hidden_dropout(self) -> Planner:
        """Drop hidden units here, at the rate of the setting `hidden_dropout`."""
        self._hidden += 1
        return self.add("dropout", setting="hidden_dropout", layer=self._hidden)

    def picture(self, least: int = 1, most: int | None = None, background: float = 0.0) -> Planner:
        """Take inputs as pictures of `least` to `most` pixels a side; InputError where they are none, or larger.

        A picture smaller than `least` is enlarged by the largest whole factor that fits, then framed by `background`.
        """
        if len(self.shape) not in (2, 3):
            raise InputError(
                f"model {self.model} takes pictures, [channels, height, width] or [height, width], but the task's "
                f"inputs are of shape {list(self.shape)}"
            )
        channels, height, width = shape = self.shape if len(self.shape) == 3 else (1, *self.shape)
        if most is not None and max(height, width) > most:
            raise InputError(
                f"model {self.model} takes pictures of at most {most} x {most} pixels, got {height} x {width}"
            )
        factor = max(1, least // max(height, width))
        high, wide = max(least, factor * height), max(least, factor * width)
        pads = (*_halves(wide - factor * width), *_halves(high - factor * height))
        return self.add(
            "picture", shape=(channels, high, wide), picture=shape, factor=factor, pads=pads, background=background
        )

    def pad(self, pixels: int, value: float = 0.0) -> Planner:
        """Frame the maps by `pixels` pixels of a value in all on each axis, an odd one at the right and the bottom."""
        channels, height, width = self.shape
        padding = (*_halves(pixels), *_halves(pixels))
        return self.add("pad", shape=(channels, height + pixels, width + pixels), padding=padding, value=value)

    def convolution(
        self,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        kind: str = "convolution",
        begin: str | None = None,
    ) -> Planner:
        """Add `channels` maps of units that each see a patch of `kernel` pixels a side.

        kind: "convolution", or "local", where each unit has weights of its own
        begin: how weights are drawn, a key of beginnings.BEGINNINGS, or None for torch's way
        Raises InputError where the patch does not fit.
        """
        inputs, high, wide = self._map(kernel, stride, padding)
        units = channels * high * wide
        weights = inputs // groups * kernel**2 + 1
        options: dict[str, Any] = {"groups": groups, "begin": begin}
        if kind == "local":
            options = {"places": (high, wide)}
        return self.add(
            kind,
            shape=(channels, high, wide),
            parameters=weights * (units if kind == "local" else channels),
            connections=weights * units,
            inputs=inputs,
            channels=channels,
            kernel=kernel,
            stride=stride,
            padding=padding,
            **options,
        )

    def maps(self, table: Table, kernel: int, *, stride: int = 1, own_biases: bool = False, begin: str) -> Planner:
        """Add a convolution whose maps see those of the maps before that a table lists.

        own_biases: whether each unit has a bias of its own, instead of each map
        """
        inputs, high, wide = self._map(kernel, stride, 0)
        weights, places = sum(map(len, table)) * kernel**2, high * wide
        return self.add(
            "maps",
            shape=(len(table), high, wide),
            parameters=weights + len(table) * (places if own_biases else 1),
            connections=(weights + len(table)) * places,
            inputs=inputs,
            table=table,
            kernel=kernel,
            stride=stride,
            places=(high, wide) if own_biases else None,
            begin=begin,
        )

    def subsampling(self, begin: str) -> Planner:
        """Add LeNet-5's subsampling: the sum of a patch of 2 x 2, times the map's coefficient, plus the map's bias."""
        channels, high, wide = self._map(2, 2, 0)
        return self.add(
            "subsampling",
            shape=(channels, high, wide),
            parameters=2 * channels,
            connections=5 * channels * high * wide,
            channels=channels,
            begin=begin,
        )

    def pool(self, kind: str, size: int, stride: int) -> Planner:
        """Add pooling: the greatest ("max") or the mean ("average") of each patch of `size` pixels a side."""
        channels, high, wide = self._map(size, stride, 0)
        return self.add(kind, shape=(channels, high, wide), size=size, stride=stride)

    def normalise(self, kind: str, towers: int = 1, groups: int = 4) -> Planner:
        """Add normalisation: of responses in each tower ("lrn", as AlexNet), by batch ("batch") or by group ("group").

        groups: most groups of channels; the greatest common divisor of it and the number of channels is taken
        """
        channels = self.shape[0]
        if kind == "lrn":
            return self.add(kind, towers=towers)
        options: dict[str, Any] = {"channels": channels} | (
            {"groups": gcd(groups, channels)} if kind == "group" else {}
        )
        return self.add(kind, parameters=2 * channels, connections=2 * prod(self.shape), **options)

    def activation(self, name: str) -> Planner:
        """Add an activation of activations.ACTIVATIONS."""
        return self.add(name)

    def flatten(self) -> Planner:
        """Put all units of an example in a row."""
        return self.add("flatten", shape=(prod(self.shape),))

    def full(self, units: int, *, bias: bool = True, kind: str = "full", begin: str | None = None) -> Planner:
        """Add `units` units that see all units before them, which must be in a row."""
        (inputs,) = self.shape
        weights = (inputs + bias) * units
        return self.add(
            kind,
            shape=(units,),
            parameters=weights,
            connections=weights,
            inputs=inputs,
            units=units,
            bias=bias,
            **({} if kind == "linear" else {"begin": begin}),
        )

    def unflatten(self, shape: tuple[int, int, int]) -> Planner:
        """Reshape units in a row to maps."""
        return self.add("unflatten", shape=shape, maps=shape)

    def map_size(self, kernel: int, stride: int) -> tuple[int, int]:
        """Height and width of maps whose units see patches of `kernel` pixels a side; InputError where none fits in."""
        return self._map(kernel, stride, 0)[1:]

    def _map(self, kernel: int, stride: int, padding: int) -> tuple[int, int, int]:
        channels, height, width = self.shape
        if kernel > min(height, width) + 2 * padding:
            raise InputError(
                f"model {self.model}: a patch of {kernel} x {kernel} must fit into the maps before it, but they have "
                f"{height} x {width} pixels; take fewer layers, smaller strides or smaller patches"
            )
        high, wide = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        return channels, high, wide


def _halves(pixels: int) -> tuple[int, int]:
    return pixels // 2, pixels - pixels // 2
