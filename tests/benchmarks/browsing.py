"""How long MLflow's pages of a study take to open with 10,000 trials, over how long they take with 100:

python -m tests.benchmarks.browsing [ROUNDS]

The trials are made up, and are written by the recorder's own rows. A page is open when its first line, which says who
won, is there, and in the list of runs the study's arms. Each round opens every page in a browser that has kept nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from slalom.records.on_mlflow import MlflowRecorder
from slalom.wire.trial import Ended, Phase
from tests.browser.screenshot import RUN, browser, first_visit, served, shown
from tests.support.mlflow_tables import database
from tests.support.record_samples import describe, ended, study, summary

FEW, MANY = 100, 10_000
IN_SEARCH = 16


def trials(count: int) -> list[Ended]:
    """So many trials of tuning, of both arms, and the confirm trials."""
    tuned = [
        ended(arm, number % IN_SEARCH, search=number // IN_SEARCH)
        for arm in ("constant", "rising")
        for number in range(count // 2)
    ]
    return tuned + [ended(arm, 0, Phase.CONFIRM, search=search) for arm in ("constant", "rising") for search in (0, 1)]


def recorded(folder: Path, count: int) -> Path:
    """A home in whose records the study has so many trials."""
    recorder = MlflowRecorder(database(folder), folder / "artifacts", study(), describe)
    recorder.trials(trials(count))
    recorder.summary(summary())
    recorder.close()
    return folder


def seconds(window, page: str) -> dict[str, float]:
    """Until the experiment's page is open, and from there the page of the study's run."""
    first_visit(window, page)
    began = time.perf_counter()
    window.get(page)
    run = shown(window, RUN, lambda link: link.text == "momentum", seconds=120)
    opened = time.perf_counter()
    window.execute_script("arguments[0].click()", run)
    shown(window, "p", lambda text: text.text.startswith("rising wins"), seconds=120)
    shown(window, "a[href*='/runs/']", lambda link: link.text.strip(", ") == "constant", seconds=120)
    return {"list of runs": opened - began, "study's run": time.perf_counter() - opened}


def main(rounds: int = 5) -> None:
    """Print the medians and their ratio, page by page."""
    found: dict[int, list[dict[str, float]]] = {FEW: [], MANY: []}
    with ExitStack() as open_while, tempfile.TemporaryDirectory() as folder:
        homes = {count: recorded(Path(folder, str(count)), count) for count in found}
        pages = {count: open_while.enter_context(served(home, 120))["momentum"] for count, home in homes.items()}
        window = open_while.enter_context(browser(Path(folder, "profile")))
        for page in pages.values():
            seconds(window, page)  # the server's and the browser's first time
        for _ in range(rounds):
            for count, page in pages.items():
                found[count].append(seconds(window, page))
    for name in found[FEW][0]:
        few, many = (statistics.median(one[name] for one in found[count]) for count in (FEW, MANY))
        print(f"{name}: {few:.2f} s with {FEW} trials, {many:.2f} s with {MANY:,}: {many / few:.2f} times")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
