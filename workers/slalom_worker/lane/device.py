"""The device that a lane trains on, set up so that a number does not depend on where in memory it is computed."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import torch

from slalom.errors import Infrastructure
from slalom.wire.trial import Memory
from slalom_worker.lane.environment import LANE_ENVIRONMENT

STATM = Path("/proc/self/statm")

CUDA_CONTEXT = 1 << 30
"""Bytes of a GPU that a process takes beside what torch reserves, at most."""


def open_device() -> torch.device:
    """The lane's device: the first CUDA device that it may see, else one thread of the CPU.

    One thread, because lanes are how Slalom uses several cores, and because a sum split over threads rounds
    differently. Raises Infrastructure where the process computed with MKL before it could be set up.
    """
    os.environ.update(LANE_ENVIRONMENT)
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        return torch.device("cuda", 0)
    if not _alignment_is_free():
        raise Infrastructure(
            "this process computed before its lane was opened, so MKL's results depend on memory alignment; "
            f"start it with the environment variable MKL_CBWR={LANE_ENVIRONMENT['MKL_CBWR']}"
        )
    return torch.device("cpu")


def describe(device: torch.device) -> str:
    """The kind of device, for the records: "cpu", or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def memory(device: torch.device) -> Memory:
    """What this process takes for itself: not what it shares with others, such as the libraries' code."""
    host = _own_memory()
    if device.type != "cuda":
        return Memory(host)
    free, total = torch.cuda.mem_get_info(device)
    return Memory(host, min(total - free, torch.cuda.max_memory_reserved(device) + CUDA_CONTEXT), total)


def _own_memory() -> int:
    """Bytes by now; where there is no /proc, bytes at the most there were, those shared with others among them."""
    if not STATM.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, resident, shared, *_ = STATM.read_text().split()
    return (int(resident) - int(shared)) * resource.getpagesize()


def _alignment_is_free() -> bool:
    """Whether products of the same matrices, 64-byte aligned and not, are the same in every bit."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(16, 32, 10, generator=generator).transpose(1, 2)
    right = torch.randn(16, 32, 7, generator=generator)
    whole = torch.bmm(left, right)
    parts = [torch.bmm(left[i : i + 1].clone(), right[i : i + 1].clone()) for i in range(16)]
    return torch.equal(torch.cat(parts), whole)
