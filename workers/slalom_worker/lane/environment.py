"""Environment variables that pin a lane's CPU kernels, so that numbers do not depend on the processor's vector width.

The module loads without torch.
"""

from __future__ import annotations

import os
from pathlib import Path

CAPABILITY = "ATEN_CPU_CAPABILITY"

LANE_ENVIRONMENT = {
    CAPABILITY: "avx2",
    "MKL_CBWR": "AVX2,STRICT",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
"""Environment variables with which a lane's process starts, whatever their values outside. Kernels for newer processors
round differently (docs/decisions.md has what each variable changes and costs).

ATEN_CPU_CAPABILITY: torch's own kernels
MKL_CBWR: matrix products, the same for every alignment of their operands in memory: else a slot's gradient depends on
    the slot's place in the pack. MKL's kernels for Intel's processors are others than those for AMD's all the same
ONEDNN_MAX_CPU_ISA: convolutions; oneDNN prefers it to DNNL_MAX_CPU_ISA, its older name
"""

NUMPY = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
}
"""Disables what goes beyond AVX2 in numpy, by the names of its older and newer versions. With AVX-512 numpy rounds
exponentials, logarithms and powers differently; samplers propose by these, and users' tasks may make data by them.
"""

OPENBLAS = {"OPENBLAS_CORETYPE": "Haswell"}
"""Pins the linear algebra of numpy and scipy, which users' tasks may use; the processor must have AVX2."""

PROCESSORS = Path("/proc/cpuinfo")

MAKERS = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}
"""Short names of processors' makers, by `vendor_id`; others keep theirs, in lower case."""


def pin_kernels() -> None:
    """Pin the kernels of this process, a driver's or a lane's, by setting its environment variables.

    Torch and MKL read the variables when they first compute, numpy when it is imported; later changes have no effect. A
    processor that is not known to have AVX2 keeps the kernels that torch chooses for it, and so is another kind of
    device: forced to AVX2, torch would die of an illegal instruction there.
    """
    os.environ.update({**LANE_ENVIRONMENT, **NUMPY})
    if has_avx2():
        os.environ.update(OPENBLAS)
    else:
        del os.environ[CAPABILITY]


def has_avx2() -> bool:
    """Whether this machine's processors are known to have the vector instructions AVX2."""
    return "avx2" in _told_of_processors("flags").split()


def maker() -> str:
    """The maker of this machine's processors, such as "intel" and "amd"; "unknown" where the machine does not tell."""
    told = _told_of_processors("vendor_id")
    return MAKERS.get(told, told.lower()) or "unknown"


def _told_of_processors(name: str) -> str:
    """The value of this name of the first processor that has one, or an empty text."""
    try:
        text = PROCESSORS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    values = (
        value.strip() for key, _, value in (line.partition(":") for line in text.splitlines()) if key.strip() == name
    )
    return next(values, "")
