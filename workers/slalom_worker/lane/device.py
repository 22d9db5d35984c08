"""The device that a lane trains on, set up so that numbers depend on its kind, and not on the machine or the memory."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

import torch

from slalom.errors import Infrastructure
from slalom.wire.trial import Memory
from slalom_worker.lane.environment import LANE_ENVIRONMENT, has_avx2, pin_kernels

STATM = Path("/proc/self/statm")

CPU = torch.device("cpu")

CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""The variable that cuBLAS reads when it is first used; with a workspace of fixed size its sums have a fixed order."""

CUDA_CONTEXT = 1 << 30
"""Bytes of a GPU that a process takes beside what torch reserves, at most."""


def open_device(asked: str = "auto") -> torch.device:
    """The lane's device: the first CUDA device that it may see, or one thread of the CPU.

    asked: as the study's `resources` have it: "gpu", "cpu", or "auto" for a GPU where there is one
    One thread, because lanes are how Slalom uses several cores, and because a sum split over threads rounds
    differently. Raises Infrastructure where a GPU is asked for and torch can use none, and where the process computed
    before its kernels could be pinned.
    """
    pin_kernels()
    torch.set_num_threads(1)
    if asked != "cpu" and torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        # the same kernels in the same order of sums each time, where there are such
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        os.environ[CUBLAS_WORKSPACE] = ":4096:8"
        return torch.device("cuda", 0)
    if asked == "gpu":
        raise Infrastructure(
            f"resources: device 'gpu' needs a GPU that torch can use, but {platform.node()} has none: {_no_cuda()}"
        )
    if has_avx2() and _capability() != "avx2":
        raise _too_late(f"torch's results are those of its kernels for {_capability()}")
    if not _alignment_is_free():
        raise _too_late("MKL's results depend on memory alignment")
    return CPU


def _no_cuda() -> str:
    """Why torch can use no GPU here."""
    if torch.version.cuda is None:
        return f"its torch, {torch.__version__}, is built without CUDA"
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    told = "CUDA_VISIBLE_DEVICES is not set" if seen is None else f"CUDA_VISIBLE_DEVICES is {seen!r}"
    return f"its torch, {torch.__version__} for CUDA {torch.version.cuda}, sees no GPU, or no driver for it; {told}"


def describe(device: torch.device) -> str:
    """The kind of device, on which numbers depend: "cpu x86-64 avx2", or the GPU's name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu {_machine()} {_capability()}"


def _machine() -> str:
    found = platform.machine().lower()
    return "x86-64" if found in ("x86_64", "amd64") else found


def _capability() -> str:
    """The vector instructions for which torch took its kernels: "avx2", "default", "sve256", ...; settles it."""
    return torch.backends.cpu.get_cpu_capability().lower()


def _too_late(what: str) -> Infrastructure:
    variables = " ".join(f"{name}={value}" for name, value in LANE_ENVIRONMENT.items())
    return Infrastructure(
        f"this process computed before its lane was opened, so {what}; start it with the environment variables "
        f"{variables}"
    )


def memory(device: torch.device) -> Memory:
    """What this process takes for itself: not what it shares with others, such as the libraries' code."""
    host = _own_memory()
    if device.type != "cuda":
        return Memory(host)
    free, total = torch.cuda.mem_get_info(device)
    return Memory(host, min(total - free, torch.cuda.max_memory_reserved(device) + CUDA_CONTEXT), total)


def out_of_memory(error: Exception) -> bool:
    """Whether the device, or the machine, has not given the memory that was asked for."""
    told = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)  # torch's own on the CPU
    return told or isinstance(error, torch.OutOfMemoryError | MemoryError)


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
