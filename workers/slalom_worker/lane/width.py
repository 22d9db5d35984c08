"""How many slots a pack should have: as many as make it faster, found by trying.

Wider packs share the cost of a step's calls among more trials, until the pack outgrows the caches or fills the
device. What is measured is kept in a file, so that a lane measures a program once on a kind of machine. The width
changes no number of any trial.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from slalom.wire.seeds import Seeds
from slalom.wire.trial import Order, Phase, TrialId, TrialSpec
from slalom_worker.lane.device import describe
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom_worker.net.objective import Objective

WIDEST = 512
"""Slots that are tried at most: a generation has seldom more trials."""

ENOUGH = 0.95
"""Of the best rate: the narrowest pack that reaches it is chosen, since narrower ones are filled more often."""

PATIENCE = 2
"""Widths in a row that may be no faster before the search ends."""

SECONDS, STEPS = 0.02, 5
"""A width is timed for so long, and for so many steps at least."""

LARGEST = 1 << 30
"""Bytes that a pack's parameters, gradients and buffers may take."""


def knee(rates: dict[int, float]) -> int:
    """The narrowest width whose rate is about the best, of trial-steps per second by width."""
    best = max(rates.values())
    return min(width for width, rate in rates.items() if rate >= ENOUGH * best)


def best_width(objective: Objective, file: Path | None = None, clock: Callable[[], float] = time.perf_counter) -> int:
    """The width for a program on this device, measured where the file does not tell; within about a second.

    file: where widths are kept, instead of ~/.cache/slalom/widths.json
    """
    file = file or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slalom" / "widths.json"
    name = _name(objective)
    known = _read(file)
    if name not in known:
        known[name] = knee(measure(objective, clock))
        _write(file, known)
    return known[name]


def measure(objective: Objective, clock: Callable[[], float] = time.perf_counter) -> dict[int, float]:
    """Trial-steps per second by width, for widths 1, 2, 4, ... as long as they help and fit."""
    rates: dict[int, float] = {}
    width, worse = 1, 0
    while width <= min(WIDEST, _room(objective)) and worse < PATIENCE:
        best = max(rates.values(), default=0.0)
        try:
            rates[width] = _rate(objective, width, clock)
        except torch.OutOfMemoryError:
            break
        worse = 0 if rates[width] > best / ENOUGH else worse + 1
        width *= 2
    return rates


def _rate(objective: Objective, width: int, clock: Callable[[], float]) -> float:
    pack = Pack(objective)
    pack.seat([Slot.start(_order(objective, number), objective) for number in range(width)])
    pack.rehearse(1)
    _settle(objective.device)
    times: list[float] = []
    while len(times) < STEPS or sum(times) < SECONDS:
        began = clock()
        pack.rehearse(1)
        _settle(objective.device)
        times.append(clock() - began)
    return width / min(times)  # others on the machine make a step slower, never faster


def _settle(device: torch.device) -> None:
    """Wait for what a GPU was given to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _order(objective: Objective, number: int) -> Order:
    """A trial with Adam, which has most to update."""
    adam = OPTIMIZERS["adam"]
    settings = {
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "learning_rate_schedule": {"schedule": "constant"},
        "initialization": {"scheme": "fan_in"},
        "layer_rates": 1.0,
        "weight_decay": {"of": "mean", "value": 0.0},
        "decay_biases": True,
        "input_dropout": 0.0,
        "hidden_dropout": 0.0,
        "emphasis": {"scheme": "uniform"},
        "ensemble": {"combine": "none"},
        **{name: kind.default for name, kind in adam.hyperparameters.items()},
    }
    trial = TrialId("width", Phase.TUNE, number)
    return Order(TrialSpec(trial, 0, Seeds(number, number, number), objective.work, settings, {}, 1), 1)


def _room(objective: Objective) -> int:
    """Slots that fit into LARGEST."""
    return max(1, LARGEST // (6 * sum(objective.sizes) * objective.dtype.itemsize))


def _name(objective: Objective) -> str:
    """What the width depends on: the program, the kind of device, and the library."""
    facts = (objective.work.key, describe(objective.device), platform.machine(), os.cpu_count(), torch.__version__)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _read(file: Path) -> dict[str, int]:
    try:
        widths: dict[str, int] = json.loads(file.read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return widths


def _write(file: Path, widths: dict[str, int]) -> None:
    """Put the file in the place of the old one; another lane's entry may be lost, and is then measured again.

    Where the machine has no place for it, as containers may not, every lane measures for itself.
    """
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:
            json.dump(widths, draft)
        Path(draft.name).replace(file)
