"""The gate over five nights of each kind, of real packed training: what `make gate` does with a hundred."""

from slalom.regression.gate import Answer
from tests.benchmarks.gate import CHANCE, FAULT, KINDS, SAME, held, measured
from tests.benchmarks.nights import answers

NIGHTS = 5


def test_chance_raises_no_alarm_and_every_fault_does():
    rows = list(measured(NIGHTS, KINDS))
    for row in rows:
        found = answers(row.nights)
        expected = {SAME: Answer.IDENTICAL, FAULT: Answer.REGRESSED}.get(row.kind.expected)
        assert row.kind.expected == CHANCE or found[expected] == NIGHTS, (row.kind, found)
        assert row.kind.expected != CHANCE or found[Answer.REGRESSED] == found[Answer.IMPROVED] == 0, (row.kind, found)
        assert row.kind.expected != CHANCE or found[Answer.IDENTICAL] == 0, "the injection changes no number"
    assert held(rows)
