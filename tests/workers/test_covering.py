"""The covering array holds what it says, in few rows."""

from tests.workers.covering import covering, every_pair, pairs

FACTORS = {"a": ["1", "2", "3"], "b": ["1", "2"], "c": ["1", "2", "3", "4"], "d": ["x"]}


def test_every_pair_is_covered_in_few_rows():
    rows = covering(FACTORS)
    assert set().union(*map(pairs, rows)) == every_pair(FACTORS)
    assert all(row.keys() == FACTORS.keys() for row in rows)
    assert 12 <= len(rows) <= 15
    assert rows == covering(FACTORS)
