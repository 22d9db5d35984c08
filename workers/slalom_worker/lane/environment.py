"""What pins a lane's kernels, so that numbers do not depend on the processor's vector width; loads without torch."""

from __future__ import annotations

import os
from pathlib import Path

CAPABILITY = "ATEN_CPU_CAPABILITY"

LANE_ENVIRONMENT = {
    CAPABILITY: "avx2",
    "MKL_CBWR": "AVX2,STRICT",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}
"""Variables that a lane's process has before it starts, whatever they were outside; the newer processors' own kernels
round otherwise (docs/decisions.md has what each changes and costs).

ATEN_CPU_CAPABILITY: torch's own kernels
MKL_CBWR: matrix products, the same whatever their operands' alignment in memory: else a slot's gradient depends on
    the slot's place in the pack
ONEDNN_MAX_CPU_ISA: convolutions; read before DNNL_MAX_CPU_ISA, its older name
"""

NUMPY = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
}
"""As older and newer versions of numpy name what goes beyond AVX2: its exponentials, logarithms and powers are rounded
otherwise there. Samplers propose by them, and users' tasks may make data by them."""

OPENBLAS = {"OPENBLAS_CORETYPE": "Haswell"}
"""Of numpy's and scipy's linear algebra, which users' tasks may use; the processor must have AVX2."""

PROCESSORS = Path("/proc/cpuinfo")


def pin_kernels() -> None:
    """Pin the kernels of this process, a driver's or a lane's.

    Torch and MKL read their variables when they first compute, numpy when it is imported: later they keep what they
    have. A processor that is not known to have AVX2 keeps the kernels that torch chooses for it, and so is another
    kind of device: told to use AVX2, torch would die of an illegal instruction there.
    """
    os.environ.update({**LANE_ENVIRONMENT, **NUMPY})
    if has_avx2():
        os.environ.update(OPENBLAS)
    else:
        del os.environ[CAPABILITY]


def has_avx2() -> bool:
    """Whether this machine's processors are known to have the vector instructions AVX2."""
    try:
        text = PROCESSORS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any("avx2" in line.split() for line in text.splitlines() if line.startswith("flags"))
