"""What a lane's device is, and that a GPU trains the same nets."""

import mmap
import os
import platform
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch

import slalom
from slalom import wiring
from slalom.errors import Infrastructure
from slalom.wire.trial import Turn
from slalom_worker.lane import environment
from slalom_worker.lane.device import describe, memory, open_device
from slalom_worker.lane.environment import CAPABILITY, LANE_ENVIRONMENT, OPENBLAS, has_avx2
from slalom_worker.lane.factory import alone_worker, lane_worker
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.training.test_invariance import MIX
from tests.workers.trials import CPU, objective, order, settings, trial, work

LATE = """
import torch
torch.bmm(torch.ones(8, 33, 40), torch.ones(8, 40, 33)).exp()
from slalom_worker.lane.device import open_device
try:
    open_device()
except Exception as exc:
    print(type(exc).__name__, exc)
"""


def late(**variables):
    """What a lane says that opens in a process which has computed before, with these of the variables that pin."""
    environment = {name: value for name, value in os.environ.items() if name not in LANE_ENVIRONMENT}
    command = [sys.executable, "-c", LATE]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="nothing is pinned for a GPU")
def test_a_lane_refuses_a_process_whose_numbers_depend_on_memory():
    pinned = {CAPABILITY: LANE_ENVIRONMENT[CAPABILITY]}
    said = late(**pinned)
    assert said.startswith("Infrastructure") is torch.backends.mkl.is_available()
    assert ("MKL's results depend on memory alignment, or are" in said) is torch.backends.mkl.is_available()


def made_for_cuda(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")


@pytest.mark.parametrize(
    ("arrange", "found"),
    [
        (lambda monkeypatch: monkeypatch.setattr(torch.version, "cuda", None), "is built without CUDA"),
        (made_for_cuda, "for CUDA 12.8, sees no GPU, or no driver for it; CUDA_VISIBLE_DEVICES is '3'"),
    ],
)
def test_a_lane_that_is_asked_for_a_gpu_refuses_with_what_it_found(monkeypatch, tmp_path, arrange, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    arrange(monkeypatch)
    workers = (partial(lane_worker, tmp_path, None), partial(alone_worker, tmp_path, "error", 1))
    for make in workers:
        with pytest.raises(Infrastructure, match=f"device 'gpu' needs a GPU that torch can use, but .* {found}"):
            make(device="gpu")
        assert make(device="auto").device == CPU


def test_a_lane_that_is_asked_for_cores_leaves_gpus_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert lane_worker(tmp_path, None, device="cpu").device == CPU


@pytest.mark.parametrize("asked", ["auto", "cpu", "gpu"])
def test_a_lanes_worker_is_told_what_the_study_asks_for(asked):
    study = slalom.load("digits-optimizers").with_resources(device=asked)
    assert wiring._worker(study, study.folder).keywords["device"] == asked


@pytest.mark.thorough
@pytest.mark.skipif(not has_avx2(), reason="the processor has no AVX2 to be pinned to")
def test_a_lane_refuses_a_process_whose_kernels_are_others():
    said = late(**LANE_ENVIRONMENT | {CAPABILITY: "default"})
    assert said.startswith("Infrastructure this process computed before its lane was opened, so torch's results are")
    assert "kernels for default; start it with the environment variables ATEN_CPU_CAPABILITY=avx2 MKL_CBWR=" in said
    assert late(**LANE_ENVIRONMENT) == ""


@pytest.mark.parametrize(
    ("machine", "capability", "vendor", "kind"),
    [
        ("x86_64", "AVX2", "AuthenticAMD", "cpu x86-64 avx2 amd"),
        ("AMD64", "DEFAULT", "GenuineIntel", "cpu x86-64 default intel"),
        ("x86_64", "AVX2", "HygonGenuine", "cpu x86-64 avx2 hygongenuine"),
        ("x86_64", "AVX2", None, "cpu x86-64 avx2 unknown"),
        ("aarch64", "SVE256", "without MKL", "cpu aarch64 sve256"),
    ],
)
def test_a_processors_kind_is_what_numbers_depend_on(monkeypatch, tmp_path, machine, capability, vendor, kind):
    if vendor:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nmodel name\t: none\n")
    monkeypatch.setattr(environment, "PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: vendor != "without MKL")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert describe(CPU) == kind


@pytest.mark.parametrize(("flags", "pinned"), [("fma avx avx2 bmi2", True), ("sse4_2 avx", False), (None, False)])
def test_a_processor_without_avx2_keeps_its_own_kernels(monkeypatch, tmp_path, flags, pinned):
    """Told to use AVX2, torch and OpenBLAS would die of an illegal instruction."""
    if flags:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: avx2\nflags\t\t: fpu {flags}\n")
    monkeypatch.setattr(environment, "PROCESSORS", tmp_path / "cpuinfo")
    for name in (CAPABILITY, *OPENBLAS):
        monkeypatch.delenv(name, raising=False)
    environment.pin_kernels()
    assert all((name in os.environ) is pinned for name in (CAPABILITY, *OPENBLAS))


def test_a_lane_computes_on_one_thread(two_threads):
    open_device()
    assert torch.get_num_threads() == 1


def test_a_lane_tells_what_its_process_takes_for_itself(tmp_path):
    """64 MB of its own count, 64 MB that it maps with others do not."""
    before = memory(CPU).host
    # Asked of the system: an allocator may hand out pages that it kept, and that counted before.
    own = np.frombuffer(mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), dtype=np.uint8)
    own[:] = 1
    (tmp_path / "shared").write_bytes(own)
    shared = np.memmap(tmp_path / "shared", mode="r")
    assert shared.sum(dtype=np.int64) == 64 << 20
    assert memory(CPU).host - before == pytest.approx(own.nbytes, abs=8 << 20)
    assert memory(CPU)[1:] == (0, 0)


def test_a_lane_tells_it_with_every_answer():
    assert LaneWorker(device=CPU).turn(Turn()).memory.host > 10 << 20


@pytest.mark.cuda
def test_a_lane_tells_what_it_takes_of_its_gpu():
    device = open_device()
    before = memory(device)
    kept = torch.ones(1 << 30, dtype=torch.uint8, device=device)
    after = memory(device)
    assert after.device - before.device >= kept.numel() // 2
    assert 0 < before.device < after.device <= after.device_total == torch.cuda.mem_get_info(device)[1]


def trained(device):
    of = work()
    program = objective(of, device)
    slots = [Slot.start(order(trial(n, of, chosen, epochs=3)), program) for n, chosen in enumerate(MIX)]
    pack = Pack(program)
    pack.seat(slots)
    for _ in range(3):
        pack.advance()
    losses = program.evaluate(pack.stack.parameters, program.validation)["loss"].tolist()
    return {slot.trial.id.number: loss for slot, loss in zip(pack.slots, losses, strict=True)}


@pytest.mark.cuda
def test_a_gpu_trains_the_nets_that_the_cpu_trains():
    """Masks are drawn on the device, by another generator there: trials with dropout are left out."""
    dropping = {n for n, chosen in enumerate(MIX) if chosen["hidden_dropout"] or chosen["input_dropout"]}
    cpu, gpu = trained(CPU), trained(open_device())
    assert gpu.keys() == cpu.keys()
    for number in cpu.keys() - dropping:
        assert gpu[number] == pytest.approx(cpu[number], rel=1e-2)


@pytest.mark.cuda
@pytest.mark.parametrize("offset", [1, 3])
def test_a_gpus_products_do_not_depend_on_alignment(offset):
    """As `open_device` asks of a CPU; a library may choose another kernel where vectors of memory begin elsewhere."""
    device = open_device()
    for rows, inner, columns in ((10, 16, 7), (33, 64, 10), (128, 784, 64)):
        left, right = (torch.randn(16, *shape, device=device) for shape in ((rows, inner), (inner, columns)))
        moved = [shifted(matrices, offset) for matrices in (left, right)]
        assert torch.equal(torch.bmm(*moved), torch.bmm(left, right))


def shifted(matrices, offset):
    """The same matrices, so many numbers after an address that is a multiple of 64."""
    room = matrices.new_empty(matrices.numel() + 16)
    begin = offset - room.data_ptr() // matrices.itemsize % 16
    place = room[begin % 16 : begin % 16 + matrices.numel()].view_as(matrices)
    assert place.data_ptr() % 64 == offset * matrices.itemsize
    return place.copy_(matrices)


@pytest.mark.cuda
def test_a_gpus_numbers_do_not_depend_on_the_slot():
    of, device = work(), open_device()
    program = objective(of, device)
    spec = trial(0, of, settings("adam", learning_rate=0.01, hidden_dropout=0.5))
    first, last = (Slot.start(order(spec), program) for _ in range(2))
    others = [Slot.start(order(trial(n, of, MIX[0])), program) for n in range(1, 9)]
    pack = Pack(program)
    pack.seat([first, *others, last])
    pack.advance()
    assert torch.equal(first.tensors["parameters"], last.tensors["parameters"])
