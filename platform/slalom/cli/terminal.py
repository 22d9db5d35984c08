"""What a person sees of a study in a terminal: its tables and its sentence."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from slalom.errors import listing
from slalom.regression import page as night_page
from slalom.report import tasks
from slalom.report.forest import ASCII, COLUMNS, UNICODE, Signs, forest_lines
from slalom.report.tables import Rows, answer, legend, pace, protocol, result_rows, tuning_rows, warnings
from slalom.verdict.wording import short

if TYPE_CHECKING:
    from slalom.regression.night import Night
    from slalom.report.result import Result
    from slalom.verdict.tasks.several import Several

PLAIN_COLUMNS = 120
"""The width of the output where it is no terminal: a file, a pipe, a log."""

LEAST_COLUMNS = 60

OTHER_NUMBERS = (
    "other numbers than before: either the lanes' devices differ in kind, or the model draws random numbers of its own"
)


def verdict(result: Result) -> None:
    """The tables and the sentence, on standard output."""
    spec, summary = result.spec, result.summary
    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_COLUMNS
    console.print(Text(f"{spec.question}\n", style="bold"))
    for rows in (result_rows(spec, summary), tuning_rows(spec, summary)):
        console.print(_fitting(rows, console), "")
    plot = forest_lines(spec, summary, _signs(console), min(COLUMNS, max(LEAST_COLUMNS, console.width)))
    for line in [*plot, ""] if plot else []:
        console.print(Text(line), soft_wrap=True)
    notes = [legend(spec), f"{protocol(spec)} {pace(summary)}"]
    facts = [f"{name.replace('_', ' ')} {short(value)}" for name, value in spec.facts.items()]
    notes += [f"Known about the task: {listing(facts)}."]
    for note in notes if spec.facts else notes[:2]:
        console.print(Text(note, style="dim"))
    changed = [arm.name for arm in result.arms if arm.reproduced is False]
    if changed:
        console.print(Text(f"Trained again, {', '.join(changed)} gave {OTHER_NUMBERS}", style="yellow"))
    for warning in (*result.remarks, *warnings(summary)):
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


def tasks_table(found: Several) -> None:
    """Arms over several tasks, and the sentence, on standard output."""
    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_COLUMNS
    console.print(_fitting(tasks.rank_rows(found), console), "")
    console.print(Text(tasks.tests(found), style="dim"))
    for warning in found.warnings:
        console.print(Text(f"Note: {warning}", style="yellow"), soft_wrap=not console.is_terminal)
    console.print(Text(f"\nVerdict: {found.sentence}\n", style="bold"), soft_wrap=not console.is_terminal)


def _signs(console: Console) -> Signs:
    """The characters of plots: ASCII where the output's encoding may lack the others."""
    return UNICODE if console.encoding.startswith("utf") else ASCII


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
