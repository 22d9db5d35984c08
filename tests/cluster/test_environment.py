"""A lane whose process was not set up for its kernels does not open."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from slalom.errors import Infrastructure
from slalom_worker.lane import device
from slalom_worker.lane.environment import CAPABILITY, maker

LATE = """
import torch
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)
left = torch.randn(16, 32, 10, generator=generator).transpose(1, 2)
right = torch.randn(16, 32, 7, generator=generator)
whole = torch.bmm(left, right)
alone = [torch.bmm(left[slot : slot + 1].clone(), right[slot : slot + 1].clone())[0] for slot in range(16)]
print("same" if all(map(torch.equal, whole, alone)) else "differs")

from slalom.errors import Infrastructure
from slalom_worker.lane.factory import lane_worker
try:
    lane_worker(".", None)
except Infrastructure as exc:
    print("refused:", exc)
else:
    print("opened")
"""


def test_a_process_that_has_computed_before():
    """It is refused where products depend on alignment, as in a small net's gradient, and always on Intel's processors,
    which have a branch for each generation."""
    environment = {name: value for name, value in os.environ.items() if name != "MKL_CBWR"} | {CAPABILITY: "avx2"}
    command = [sys.executable, "-c", LATE]
    ran = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    before, after = ran.stdout.splitlines()
    is_other = before == "differs" or maker() == "intel"
    assert after.split(":")[0] == ("refused" if is_other else "opened")


def test_what_a_lane_says_that_refuses(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device, "_alignment_is_free", lambda: False)
    with pytest.raises(
        Infrastructure, match=r"MKL's results depend .* start it with the environment variables .* MKL_CBWR=AVX2,STRICT"
    ):
        device.open_device()
