"""The device that a lane trains on, set up so that numbers depend on the kind of device alone."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
from pathlib import Path

import torch

from slalom.errors import Infrastructure
from slalom.wire.trial import Memory
from slalom_worker.lane.environment import LANE_ENVIRONMENT, has_avx2, maker, pin_kernels
from slalom_worker.lane.kernels import ask_for_deterministic_kernels

STATM = Path("/proc/self/statm")

CPU = torch.device("cpu")

TORCH_CPU = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"

MKL_AVX2_STRICT = 0x1000A
"""What MKL tells of itself where its first product found `MKL_CBWR=AVX2,STRICT`; mkl_types.h has the numbers."""

CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""The environment variable that sets cuBLAS's workspace, read at first use: a fixed size fixes the order of sums."""

CUDA_CONTEXT = 1 << 30
"""Most bytes of a GPU that a process takes in addition to what torch reserves."""


def open_device(asked: str = "auto") -> torch.device:
    """Open the lane's device: the first CUDA device that the process may see, or one thread of the CPU.

    asked: the `device` of the study's `resources`: "gpu", "cpu", or "auto" for a GPU where there is one
    The CPU gets one thread, since Slalom uses several cores by several lanes, and a sum split over threads rounds
    differently. Raises Infrastructure where a GPU is asked for and torch can use none, and where the process computed
    before its kernels could be pinned.
    """
    pin_kernels()
    torch.set_num_threads(1)
    if asked != "cpu" and torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        # deterministic kernels, where torch has them
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        os.environ[CUBLAS_WORKSPACE] = ":4096:8"
        ask_for_deterministic_kernels()
        return torch.device("cuda", 0)
    if asked == "gpu":
        raise Infrastructure(
            f"resources: device 'gpu' needs a GPU that torch can use, but {platform.node()} has none: {_no_cuda()}"
        )
    if has_avx2() and _capability() != "avx2":
        raise _too_late(f"torch's results are those of its kernels for {_capability()}")
    if not (_mkl_is_pinned() and _alignment_is_free()):
        raise _too_late("MKL's results depend on memory alignment, or are those of its kernels for newer processors")
    return CPU


def _no_cuda() -> str:
    """Why torch can use no GPU here."""
    if torch.version.cuda is None:
        return f"its torch, {torch.__version__}, is built without CUDA"
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    told = "CUDA_VISIBLE_DEVICES is not set" if seen is None else f"CUDA_VISIBLE_DEVICES is {seen!r}"
    return f"its torch, {torch.__version__} for CUDA {torch.version.cuda}, sees no GPU, or no driver for it; {told}"


def describe(device: torch.device) -> str:
    """The kind of device that numbers depend on, such as "cpu x86-64 avx2 amd", or the GPU's name.

    The processor's maker belongs to it where torch multiplies by MKL, whose kernels differ by it.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    kind = f"cpu {_machine()} {_capability()}"
    return f"{kind} {maker()}" if torch.backends.mkl.is_available() else kind  # type: ignore[no-untyped-call]


def _machine() -> str:
    found = platform.machine().lower()
    return "x86-64" if found in ("x86_64", "amd64") else found


def _capability() -> str:
    """The vector instructions that torch's CPU kernels use: "avx2", "default", "sve256", ...

    Asking makes torch choose them, so the environment variables must be set before.
    """
    return torch.backends.cpu.get_cpu_capability().lower()


def _too_late(what: str) -> Infrastructure:
    variables = " ".join(f"{name}={value}" for name, value in LANE_ENVIRONMENT.items())
    return Infrastructure(
        f"this process computed before its lane was opened, so {what}; start it with the environment variables "
        f"{variables}"
    )


def memory(device: torch.device) -> Memory:
    """The memory of this process alone, without what it shares with others, such as the libraries' code."""
    host = _own_memory()
    if device.type != "cuda":
        return Memory(host)
    free, total = torch.cuda.mem_get_info(device)
    return Memory(host, min(total - free, torch.cuda.max_memory_reserved(device) + CUDA_CONTEXT), total)


def out_of_memory(error: Exception) -> bool:
    """Whether the error says that the device or the machine is out of memory."""
    told = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)  # torch's own on the CPU
    return told or isinstance(error, torch.OutOfMemoryError | MemoryError)


def _own_memory() -> int:
    """Bytes that this process holds alone; where there is no /proc, its peak, with shared bytes."""
    if not STATM.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, resident, shared, *_ = STATM.read_text().split()
    return (int(resident) - int(shared)) * resource.getpagesize()


def _mkl_is_pinned() -> bool:
    """Whether MKL took the branch that it was told, as far as it can be asked.

    MKL can be asked on Intel's processors where it is linked into torch, as in torch's own wheels. On other processors
    MKL has one branch, whatever it is told.
    """
    if maker() != "intel" or not has_avx2() or not TORCH_CPU.exists():
        return True
    told = getattr(ctypes.CDLL(str(TORCH_CPU)), "mkl_serv_cbwr_get", None)
    return told is None or told(-1) == MKL_AVX2_STRICT  # -1: branch and strictness


def _alignment_is_free() -> bool:
    """Whether a matrix product has the same bits at 64-byte aligned and at other addresses."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(16, 32, 10, generator=generator).transpose(1, 2)
    right = torch.randn(16, 32, 7, generator=generator)
    whole = torch.bmm(left, right)
    parts = [torch.bmm(left[i : i + 1].clone(), right[i : i + 1].clone()) for i in range(16)]
    return torch.equal(torch.cat(parts), whole)
