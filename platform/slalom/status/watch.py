"""What a person sees while a study runs: a live table in a terminal, a line in a notebook or in a log."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from slalom.wire.trial import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from slalom.loop.progress import Progress, Stage

LINE_SECONDS = 10.0

LONG_SECONDS = 120.0

NOTEBOOK = "ZMQInteractiveShell"
"""What IPython's shell is called where a notebook is its front end."""


class Watch:
    """Shows progress on standard error: a live table in a terminal, elsewhere a plain line every ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = Console(stderr=True)
        # A dumb terminal cannot take a line back.
        self._live = (
            Live(console=self._console, auto_refresh=False, transient=True) if self._console.is_interactive else None
        )
        self._clock = clock
        self._last = clock()

    def __enter__(self) -> Watch:
        if self._live is not None:
            self._live.start()
            self._live.update("Starting the lanes ...", refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, progress: Progress) -> None:
        """Show how far the study has come, below what is told of its lanes."""
        for text in progress.told:
            self._console.print(text, soft_wrap=True, highlight=False, markup=False)
        if self._live is not None:
            self._live.update(_live_table(progress), refresh=True)
        elif self._clock() - self._last >= LINE_SECONDS:
            self._last = self._clock()
            self._console.print(line(progress), soft_wrap=True, highlight=False)


def line(progress: Progress) -> str:
    """Progress in one line."""
    done, budget = (sum(getattr(arm, name) for arm in progress.arms) for name in ("done", "budget"))
    arms = ", ".join(f"{arm.name} {arm.done}/{arm.budget}" for arm in progress.arms)
    return f"{done} of {budget} trials{_where(progress.stage)}{_pace(progress)}: {arms}"


class Line:
    """Shows progress on standard error in one line that is written over, as notebooks show it."""

    def __init__(self) -> None:
        self._longest = 0

    def __enter__(self) -> Line:
        self._write("Starting the lanes ...")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stderr.write("\n")
        sys.stderr.flush()

    def __call__(self, progress: Progress) -> None:
        """Show how far the study has come, below what is told of its lanes."""
        for text in progress.told:
            self._write(text)
            self._write("\n")
        self._write(line(progress))

    def _write(self, text: str) -> None:
        self._longest = max(self._longest, len(text))
        sys.stderr.write(f"\r{text:{self._longest}}")
        sys.stderr.flush()


@contextmanager
def watching(watch: Callable[[Progress], None] | None) -> Iterator[Callable[[Progress], None]]:
    """A context that gives the function to call with the progress of a study that is run from Python.

    It is `watch`; where that is None, one that shows progress in a notebook or in a terminal, and else does nothing.
    """
    if watch is not None:
        yield watch
    elif _in_notebook():
        with Line() as own_line:
            yield own_line
    elif sys.stderr.isatty():
        with Watch() as table:
            yield table
    else:
        yield lambda _: None


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == NOTEBOOK


def _live_table(progress: Progress) -> Table:
    table = Table("arm", "done / budget", "pruned", "diverged", "failed", "best", box=box.SIMPLE_HEAD)
    for arm in progress.arms:
        best = "" if arm.best is None else f"{arm.best:.4f}"
        counts = (str(count) for count in (arm.pruned, arm.diverged, arm.failed))
        table.add_row(arm.name, f"{arm.done} / {arm.budget}", *counts, best)
    table.caption = f"{_where(progress.stage)}{_pace(progress)}".removeprefix(", ")
    return table


def _where(stage: Stage | None) -> str:
    """Where a study is, as in ", searches 3 to 5 of 10 on their own splits (6 tune, 2 confirm)"."""
    if stage is None:
        return ""
    if not stage.parts:
        return ", the best of each arm once more"
    numbers = [number for number, _ in stage.parts]
    first, last = min(numbers) + 1, max(numbers) + 1
    counted = Counter(phase for _, phase in stage.parts)
    phases = ", ".join(f"{counted[phase]} {phase}" for phase in Phase if counted[phase])
    if first == last:
        searches, splits = f"search {first} of {stage.searches}", "its own split"
    else:
        searches, splits = f"searches {first} to {last} of {stage.searches}", "their own splits"
    return f", {searches} on {splits if stage.resampled else 'one split'} ({phases})"


def _pace(progress: Progress) -> str:
    """The pace as in ", 2 lanes, packs of 128 that are 55 % filled, 2.5 trials/s, about 40 s left"."""
    if not progress.lanes:
        return ", waiting for a lane"
    lanes = f", {progress.lanes} lane{'s' if progress.lanes > 1 else ''}"
    if progress.packs:
        lanes += f", packs of {progress.packs.width} that are {progress.packs.filled:.0%} filled".replace("%", " %")
    if progress.seconds_left is None:
        return f"{lanes}, no trial has ended yet"
    left = f"about {_duration(progress.seconds_left)} left{_end(progress)}"
    return f"{lanes}, {progress.trials_per_second:.1f} trials/s, {left}"


def _end(progress: Progress) -> str:
    """The time of day at which the study ends; nothing where that is less than LONG_SECONDS away."""
    left = progress.seconds_left
    if progress.now is None or left is None or left < LONG_SECONDS:
        return ""
    return f", until {datetime.fromtimestamp(progress.now + left).astimezone():%H:%M}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
