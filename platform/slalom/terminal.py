"""What a person sees: the table that lives while a study runs, and the one that stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from slalom.report import answer, legend, protocol, result_rows, tuning_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from slalom.api import Result
    from slalom.campaign import Progress

LINE_SECONDS = 10.0

OTHER_NUMBERS = (
    "other numbers than before: either the lanes' devices differ in kind, or the model draws random numbers of its own"
)


class Watch:
    """Shows progress on standard error: a live table in a terminal, elsewhere a plain line every ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = Console(stderr=True)
        self._live = (
            Live(console=self._console, auto_refresh=False, transient=True) if self._console.is_terminal else None
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
    left = "" if progress.seconds_left is None else f", about {_duration(progress.seconds_left)} left"
    return f"{done}/{budget} trials, {progress.trials_per_second:.1f}/s{left}: {arms}"


def verdict(result: Result) -> None:
    """The tables and the sentence, on standard output."""
    spec, summary = result.spec, result.summary
    console = Console()
    for title, shown in ((spec.question, result_rows(spec, summary)), ("Tuning", tuning_rows(spec, summary))):
        header, body = shown
        table = Table(box=box.SIMPLE_HEAD, title=Text(title), title_justify="left", title_style="bold")
        for column in header:
            table.add_column(column, overflow="fold")
        for row in body:
            table.add_row(*map(Text, row))
        console.print(table)
    notes = [legend(spec), protocol(spec)]
    notes += [f"Known of the task: {', '.join(f'{name} {value:.4f}' for name, value in spec.facts.items())}."]
    for note in notes if spec.facts else notes[:2]:
        console.print(Text(note, style="dim"))
    changed = [arm.name for arm in result.arms if arm.reproduced is False]
    if changed:
        console.print(Text(f"Trained again, {', '.join(changed)} gave {OTHER_NUMBERS}", style="yellow"))
    console.print(Text(f"\nVerdict: {answer(spec, summary)}\n", style="bold"))


def _live_table(progress: Progress) -> Table:
    table = Table("arm", "done / budget", "pruned", "diverged", "failed", "best", box=box.SIMPLE_HEAD)
    for arm in progress.arms:
        best = "" if arm.best is None else f"{arm.best:.4f}"
        counts = (str(count) for count in (arm.pruned, arm.diverged, arm.failed))
        table.add_row(arm.name, f"{arm.done} / {arm.budget}", *counts, best)
    left = "" if progress.seconds_left is None else f", about {_duration(progress.seconds_left)} left"
    table.caption = f"{progress.trials_per_second:.1f} trials/s{left}"
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
