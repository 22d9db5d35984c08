"""What was measured, as tables for the terminal and for the document."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import rich.table
from rich.markup import escape

from tests.benchmarks.peers.contest import Timing
from tests.benchmarks.workloads import WORKLOADS

TITLES = {
    "slalom": "Slalom, recorded",
    "optuna_mlflow": "Optuna + MLflow, two processes",
    "rustuna": "Rustuna, two processes, SQLite, no MLflow",
    "ray_tune": "Ray Tune + OptunaSearch + MLflow, at its best",
    "ray_tune_defaults": "Ray Tune + OptunaSearch + MLflow, as it comes",
    "serial": "serial torch loop, a process a core, nothing recorded",
    "serial_pinned": "the same with AVX2's kernels, as lanes have them",
    "static": "static pack of {width}, nothing recorded",
    "refilled": "Slalom's lane of {width}, nothing recorded",
}


@dataclass(frozen=True)
class Table:
    """A title, a head, and rows of as many cells."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def shown(self) -> rich.table.Table:
        """For the terminal."""
        table = rich.table.Table(*self.head, title=escape(self.title), title_justify="left")
        for row in self.rows:
            table.add_row(*map(escape, row))
        return table

    def markdown(self) -> str:
        """For the document."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return "\n".join([f"**{self.title}**", "", *(f"| {' | '.join(line)} |" for line in lines)])


def contest_table(timings: Mapping[tuple[str, str], Sequence[Timing]]) -> Table:
    """Rates, and Slalom's rate per core over each contestant's: of its whole study, and of the time it trains."""
    rounds = max(map(len, timings.values()))
    head = (
        "workload",
        "contestant",
        "cores",
        "trials",
        "trials/s",
        "per core",
        "Slalom is",
        "while it trains",
        "CPU, ms a trial",
        "best error",
        "slots used",
    )
    title = f"Trials per second: median [lowest, highest] of {rounds}; Slalom's rate per core over the contestant's"
    return Table(title, head, list(_contest_rows(timings)))


def _contest_rows(timings: Mapping[tuple[str, str], Sequence[Timing]]) -> Iterator[tuple[str, ...]]:
    for (workload, contestant), found in timings.items():
        rates = sorted(one.rate for one in found)
        one, rate, theirs, slalom = found[0], statistics.median(rates), _per_core(found), timings[workload, "slalom"]
        training = statistics.median(each.training_rate / each.cores for each in slalom)
        name = TITLES[contestant].format(width=WORKLOADS[workload].width)
        yield (
            workload,
            name,
            str(one.cores),
            str(one.trials),
            f"{rate:.3g} [{rates[0]:.3g}, {rates[-1]:.3g}]" if len(rates) > 1 else f"{rate:.3g} (once)",
            f"{rate / one.cores:.3g}",
            "-" if contestant == "slalom" else f"{_per_core(slalom) / theirs:.3g} x",
            "-" if contestant == "slalom" else f"{training / theirs:.3g} x",
            _cpu_milliseconds(found),
            "-" if one.best is None else f"{one.best:.3f}",
            "-" if one.utilisation is None else f"{min(each.utilisation or 0.0 for each in found):.1%}",
        )


def _cpu_milliseconds(found: Sequence[Timing]) -> str:
    spent = [one.cpu_seconds / one.trials for one in found if one.cpu_seconds is not None]
    return f"{statistics.median(spent) * 1e3:.3g}" if spent else "-"


def _per_core(found: Sequence[Timing]) -> float:
    return statistics.median(one.rate / one.cores for one in found)


def floor_table(found: Mapping[str, float]) -> Table:
    """The machine's rates and the steps beside them."""
    title = "The floor, one thread, float32, CPU time: rates, and microseconds per trial and step"
    return Table(title, ("what", "measured"), [(name, f"{value:.3g}") for name, value in found.items()])


def route_table(found: Mapping[str, Mapping[str, float]]) -> Table:
    """Microseconds by layer and route, each with how many times faster it is than slot by slot."""
    title = "Microseconds per slot for a layer of 16 slots, one thread, CPU time (times faster than slot by slot)"
    return _ratios(title, "layer", found, "slot by slot")


def width_table(found: Mapping[str, Mapping[str, float]]) -> Table:
    """Microseconds by net and width, each with its ratio to the plain loop."""
    title = "Microseconds per trial and step, one thread, CPU time (times faster than one by one)"
    return _ratios(title, "net", found, "one by one")


def _ratios(title: str, what: str, found: Mapping[str, Mapping[str, float]], first: str) -> Table:
    """A row for each name, its numbers each with its ratio to the one of the column `first`."""
    columns = list(dict.fromkeys(name for row in found.values() for name in row))
    rows = [
        (name, *(f"{row[one]:.3g} ({row[first] / row[one]:.3g}x)" if one in row else "-" for one in columns))
        for name, row in found.items()
    ]
    return Table(title, (what, *columns), rows)
