"""Ways to compute a layer of a ConvNet for all slots of a pack, beside slot by slot, which is the product's.

Of first layers of one channel the product's is slot by slot as well, but each by a product of patches.

    make bench ONLY=routes

Microseconds per slot for a layer's outputs and gradients, in CPU time of one thread, or by the clock on a GPU where
there is one; medians of several runs. Prints one JSON line: by layer, by route. Every route gives the same numbers but
for rounding, which is checked here.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from slalom_worker.models.convolved import product_of_patches

SLOTS, RUNS, LEAST_SECONDS = 16, 7, 0.02
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Route = Callable[[Tensor, Tensor], Tensor]
"""Takes inputs [E, B, C, H, W] and kernels [E, M, C, k, k], and returns maps [E, B, M, h, w]."""


class Layer(NamedTuple):
    """A convolution: maps before, height and width, maps, pixels of a patch's side, padding and examples of a step."""

    inputs: int
    side: int
    maps: int
    kernel: int
    padding: int
    batch: int


LAYERS: Mapping[str, Layer] = {
    "LeNet-5 C1, 1 to 6 maps, 5 x 5 on 32 x 32, batch 32": Layer(1, 32, 6, 5, 0, 32),
    "LeNet-5 C3, 6 to 16 maps, 5 x 5 on 14 x 14, batch 32": Layer(6, 14, 16, 5, 0, 32),
    "LeNet-5 C1, batch 128": Layer(1, 32, 6, 5, 0, 128),
    "LeNet-5 C3, batch 128": Layer(6, 14, 16, 5, 0, 128),
    "2c2d first, 1 to 32 maps, 5 x 5 on 28 x 28, batch 128": Layer(1, 28, 32, 5, 2, 128),
    "2c2d second, 32 to 64 maps, 5 x 5 on 14 x 14, batch 128": Layer(32, 14, 64, 5, 2, 128),
    "AlexNet's third at an eighth, 32 to 48 maps, 3 x 3 on 7 x 7, batch 32": Layer(32, 7, 48, 3, 1, 32),
}


def main() -> None:
    """Measure every layer by every route."""
    torch.set_num_threads(1)
    print(json.dumps({name: measured(layer) for name, layer in LAYERS.items()}))


def measured(layer: Layer) -> dict[str, float]:
    """By route: microseconds per slot."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(SLOTS, layer.batch, layer.inputs, layer.side, layer.side, generator=generator).to(DEVICE)
    kernels = torch.randn(SLOTS, layer.maps, layer.inputs, layer.kernel, layer.kernel, generator=generator).to(DEVICE)
    kernels *= 0.1
    routes = routes_of(layer)
    expected = routes["slot by slot"](inputs, kernels)
    slope = torch.randn(expected.shape, generator=generator).to(DEVICE)
    found = {}
    for name, route in routes.items():
        if not torch.allclose(route(inputs, kernels), expected, atol=1e-3):
            raise RuntimeError(f"{name} must give the maps that slot by slot gives")
        found[name] = seconds(partial(step, route, inputs, kernels, slope)) / SLOTS * 1e6
    same = inputs[:1]
    expected = routes["slot by slot"](same.expand_as(inputs), kernels)
    if not torch.allclose(of_one_batch(layer)(same, kernels), expected, atol=1e-3):
        raise RuntimeError("slots with one batch must give the maps that slot by slot gives")
    found["one batch for all slots"] = seconds(lambda: step(of_one_batch(layer), same, kernels, slope)) / SLOTS * 1e6
    return found


def step(route: Route, inputs: Tensor, kernels: Tensor, slope: Tensor) -> Sequence[Tensor]:
    """The gradients of the inputs, but of the first layer's, and of the kernels."""
    leaves = [kernels.detach().requires_grad_()]
    below = inputs.detach().requires_grad_(inputs.shape[2] > 1)
    maps = route(below, leaves[0])
    if below.requires_grad:
        leaves.append(below)
    return torch.autograd.grad(maps, leaves, slope)


def routes_of(layer: Layer) -> Mapping[str, Route]:
    """The routes for slots that each have a batch of their own."""
    side = layer.side + 2 * layer.padding - layer.kernel + 1

    def apart(inputs: Tensor, kernels: Tensor) -> Tensor:
        pairs = zip(inputs, kernels, strict=True)
        return torch.stack([nn.functional.conv2d(own, kernel, padding=layer.padding) for own, kernel in pairs])

    def channels_last(inputs: Tensor, kernels: Tensor) -> Tensor:
        last = torch.channels_last
        pairs = zip(inputs, kernels, strict=True)
        return torch.stack(
            [
                nn.functional.conv2d(own.to(memory_format=last), kernel.to(memory_format=last), padding=layer.padding)
                for own, kernel in pairs
            ]
        )

    def grouped(inputs: Tensor, kernels: Tensor) -> Tensor:
        side_by_side = inputs.transpose(0, 1).flatten(1, 2)
        maps = nn.functional.conv2d(side_by_side, kernels.flatten(0, 1), padding=layer.padding, groups=len(kernels))
        return maps.unflatten(1, (len(kernels), layer.maps)).transpose(0, 1)

    def unfolded(inputs: Tensor, kernels: Tensor) -> Tensor:
        patches = nn.functional.unfold(inputs.flatten(0, 1), layer.kernel, padding=layer.padding)
        patches = patches.unflatten(0, (len(kernels), layer.batch)).permute(0, 2, 1, 3).flatten(2)
        maps = torch.bmm(kernels.flatten(2), patches).unflatten(2, (layer.batch, side, side))
        return maps.transpose(1, 2)

    def patched(inputs: Tensor, kernels: Tensor) -> Tensor:
        pairs = zip(inputs, kernels, strict=True)
        return torch.stack([product_of_patches(own, kernel, None, 1, layer.padding) for own, kernel in pairs])

    return {
        "slot by slot": apart,
        "each by patches": patched,
        "channels last": channels_last,
        "in groups": grouped,
        "unfolded": unfolded,
    }


def of_one_batch(layer: Layer) -> Route:
    """The route for slots that all have the same batch, as paired seeds have in the first layer: one convolution."""

    def route(inputs: Tensor, kernels: Tensor) -> Tensor:
        maps = nn.functional.conv2d(inputs[0], kernels.flatten(0, 1), padding=layer.padding)
        return maps.unflatten(1, (len(kernels), layer.maps)).transpose(0, 1)

    return route


def seconds(run: Callable[[], object]) -> float:
    """The median time of a call: the thread's own on a processor, the clock's on a GPU that has done all."""
    run()
    found = []
    for _ in range(RUNS):
        began, calls = now(), 0
        while now() - began < LEAST_SECONDS or not calls:
            run()
            calls += 1
        found.append((now() - began) / calls)
    return statistics.median(found)


def now() -> float:
    if DEVICE.type == "cpu":
        return time.thread_time()
    torch.cuda.synchronize(DEVICE)
    return time.perf_counter()


if __name__ == "__main__":
    main()
