"""What a trial costs in Optuna and in MLflow: their own calls, one trial at a time, beside Slalom's batches.

    python tests/benchmarks/bookkeeping.py [SIZE ...]

Prints milliseconds of this process's CPU time per trial, when so many trials are on record already, and their ratio.
Times belong to the machine they were measured on; the ratios, and that a column does not grow, are what to look at.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from slalom.records.on_mlflow.environment import DEFAULTS

os.environ.update(DEFAULTS)

from rich.console import Console
from rich.table import Table

from slalom.records.on_mlflow.address import check
from slalom.records.on_mlflow.experiment import Experiment, _data_input
from slalom.records.on_mlflow.tables import make_tables
from slalom.records.on_mlflow.trial_runs.base import RunsInCommon
from slalom.records.on_mlflow.trial_runs.over_server import ServerTrialRuns
from slalom.search.on_optuna import OptunaStore
from slalom.search.on_optuna.translate import stored
from slalom.study.model import Arm, Compare, Metric, Resources, StudySpec, Tune
from slalom.study.ranges import Range
from slalom.study.trials import trial_spec
from slalom.wire.trial import Ended, Outcome, Phase, Report, TrialId, TrialResult
from tests.support.programs import program
from tests.support.record_samples import FINGERPRINT, WORK

SIZES = (200, 2_000)
BATCHES = (1, 16, 256)
EPOCHS = 10
OLD_TRIALS, NEW_TRIALS = 20, 512
SPACE = {f"layer{number}.rate": Range(1e-3, 1.0, log=True) for number in range(10)}


def study() -> StudySpec:
    arms = tuple(Arm(name, {**program(WORK), "optimizer": "adam", **SPACE}, SPACE) for name in ("constant", "rising"))
    question, metric = "What does a trial cost?", Metric("error", "minimize", 1.0)
    return StudySpec(
        name="bookkeeping", question=question, task=WORK.task, precision=WORK.precision, epochs=EPOCHS,
        report_every=1, metric=metric, arms=arms, tune=Tune(trials=10**6), confirm_seeds=2,
        compare=Compare("constant"), resources=Resources(), fingerprint=FINGERPRINT, data_digest="d" * 64,
    )  # fmt: skip


SPEC = study()


def ended(number: int) -> Ended:
    """A trial of ten parameters that was searched for, some eight that were not, and ten epochs of four metrics."""
    trial = TrialId(("constant", "rising")[number % 2], Phase.TUNE, number // 2)
    values = dict.fromkeys(SPACE, (number % 997 + 1) / 1000)
    kinds = ("train.loss", "train.error", "validation.loss", "validation.error")
    history = tuple(
        Report(trial, 1, epoch, {kind: number % 89 / (epoch + place) for place, kind in enumerate(kinds, 1)})
        for epoch in range(1, EPOCHS + 1)
    )
    result = TrialResult(trial, 1, Outcome.COMPLETE, EPOCHS, history[-1].metrics, history, lane="lane 0", device="cpu")
    result = replace(result, started=1.7e9 + number, ended=1.7e9 + number + 8)
    return Ended(trial_spec(SPEC, trial, values, 1), result)


class Keeper(NamedTuple):
    """old: its own calls for one trial; new: Slalom's for many."""

    old: Callable[[Ended], None]
    new: Callable[[list[Ended]], None]


def optuna(folder: Path) -> Keeper:
    store = OptunaStore(f"sqlite:///{folder}/optuna.db", SPEC, "optuna.db")
    return Keeper(lambda one: store._study(store._name(one.spec.id.arm)).add_trial(stored(one, SPEC)), store.add)


def mlflow(folder: Path) -> Keeper:
    uri = f"sqlite:///{folder}/mlflow.db"
    check(uri)
    make_tables(uri, folder / "artifacts")
    old, new = Experiment(uri, folder / "artifacts", SPEC), Experiment(uri, folder / "artifacts", SPEC)
    old._runs = ServerTrialRuns(old._client, RunsInCommon(old._experiment_id, FINGERPRINT, _data_input(SPEC)))
    return Keeper(lambda one: old.trials([one]), new.trials)


def spent(call: Callable[[], object], trials: int) -> float:
    """Milliseconds of CPU time per trial."""
    began = time.process_time()
    call()
    return (time.process_time() - began) / trials * 1e3


def in_batches(keeper: Keeper, trials: list[Ended], size: int) -> None:
    for start in range(0, len(trials), size):
        keeper.new(trials[start : start + size])


def measured(keeper: Keeper, numbers: itertools.count[int], size: int) -> list[float]:
    """Of one trial at a time by its own calls, then of each size of batch, with about `size` trials on record."""
    while (room := size - (number := next(numbers))) > 0:
        keeper.new([ended(one) for one in (number, *itertools.islice(numbers, min(room, max(BATCHES)) - 1))])
    one_by_one = [ended(next(numbers)) for _ in range(OLD_TRIALS)]
    found = [spent(lambda: [keeper.old(one) for one in one_by_one], OLD_TRIALS)]
    for batch in BATCHES:
        trials = [ended(next(numbers)) for _ in range(NEW_TRIALS if batch > 1 else OLD_TRIALS)]
        found.append(spent(partial(in_batches, keeper, trials, batch), len(trials)))
    return found


def main() -> None:
    """Measure and print."""
    sizes = sorted(map(int, sys.argv[1:])) or SIZES
    columns = [f"batches of {size}" for size in BATCHES]
    table = Table("in", "on record", "its own calls", *columns, title="ms of CPU time per trial")
    for open_keeper in (optuna, mlflow):
        with tempfile.TemporaryDirectory() as folder:
            keeper, numbers = open_keeper(Path(folder)), itertools.count()
            for size in sizes:
                old, *new = measured(keeper, numbers, size)
                cells = [f"{one:.2f} ({old / one:.0f}x)" for one in new]
                table.add_row(open_keeper.__name__, f"{size:,}", f"{old:.1f}", *cells)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
