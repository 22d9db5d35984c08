"""How well the regression gate tells chance from faults, measured over nights of real packed training.

    make gate                                       all nights; writes docs/regression.md's measured part again
    python -m tests.benchmarks.gate --nights 10     that many of each kind; prints only

A night's baseline is its own (see nights.py). Exit code 1 where the gate does not hold what docs/regression.md says.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from torch import Tensor

from slalom.regression.gate import Answer, Design, Finding, judge_cost, stages
from slalom.study.model import StudySpec
from slalom.wiring import measure_cost
from slalom_worker.net.examples import Batch
from slalom_worker.training.pack import Pack
from slalom_worker.training.stack import EpochTable
from tests.benchmarks import injections
from tests.benchmarks.document import write
from tests.benchmarks.injections import Injection
from tests.benchmarks.machine import machine
from tests.benchmarks.nights import SEARCHES, Bench, Night, answers, study
from tests.benchmarks.tables import Table

ROOT = Path(__file__).parents[2]
TRAININGS = 40
"""Pinned of each arm, four seeds of each of ten searches: the documented number."""

FALSE_ALARMS, CAUGHT = 0.01, 0.95
SAME, CHANCE, FAULT = "unchanged code", "changed numerics", "fault"

DIGITS = {"task": "digits", "model": {"name": "mlp", "hidden": [16], "activation": "tanh"}}
MIXTURE = {"task": "mixture", "model": {"name": "mlp", "hidden": [10], "activation": "tanh"}}
RISING = {"momentum": {"schedule": "gradient_norm", "start": 0.5, "end": 0.9}}
MOMENTUM = {"epochs": 6, "batch_size": 32, "optimizer": "momentum", "learning_rate": 0.03}
DROPOUT = {**MOMENTUM, "learning_rate": 0.05, "momentum": 0.9}
BATCHES = {"epochs": 20, "batch_size": 10, "report_every": 2, "optimizer": "momentum", "learning_rate": 0.1}
DECAY = {"epochs": 300, "batch_size": "all", "report_every": 20, "optimizer": "adam", "learning_rate": 0.1}


def studies() -> dict[str, StudySpec]:
    """Each with two arms, so that a night makes four tests."""
    return {
        "digits, momentum": study(
            "digits-momentum",
            **DIGITS,
            training=MOMENTUM,
            arms={"constant": {"momentum": 0.9}, "rising": RISING},
            compare={"baseline": "constant"},
        ),
        "digits, drawn splits": study(
            "digits-splits",
            **DIGITS,
            training=MOMENTUM,
            arms={"constant": {"momentum": 0.9}, "rising": RISING},
            compare={"baseline": "constant"},
            resample={"split": "each_search"},
        ),
        "digits, dropout": study(
            "digits-dropout",
            **DIGITS,
            training=DROPOUT,
            arms={"none": {}, "half": {"hidden_dropout": 0.5}},
            compare={"baseline": "none"},
        ),
        "mixture, batches of 10": study(
            "mixture-batches",
            **MIXTURE,
            training=BATCHES,
            arms={"none": {"momentum": 0.0}, "half": {"momentum": 0.5}},
            compare={"baseline": "none"},
        ),
        "mixture, weight decay": study(
            "mixture-decay",
            **MIXTURE,
            training=DECAY,
            metric={"name": "loss", "goal": "minimize"},
            arms={"none": {"weight_decay": 0.0}, "decay": {"weight_decay": 1e-3}},
            compare={"baseline": "none"},
        ),
    }


@dataclass(frozen=True)
class Kind:
    """Nights of one kind: what is at work, and on which study."""

    expected: str
    injection: Injection
    study: str

    @property
    def title(self) -> str:
        """What is at work, in words."""
        return self.injection.__name__.replace("_", " ")


KINDS = (
    Kind(SAME, injections.unchanged, "digits, momentum"),
    Kind(SAME, injections.unchanged, "mixture, batches of 10"),
    Kind(CHANCE, injections.float_order, "digits, momentum"),
    Kind(CHANCE, injections.float_order, "mixture, batches of 10"),
    Kind(CHANCE, injections.other_stream, "digits, momentum"),
    Kind(CHANCE, injections.other_stream, "mixture, batches of 10"),
    Kind(CHANCE, injections.other_stream, "digits, drawn splits"),
    Kind(FAULT, injections.momentum_lost, "digits, momentum"),
    Kind(FAULT, injections.momentum_lost, "digits, drawn splits"),
    Kind(FAULT, injections.decay_halved, "mixture, weight decay"),
    Kind(FAULT, injections.unshuffled, "mixture, batches of 10"),
    Kind(FAULT, injections.dropout_at_evaluation, "digits, dropout"),
    Kind(FAULT, injections.class_dropped, "digits, momentum"),
)


ONE_BASELINE = Kind("all nights against the luckiest of the baselines", injections.other_stream, "digits, momentum")


@dataclass(frozen=True)
class Row:
    """What was said on the nights of one kind."""

    kind: Kind
    nights: Sequence[Night]

    @property
    def share(self) -> float:
        """Of the nights that are called what they should be; of chance, those that raise an alarm."""
        wanted = Answer.IDENTICAL if self.kind.expected == SAME else Answer.REGRESSED
        return answers(self.nights)[wanted] / len(self.nights)


def measured(nights: int, kinds: Sequence[Kind] = (*KINDS, ONE_BASELINE)) -> Iterator[Row]:
    """These kinds, study by study, so that their baselines are made once."""
    specs = studies()
    for name in specs:
        bench = Bench(specs[name], TRAININGS)
        for kind in kinds:
            if kind is ONE_BASELINE and kind.study == name:
                yield Row(kind, against_the_luckiest(bench, nights))
            elif kind.study == name:
                yield Row(kind, bench.nights(range(nights), kind.injection))


def against_the_luckiest(bench: Bench, nights: int) -> list[Night]:
    """Nights, each with another stream, all held against the one baseline that is hardest to come up to."""
    luckiest = min(bench.baselines, key=lambda number: sum(bench.baselines[number].arms[0].found.values))
    streams = (partial(injections.other_stream, night=1 + night) for night in range(nights))
    return [night for stream in streams for night in bench.nights([luckiest], stream)]


def held(rows: Sequence[Row]) -> bool:
    """Whether the gate holds: over all nights of chance, and for each fault by itself."""
    chance = [row.share for row in rows if row.kind.expected == CHANCE]
    return (
        all(row.share == 1 for row in rows if row.kind.expected == SAME)
        and statistics.fmean(chance) <= FALSE_ALARMS
        and all(row.share >= CAUGHT for row in rows if row.kind.expected == FAULT)
    )


def table(rows: Sequence[Row]) -> Table:
    """A row for each kind."""
    head = ("what is at work", "", "study", "nights", *Answer, "trainings, median", "most")
    body = []
    for row in rows:
        found, trainings = answers(row.nights), [night.trainings for night in row.nights]
        counts = [str(found[answer]) for answer in Answer]
        ends = (f"{statistics.median(trainings):g}", str(max(trainings)))
        body.append((row.kind.title, row.kind.expected, row.kind.study, str(len(row.nights)), *counts, *ends))
    title = f"What the gate said, with {TRAININGS} trainings pinned of each of two arms, from {SEARCHES} searches"
    return Table(title, head, body)


def reach() -> Table:
    """Which difference is caught, by the seeds pinned of ten searches: of normal values, in standard deviations."""
    from scipy.special import stdtrit

    body = []
    for seeds in (2, 3, 4, 8, 16):
        trainings = seeds * SEARCHES
        design = Design(stages(seeds, SEARCHES), 4, SEARCHES)
        quantile = -float(stdtrit(trainings - 1, design.miss * design.share(trainings)))
        margin = (quantile + 1.96) * math.sqrt(2 / trainings)
        caught = f"{margin + 1.645 * math.sqrt(2 / trainings):.2f}"
        body.append((str(seeds), str(trainings), f"{margin:.2f}", caught))
    title = "Standard deviations over the seeds of a search: the margin, and what is caught on 95 of 100 nights"
    return Table(title, ("seeds of each of ten searches", "trainings", "margin", "caught"), body)


def cost_nights(nights: int) -> Table:
    """The cost held against one measured before, unchanged and with every gradient computed twice."""
    spec = studies()["digits, momentum"]
    real = Pack._step

    def twice(pack: Pack, epoch: EpochTable, step: int, batch: Batch) -> Tensor:
        pack.objective.gradient(pack.stack.weights, batch, pack.stack.gradients, pack.stack.state)
        return real(pack, epoch, step, batch)

    pinned = [measure_cost(spec, "constant", {}) for _ in range(nights)]
    same = [_cost(spec, one) for one in pinned]
    with patch.object(Pack, "_step", twice):
        slower = [_cost(spec, one) for one in pinned]
    rows = []
    for title, found in (("unchanged code", same), ("every gradient twice", slower)):
        counts = [str(sum(one.answer is answer for one in found)) for answer in list(Answer)[:-1]]
        rows.append((title, str(nights), *counts, f"{statistics.median(1 + one.difference for one in found):.2f}"))
    return Table("The cost", ("what is at work", "nights", *list(Answer)[:-1], "median ratio"), rows)


def _cost(spec: StudySpec, pinned: Sequence[float]) -> Finding:
    """As a night judges it: measured up to three times."""
    tonight: tuple[float, ...] = ()
    for _ in range(3):
        tonight = (*tonight, *measure_cost(spec, "constant", {}))
        found = judge_cost("constant", pinned, tonight)
        if found.answer is Answer.EQUIVALENT:
            break
    return found


def main() -> int:
    """Measure, print, and write down what a whole run measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, help="of each kind, instead of 100; prints only")
    chosen = parser.parse_args()
    console, began = Console(width=200), time.process_time()
    rows = []
    for row in measured(chosen.nights or 100):
        rows.append(row)
        console.print(f"{row.kind.study}: {row.kind.title}: {row.share:.1%} after {time.process_time() - began:.0f} s")
    tables = [table(rows), cost_nights(chosen.nights or 50), reach()]
    for one in tables:
        console.print(one.shown())
    spent = f"All of it took {(time.process_time() - began) / 60:.1f} minutes of one core."
    if not chosen.nights:
        write(
            ROOT / "docs" / "regression.md", [f"{machine()} {spent}", *(one.markdown() for one in tables)], "make gate"
        )
    return 0 if held(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
