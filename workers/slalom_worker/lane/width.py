"""How many slots a pack should have: the fewest that are about the fastest, found by measuring.

Wider packs share the cost of a step's calls among more trials, until the pack outgrows the caches or fills the
device. The width changes no number of any trial.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from slalom_worker.lane.device import describe
from slalom_worker.training.nets import member_orders
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.wire.trial import Order
    from slalom_worker.net.objective import Objective

WIDEST = 512
"""The largest width that is tried: a generation has seldom more trials."""

ENOUGH = 0.9
"""Share of the best rate that a width must reach; the narrowest that does is chosen, since it is filled more often."""

WORSE_WIDTHS = 2
"""The search ends after so many widths in a row that are no faster."""

SECONDS, STEPS = 0.02, 5
"""A width is timed for at least so many seconds, and at least so many steps."""

ROUNDS = 2
"""All widths are timed so many times, one after the other: what disturbs the machine for a moment hits only some."""

UNDISTURBED = 0.6
"""Share of the time that the measuring thread must have had a processor for its result to be kept."""

LARGEST_BYTES = 1 << 30
"""Bytes that a pack's parameters, gradients and buffers may take."""


def knee(rates: dict[int, float]) -> int:
    """The narrowest width whose rate is at least ENOUGH of the best; rates: trial-steps per second by width."""
    best = max(rates.values())
    return min(width for width, rate in rates.items() if rate >= ENOUGH * best)


def best_width(objective: Objective, order: Order, file: Path | None = None) -> int:
    """The width for a program on this kind of machine: as the file says, or measured, which takes a second or two.

    order: for a trial of the program, whose steps are measured; InputError where the trial cannot be trained
    file: where widths are kept from one process to the next, or None to keep none. A width that was measured while
        others used the processor is not kept: it may be far too small, and would slow every later study.
    """
    name = _name(objective)
    known = {} if file is None else _read(file)
    if name not in known:
        began, spent = time.perf_counter(), time.thread_time()
        known[name] = knee(measure(objective, order))
        share = (time.thread_time() - spent) / (time.perf_counter() - began)
        if file is not None and (objective.device.type != "cpu" or share > UNDISTURBED):
            _write(file, known)
    return known[name]


def measure(objective: Objective, order: Order) -> dict[int, float]:
    """Trial-steps per second by width, for widths 1, 2, 4, ... as long as they help and fit; the best of ROUNDS.

    order: for the trial that is measured, as many times as a width says; of an ensemble, its first member
    Seconds are the thread's own on a processor, since others may use it too, and a clock's on a GPU.
    """
    clock = time.thread_time if objective.device.type == "cpu" else time.perf_counter
    rates: dict[int, float] = {}
    room = min(WIDEST, _room(objective))
    for _ in range(ROUNDS):
        width, worse, best = 1, 0, 0.0
        while width <= room and worse < WORSE_WIDTHS:
            try:
                rates[width] = max(rates.get(width, 0.0), _rate(objective, order, width, clock))
            except torch.OutOfMemoryError:
                room = width // 2
                torch.cuda.empty_cache()  # what it had reserved is no other width's, nor another lane's
                break
            worse = 0 if rates[width] > best / ENOUGH else worse + 1
            best = max(best, rates[width])
            width *= 2
    return rates


def _rate(objective: Objective, order: Order, width: int, clock: Callable[[], float]) -> float:
    """Trial-steps per second of a pack of this width."""
    pack = Pack(objective)
    slot = Slot.start(member_orders(order)[0], objective)
    pack.seat([replace(slot, tensors=dict(slot.tensors)) for _ in range(width)])
    pack.rehearse(1)
    if objective.device.type != "cpu":
        pack.rehearse_evaluation()
    _settle(objective.device)
    times: list[float] = []
    while len(times) < STEPS or sum(times) < SECONDS:
        began = clock()
        pack.rehearse(1)
        _settle(objective.device)
        times.append(clock() - began)
    return width / min(times)  # others on the machine make a step slower, never faster


def _settle(device: torch.device) -> None:
    """Wait until a GPU has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _room(objective: Objective) -> int:
    """Slots that fit into LARGEST_BYTES."""
    return max(1, LARGEST_BYTES // (6 * sum(objective.sizes) * objective.dtype.itemsize))


def _name(objective: Objective) -> str:
    """A name for what the width depends on: the program, the kind of machine, and the version of torch."""
    machine = (describe(objective.device), platform.machine(), os.cpu_count(), torch.__version__, _space(objective))
    facts = (objective.work.key, *machine, "the thread's own seconds")
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _space(objective: Objective) -> int:
    """Of a GPU the power of two of the bytes that are free, since others may share it; 0 of a processor."""
    if objective.device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(objective.device)
    return free.bit_length()


def _read(file: Path) -> dict[str, int]:
    """The widths in a file by name; none where it is missing or torn."""
    try:
        widths: dict[str, int] = json.loads(file.read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return widths


def _write(file: Path, widths: dict[str, int]) -> None:
    """Write the widths to a file, in one step; an entry that another lane writes meanwhile is lost and measured again.

    Nothing is written where that fails, as on a container without a home folder: then every lane measures for itself.
    """
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:
            json.dump(widths, draft)
        Path(draft.name).replace(file)
