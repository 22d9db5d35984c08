"""Batch against stochastic descent on redundant data, in epochs and in seconds.

    python tests/benchmarks/batch.py

Every training example of the digits is there ten times, so that a batch step over all does the work of a tenth of it
ten times over (LeCun et al. 1998, "Efficient BackProp", 4.1). For each batch size a pack of RATES x TRIED seeds finds
the learning rate, and a pack of SEEDS others is timed with it: plain descent, until the validation error is GOAL.
Seconds are CPU seconds of the pack's training alone, divided by its trials. They belong to the machine; the ratios to
the batch of all are what to look at.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from slalom_worker.lane.device import open_device
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.trials import objective, order, settings, trial, work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slalom_worker.net.objective import Objective

GOAL = 0.06
COPIES = 10
SEEDS, TRIED = 16, 4
EPOCHS = 400
RATES = {
    None: (0.3, 1.0, 2.0, 4.0),
    320: (0.1, 0.3, 1.0, 2.0),
    32: (0.03, 0.1, 0.3, 1.0),
    1: (0.01, 0.03, 0.1, 0.3),
}
"""By batch size, None for all."""


class Course(NamedTuple):
    """reached: the first epoch of each trial with the error GOAL, infinite where it has none; errors: the last ones;
    seconds: per trial, after each epoch
    """

    reached: list[float]
    errors: list[float]
    seconds: list[float]


def train(program: Objective, rates: Sequence[float], first: int, done: Callable[[list[float]], bool]) -> Course:
    """A trial for each of the rates, with seeds from `first` on, until `done` says so of what is reached."""
    specs = [
        trial(first + n, program.work, settings("sgd", learning_rate=rate), epochs=EPOCHS)
        for n, rate in enumerate(rates)
    ]
    pack, reached, seconds = Pack(program), [math.inf] * len(specs), [0.0]
    pack.seat([Slot.start(order(spec), program) for spec in specs])
    pack.rehearse(1)
    errors = [1.0] * len(specs)
    while len(seconds) <= EPOCHS and not done(reached):
        began = time.process_time()
        pack.advance()
        seconds.append(seconds[-1] + (time.process_time() - began) / len(specs))
        errors = program.evaluate(pack.stack.parameters, program.validation)["error"].tolist()
        reached = [
            min(at, len(seconds) - 1 if error <= GOAL else math.inf) for at, error in zip(reached, errors, strict=True)
        ]
    return Course(reached, errors, seconds)


def swept(program: Objective, rates: Sequence[float]) -> float:
    """The rate with which the middle one of TRIED trials is there first; among equals, that of the lowest error."""
    each = [rate for rate in rates for _ in range(TRIED)]
    places = [slice(n * TRIED, (n + 1) * TRIED) for n in range(len(rates))]
    course = train(program, each, SEEDS, lambda reached: any(max(reached[place]) < math.inf for place in places))
    found = [(statistics.median(course.reached[place]), statistics.mean(course.errors[place])) for place in places]
    return rates[found.index(min(found))]


def measured(size: int | None, rates: Sequence[float], copies: int = COPIES) -> tuple[float, Course]:
    """The rate that was found, and the course of SEEDS trials with it."""
    program = objective(work("digits", batch_size=size, replicate=copies))
    rate = swept(program, rates)
    return rate, train(program, [rate] * SEEDS, 0, lambda reached: max(reached) < math.inf)


def row(size: int | None, rate: float, course: Course, whole: Course | None) -> list[str]:
    """A line of the table; `whole` is the course of the batch of all."""
    name, low, high = str(size or "all"), min(course.reached), max(course.reached)
    epochs = statistics.median(course.reached)
    if epochs == math.inf:
        return [name, f"{rate:g}", f"not in {EPOCHS} epochs", "", "", ""]
    seconds, cells = course.seconds[math.ceil(epochs)], [f"{rate:g}", f"{epochs:g} ({low:g} to {high:g})"]
    if whole is None or statistics.median(whole.reached) == math.inf:
        return [name, *cells, "", f"{1e3 * seconds:.0f}", ""]
    every = statistics.median(whole.reached)
    times = (every / epochs, whole.seconds[math.ceil(every)] / seconds)
    return [name, *cells, f"{times[0]:.0f}x fewer", f"{1e3 * seconds:.0f}", f"{times[1]:.1f}x faster"]


def main() -> None:
    """Measure and print."""
    open_device()
    columns = ("batch", "learning rate", "epochs, median of 16", "than all", "CPU ms a trial", "than all")
    table = Table(*columns, title=f"digits {COPIES} times over, 64-32-10, until the validation error is {GOAL}")
    whole = None
    for size, rates in RATES.items():
        rate, course = measured(size, rates)
        table.add_row(*row(size, rate, course, whole))
        whole = whole or course
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
