"""The gate over ten nights of each kind, of real packed training: what `make gate` does with a hundred."""

from slalom.gate import Answer
from tests.benchmarks.gate import CHANCE, FAULT, KINDS, SAME, held, measured
from tests.benchmarks.nights import answers


def test_chance_raises_no_alarm_and_every_fault_does():
    rows = list(measured(10, KINDS))
    for row in rows:
        found = answers(row.nights)
        expected = {SAME: Answer.IDENTICAL, FAULT: Answer.REGRESSED}.get(row.kind.expected)
        assert row.kind.expected == CHANCE or found[expected] == 10, (row.kind, found)
        assert row.kind.expected != CHANCE or found[Answer.REGRESSED] == found[Answer.IMPROVED] == 0, (row.kind, found)
        assert row.kind.expected != CHANCE or found[Answer.IDENTICAL] == 0, "the injection changes no number"
    assert held(rows)
