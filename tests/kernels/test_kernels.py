"""A study's numbers are the same whatever kernels are asked for from outside, and those that they were."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from slalom_worker.lane.device import describe
from slalom_worker.lane.environment import LANE_ENVIRONMENT, NUMPY, OPENBLAS

ROOT = Path(__file__).parents[2]

DIGESTS = json.loads((Path(__file__).parent / "digests.json").read_text())
"""By kind of device, of what `python -m tests.kernels.exports` prints with the versions in constraints.txt."""

WIDE = {
    "ATEN_CPU_CAPABILITY": "avx512",
    "DNNL_MAX_CPU_ISA": "ALL",
    "MKL_CBWR": "AVX512",
    "NPY_DISABLE_CPU_FEATURES": "",
    "ONEDNN_MAX_CPU_ISA": "ALL",
    "OPENBLAS_CORETYPE": "SkylakeX",
}
NARROW = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
}


def exported(**outside):
    """What the studies give, as bytes, in a process that is started with these variables and no others of the kind."""
    names = {*LANE_ENVIRONMENT, *NUMPY, *OPENBLAS, *WIDE}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "-m", "tests.kernels.exports"]
    ran = subprocess.run(command, cwd=ROOT, env=kept | outside, capture_output=True, check=False, timeout=840)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout


@pytest.fixture(scope="module")
def unforced():
    return exported()


@pytest.mark.parametrize("outside", [WIDE, NARROW, {**LANE_ENVIRONMENT, **NUMPY}], ids=["wide", "narrow", "pinned"])
def test_settings_from_outside_change_no_byte(unforced, outside):
    assert exported(**outside) == unforced


def test_the_numbers_are_those_that_they_were(unforced):
    """Where this fails with the versions of constraints.txt, this machine is of a kind that nobody knew of."""
    kind = describe(torch.device("cpu"))
    assert DIGESTS.get(kind) == hashlib.sha256(unforced).hexdigest(), (
        f"trained on {kind} ({platform.processor()}), torch {torch.__version__}, numpy {np.__version__}; where a "
        "change of the numbers is meant, write the new digests to tests/kernels/digests.json, those of the other kinds "
        "too, and say why in docs/decisions.md"
    )
