"""How often verdicts are wrong, and how much they see, through the whole pipeline: split, search, pick, confirm, test.

    make calibrate                                          400 repeats a row; writes docs/verdicts.md's measured part
    python -m tests.benchmarks.calibrate --resume FILE      keeps every row in a file, and takes what is there from it
    python -m tests.benchmarks.calibrate --repeats 40       prints only; --only digits for some of the rows

In an A/A row both arms are the same way of training, the second with random numbers of its own: every "better" or
"worse" is a false positive. In the other rows the arms differ. Exit code 1 where a bound of docs/verdicts.md is broken.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from slalom.verdict.answers import Answer
from slalom.verdict.summary import Summary
from tests.benchmarks.document import write
from tests.benchmarks.machine import machine
from tests.benchmarks.repeats import Row, summaries
from tests.benchmarks.tables import Table

ROOT = Path(__file__).parents[2]
REPEATS = 400
POWER = 4
"""Rows whose arms differ have a quarter of the repeats: power needs less precision than an error rate."""

BOUNDS = (8, 28)
"""False positives of 400 that an A/A row over searches may have: 2 and 7 %, around alpha's 5."""

TEN, ONE = {"10 searches": 10}, {"1 search of 30 seeds": 1}
STAGED: Mapping[str, object] = {"10, 20, 40 searches": {"at_least": 10, "at_most": 40, "until": "decided"}, **TEN}
"""Rows of the same trainings: the ten searches are the first of the forty."""

DIGITS: Mapping[str, object] = {
    "task": "digits",
    "model": {"name": "mlp", "hidden": [8], "activation": "tanh"},
    "training": {"epochs": 4, "batch_size": 64, "optimizer": "momentum", "momentum": 0.9},
    "search": {"learning_rate": {"log": [0.01, 1.0]}},
}
MIXTURE: Mapping[str, object] = {
    "task": "mixture",
    "model": {"name": "mlp", "hidden": [5], "activation": "tanh"},
    "training": {"epochs": 40, "batch_size": 50, "report_every": 10, "optimizer": "momentum", "momentum": 0.9},
    "search": {"learning_rate": {"log": [0.01, 1.0]}},
}
WILD: Mapping[str, object] = {
    **DIGITS,
    "training": {"epochs": 4, "batch_size": 64, "optimizer": "sgd", "report_every": 4, "loss": "squared_error"},
    "search": {"learning_rate": {"log": [0.1, 10.0]}},
}
WEAKER: Mapping[str, Mapping[str, object]] = {"one": {}, "other": {"momentum": 0.8}}
WILDER: Mapping[str, Mapping[str, object]] = {"one": {}, "other": {"weight_decay": 0.1}}


def row(
    arms: str,
    base: Mapping[str, object],
    searches: Mapping[str, object],
    split: str = "each_search",
    seeds: int = 1,
    given: Mapping[str, Mapping[str, object]] = WEAKER,
    noise: float = 0.0,
) -> Row:
    """Rows of a study: searches of six random trials, halved, the best two picked by two further seeds."""
    documents = {
        f"{arms}, {name}, split {'drawn' if split == 'each_search' else 'fixed'}": {
            "name": "calibration",
            "question": "Are two arms that are the same told apart?",
            **base,
            "arms": given,
            "tune": {"trials": 6, "sampler": "random", "searches": number, "pick": {"best": 2, "seeds": 2}},
            "confirm": {"seeds": seeds},
            "compare": {"baseline": next(iter(given))},
            "resample": {"split": split},
        }
        for name, number in searches.items()
    }
    return Row(documents, same=arms.startswith("A/A"), noise=noise)


def rows() -> Iterator[Row]:
    """All rows; those whose name begins with "A/A" compare a way of training with itself."""
    for task, base in (("digits", DIGITS), ("mixture", MIXTURE)):
        for split in ("each_search", "fixed"):
            yield row(f"A/A {task}", base, STAGED, split)
        yield row(f"A/A {task}", base, ONE, "fixed", seeds=30)
        yield row(f"{task}, momentum .9 against .8", base, STAGED)
        yield row(f"{task}, labels right against 5 % wrong", base, STAGED, noise=0.05)
    yield row("A/A digits, diverging", WILD, TEN, given=WILDER)


@dataclass(frozen=True)
class Found:
    """What the repeats of a row said.

    called: those whose arms were told apart; winners: those that named one
    covered: the share of intervals of the difference that held the true one, which of an A/A row is 0 and else the mean
        over all repeats; searches: the mean number until the study was decided
    """

    name: str
    repeats: int
    called: int
    winners: int
    covered: float
    effect: float
    searches: float
    diverged: float
    about: str
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the row keeps to what docs/verdicts.md says."""
        low, high = (bound * self.repeats / REPEATS for bound in BOUNDS)
        if not self.name.startswith("A/A"):
            return True
        if self.about == "choice":
            return self.winners == 0
        return low <= self.called <= high


def measure(one: Row, repeats: int, processes: int) -> Iterator[Found]:
    """Train the repeats of a row and count, for each of its documents."""
    began = time.monotonic()
    found = list(summaries(one, repeats, processes=processes))[:repeats]
    seconds = time.monotonic() - began
    for name, several in zip(one.documents, zip(*found, strict=True), strict=True):
        yield count(name, several, seconds)


def count(name: str, found: Sequence[Summary], seconds: float) -> Found:
    """What the repeats of one document said."""
    differences = [summary.arms[1].difference for summary in found]
    told = [one for one in differences if one is not None]
    true = 0.0 if name.startswith("A/A") else float(np.mean([difference.mean for difference in told]))
    spread = float(np.std([difference.mean for difference in told]))
    inside = [difference.interval.low <= true <= difference.interval.high for difference in told]
    return Found(
        name=name,
        repeats=len(found),
        called=sum(difference.answer in (Answer.BETTER, Answer.WORSE) for difference in told),
        winners=sum(bool(summary.verdict and summary.verdict.winner) for summary in found),
        covered=float(np.mean(inside)),
        effect=true / spread if spread else math.nan,
        searches=float(np.mean([difference.searches for difference in told])),
        diverged=_diverged(found),
        about=found[0].verdict.about if found[0].verdict else "",
        seconds=seconds,
    )


def _diverged(found: Sequence[Summary]) -> float:
    """The share of confirm trainings that diverged."""
    confirmed = [arm.confirm for summary in found for arm in summary.arms if arm.confirm]
    trainings = sum(one.searches * one.seeds for one in confirmed)
    return sum(one.diverged for one in confirmed) / trainings if trainings else 0.0


def table(found: Sequence[Found]) -> Table:
    """The rows for a reader."""
    header = ("arms", "repeats", "told apart", "%", "winners named", "interval covers, %", "searches", "diverged, %")
    body = [
        (
            one.name,
            str(one.repeats),
            str(one.called),
            f"{100 * one.called / one.repeats:.1f}",
            str(one.winners),
            f"{100 * one.covered:.1f}",
            f"{one.searches:.1f}",
            f"{100 * one.diverged:.1f}",
        )
        for one in found
    ]
    return Table("How often whole studies tell arms apart", header, body)


def main() -> int:
    """Measure all rows, print them, and write them into the page where none was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--resume", type=Path, help="a file with the rows that an earlier run measured; written to")
    options = parser.parse_args()
    kept = Kept(options.resume)
    console, found = Console(width=150), []
    for one in rows():
        if not any(options.only in name for name in one.documents):
            continue
        repeats = options.repeats if one.same else options.repeats // POWER
        for counted in kept(one, repeats) or kept.add(measure(one, repeats, options.processes)):
            console.print(f"{counted.name}: {counted.called} of {counted.repeats}, {counted.seconds:.0f} s")
            found.append(counted)
    made = table(found)
    console.print(made.shown())
    if options.repeats == REPEATS and not options.only:
        write(ROOT / "docs" / "verdicts.md", [SETTING, made.markdown(), machine()], "make calibrate")
    return 0 if all(one.holds for one in found) else 1


class Kept:
    """The rows that are measured already, in a file of one JSON object a line; without a file there are none."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
        self._rows = {found.name: found for found in (Found(**json.loads(line)) for line in lines)}

    def __call__(self, one: Row, repeats: int) -> Sequence[Found]:
        """The rows of these documents, where each was measured with so many repeats."""
        found = [self._rows[name] for name in one.documents if name in self._rows]
        return found if len(found) == len(one.documents) and all(row.repeats == repeats for row in found) else []

    def add(self, found: Iterator[Found]) -> Iterator[Found]:
        """The same rows, each written down."""
        for one in found:
            if self._file:
                with self._file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(asdict(one)) + "\n")
            yield one


SETTING = (
    "400 repeats where the arms are the same, 100 where they differ, from real trainings: digits on a 64-8-10 net for "
    "4 epochs, the mixture on a 2-5-2 net for 40. A search is six random trials, halved, the best two of which are "
    "trained again from two seeds; one confirm seed. In an A/A row both arms are the same way of training and draw "
    "from streams of their own; each that is told apart is a false positive, of which 20 of 400 are expected at alpha "
    "5 %."
)


if __name__ == "__main__":
    sys.exit(main())
