"""What the machine allows: the rate of its matrix products, its memory's bandwidth, and the step written by hand.

One thread; float32; CPU seconds, so that a busy neighbour is not counted. Prints one JSON line.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import torch

from slalom_worker.lane.device import open_device
from tests.benchmarks.pack import cpu_seconds, mlp, packed_step
from tests.benchmarks.peers.by_hand import Step, by_autograd, by_bmm

SLOTS, BATCH, INPUTS, HIDDEN, CLASSES = 256, 32, 2, 10, 2
SIDE = 1024
MEGABYTES = 256


def gemm() -> float:
    """GFLOP/s of a large square product."""
    left, right, out = torch.randn(3, SIDE, SIDE)
    return 2 * SIDE**3 / cpu_seconds(lambda: torch.mm(left, right, out=out)) / 1e9


def small_gemm() -> float:
    """GFLOP/s of the first layer's products, [256, 32, 2] by [256, 2, 10]."""
    left, right = torch.randn(SLOTS, BATCH, INPUTS), torch.randn(SLOTS, INPUTS, HIDDEN)
    out = torch.empty(SLOTS, BATCH, HIDDEN)
    return 2 * SLOTS * BATCH * INPUTS * HIDDEN / cpu_seconds(lambda: torch.bmm(left, right, out=out)) / 1e9


def bandwidth() -> float:
    """GB/s of a copy that no cache holds, read and written bytes together."""
    source = torch.ones(MEGABYTES << 18)
    target = torch.empty_like(source)
    return 2 * source.numel() * 4 / cpu_seconds(lambda: target.copy_(source)) / 1e9


def step_by_hand(gradient: Callable[[Step], None]) -> float:
    """Microseconds per trial and step."""
    step = Step(SLOTS, BATCH, (INPUTS, HIDDEN, CLASSES))

    def work() -> None:
        gradient(step)
        step.adam()

    return cpu_seconds(work) / SLOTS * 1e6


def main() -> None:
    open_device()
    print(
        json.dumps(
            {
                "GEMM 1024 x 1024, GFLOP/s": gemm(),
                "bmm [256, 32, 2] x [256, 2, 10], GFLOP/s": small_gemm(),
                "copy of 256 MB, GB/s": bandwidth(),
                "2-10-2 at E = 256, by hand with baddbmm and autograd, us": step_by_hand(by_autograd),
                "2-10-2 at E = 256, by hand with baddbmm and bmm backward, us": step_by_hand(by_bmm),
                "2-10-2 at E = 256, Slalom's pack, us": packed_step(
                    mlp(INPUTS, HIDDEN, CLASSES, BATCH, (SLOTS,)), SLOTS
                ),
            }
        )
    )


if __name__ == "__main__":
    main()
