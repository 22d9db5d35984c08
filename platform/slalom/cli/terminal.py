"""What a person sees: the table that lives while a study runs, and the one that stays."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from slalom.errors import listing
from slalom.regression import page as night_page
from slalom.report.tables import Rows, answer, legend, pace, protocol, result_rows, tuning_rows, warnings
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from slalom.api import Result
    from slalom.loop.progress import Progress
    from slalom.regression.night import Night

LINE_SECONDS = 10.0

PLAIN_COLUMNS = 120
"""Width of what is no terminal: a file, a pipe, a log."""

OTHER_NUMBERS = (
    "other numbers than before: either the lanes' devices differ in kind, or the model draws random numbers of its own"
)


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
        """Show how far the study has come."""
        if self._live is not None:
            self._live.update(_live_table(progress), refresh=True)
        elif self._clock() - self._last >= LINE_SECONDS:
            self._last = self._clock()
            self._console.print(line(progress), soft_wrap=True, highlight=False)


def line(progress: Progress) -> str:
    """Progress in one line."""
    done, budget = (sum(getattr(arm, name) for arm in progress.arms) for name in ("done", "budget"))
    arms = ", ".join(f"{arm.name} {arm.done}/{arm.budget}" for arm in progress.arms)
    return f"{done} of {budget} trials{_pace(progress)}: {arms}"


def verdict(result: Result) -> None:
    """The tables and the sentence, on standard output."""
    spec, summary = result.spec, result.summary
    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_COLUMNS
    console.print(Text(f"{spec.question}\n", style="bold"))
    for rows in (result_rows(spec, summary), tuning_rows(spec, summary)):
        console.print(_fitting(rows, console), "")
    notes = [legend(spec), f"{protocol(spec)} {pace(summary)}"]
    facts = [f"{name.replace('_', ' ')} {short(value)}" for name, value in spec.facts.items()]
    notes += [f"Known about the task: {listing(facts)}."]
    for note in notes if spec.facts else notes[:2]:
        console.print(Text(note, style="dim"))
    changed = [arm.name for arm in result.arms if arm.reproduced is False]
    if changed:
        console.print(Text(f"Trained again, {', '.join(changed)} gave {OTHER_NUMBERS}", style="yellow"))
    for warning in warnings(summary):
        console.print(Text(f"Note: {warning}", style="yellow"), soft_wrap=not console.is_terminal)
    console.print(Text(f"\nVerdict: {answer(spec, summary)}\n", style="bold"), soft_wrap=not console.is_terminal)


def night_table(night: Night) -> None:
    """A night's findings, what changed since the baseline, and the answer, on standard output."""
    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_COLUMNS
    console.print(_fitting(night_page.rows(night), console), "")
    for note in night_page.notes(night):
        console.print(Text(note, style="yellow"))
    for change in night.changes:
        console.print(Text(f"changed: {change}", style="dim"))
    console.print(Text(f"\n{night_page.sentence(night)}", style="bold"), soft_wrap=not console.is_terminal)


def _fitting(rows: Rows, console: Console) -> Table:
    """A table in which no number is broken: where it is too wide, intervals and judgements get lines of their own."""
    wide = _table(rows, " ")
    unbounded = console.options.update(width=sys.maxsize)
    return wide if console.measure(wide, options=unbounded).maximum <= console.width else _table(rows, "\n")


def _table(rows: Rows, gap: str) -> Table:
    header, body = rows
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for column in header:
        table.add_column(Text(column), overflow="fold")
    for row in body:
        table.add_row(*(Text(re.sub(r" (?=\[|better|worse)", gap, cell)) for cell in row))
    return table


def _live_table(progress: Progress) -> Table:
    table = Table("arm", "done / budget", "pruned", "diverged", "failed", "best", box=box.SIMPLE_HEAD)
    for arm in progress.arms:
        best = "" if arm.best is None else f"{arm.best:.4f}"
        counts = (str(count) for count in (arm.pruned, arm.diverged, arm.failed))
        table.add_row(arm.name, f"{arm.done} / {arm.budget}", *counts, best)
    table.caption = _pace(progress).removeprefix(", ")
    return table


def _pace(progress: Progress) -> str:
    """The pace as in ", 2 lanes, 2.5 trials/s, about 40 s left"."""
    if not progress.lanes:
        return ", waiting for a lane"
    lanes = f", {progress.lanes} lane{'s' if progress.lanes > 1 else ''}"
    if progress.seconds_left is None:
        return f"{lanes}, no trial has ended yet"
    return f"{lanes}, {progress.trials_per_second:.1f} trials/s, about {_duration(progress.seconds_left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
