"""How many slots a pack should have: the fewest that are about the fastest, found by measuring.

Wider packs share the cost of a step's calls among more trials, until the pack outgrows the caches or fills the
device. On a CPU the width changes no number of any trial. On a GPU a library may choose its kernels by the number of
products in one call, so a study notes the widths that it began with, and keeps them.
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
from typing import TYPE_CHECKING, NamedTuple

import torch

from slalom_worker.lane.device import describe, out_of_memory
from slalom_worker.training.nets import member_orders
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.wire.trial import Order
    from slalom_worker.net.objective import Objective

WIDEST = 512
"""The largest width that is tried: a generation seldom has more trials."""

ENOUGH = 0.9
"""Share of the best rate that a width must reach. The narrowest such width is chosen, since it is filled more often."""

WORSE_WIDTHS = 2
"""The search ends after so many widths in a row that are no faster."""

SECONDS, STEPS = 0.02, 5
"""Least seconds and least steps for which a width is timed."""

ROUNDS = 2
"""Times that all widths are timed, one after the other, so that a short disturbance hits only some measurements."""

UNDISTURBED = 0.6
"""Share of the measuring time for which the thread must have had a processor, for its result to be kept."""

LARGEST_BYTES = 1 << 30
"""Bytes that a pack's parameters, gradients and buffers may take."""


class Width(NamedTuple):
    """A pack's number of slots.

    lasting: whether the number was measured without disturbance, so that it may be kept
    """

    slots: int
    lasting: bool = True


def knee(rates: dict[int, float]) -> int:
    """The narrowest width whose rate is at least ENOUGH of the best; rates: trial-steps per second by width."""
    best = max(rates.values())
    return min(width for width, rate in rates.items() if rate >= ENOUGH * best)


def best_width(objective: Objective, order: Order, file: Path | None = None) -> Width:
    """The width for a program on this kind of machine: read from the file, or measured, which takes a second or two.

    order: for a trial of the program, whose steps are measured; InputError where the trial cannot be trained
    file: where widths are kept from one process to the next, or None to keep none. A width that was measured while
        other processes used the processor is not kept: it may be far too small, and would slow every later study.
    """
    name = _name(objective)
    known = {} if file is None else _read(file)
    if name in known:
        return Width(known[name])
    began, spent = time.perf_counter(), time.thread_time()
    known[name] = knee(measure(objective, order))
    share = (time.thread_time() - spent) / (time.perf_counter() - began)
    lasting = objective.device.type != "cpu" or share > UNDISTURBED
    if file is not None and lasting:
        _write(file, known)
    return Width(known[name], lasting)


def measure(objective: Objective, order: Order) -> dict[int, float]:
    """Trial-steps per second by width, the best of ROUNDS: widths 1, 2, 4, ... as long as they help and fit.

    order: for the trial that fills all slots; of an ensemble, its first member
    A width must fit in every round. Raises what torch raises where not even one slot fits into the memory.
    Seconds are the thread's own CPU time on a processor, which other processes may use too, and the clock's on a GPU.
    """
    clock = time.thread_time if objective.device.type == "cpu" else time.perf_counter
    rates: dict[int, float] = {}
    room = min(WIDEST, _room(objective))
    for _ in range(ROUNDS):
        width, worse, best = 1, 0, 0.0
        while width <= room and worse < WORSE_WIDTHS:
            try:
                rate = _rate(objective, order, width, clock)
            except Exception as exc:
                if not out_of_memory(exc) or width == 1:
                    raise
                room = width // 2
            if width > room:  # only now, since the error holds the pack's tensors
                torch.cuda.empty_cache()  # torch keeps the reserved memory otherwise, also from other lanes
                rates = {fits: known for fits, known in rates.items() if fits <= room}
                break
            rates[width] = max(rates.get(width, 0.0), rate)
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
    return width / min(times)  # other processes make a step slower, never faster


def _settle(device: torch.device) -> None:
    """Wait until a GPU has finished its queued work."""
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
    """The free bytes of a GPU, which others may share, as a power of two; 0 for a processor."""
    if objective.device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(objective.device)
    return free.bit_length()


def _read(file: Path) -> dict[str, int]:
    """The widths in a file by name; an empty dict where the file is missing or not JSON."""
    try:
        widths: dict[str, int] = json.loads(file.read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return widths


def _write(file: Path, widths: dict[str, int]) -> None:
    """Replace the file by one with these widths; another lane's entry of the meantime is lost, and measured again.

    Where writing fails, as in a container without a home folder, every lane measures for itself.
    """
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:
            json.dump(widths, draft)
        Path(draft.name).replace(file)
