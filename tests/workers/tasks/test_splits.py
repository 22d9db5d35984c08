from __future__ import annotations

import numpy as np
import pytest

from slalom_worker.tasks.splits import stratified, thinned

LABELS = np.repeat(np.arange(3), [100, 50, 7])


@pytest.mark.parametrize("shares", [(60, 20, 20), (5, 1), (1, 1, 1)])
def test_parts_are_disjoint_whole_and_stratified(shares: tuple[int, ...]) -> None:
    parts = stratified(LABELS, shares, seed=3)
    assert sorted(np.concatenate(parts)) == list(range(len(LABELS)))
    for part, share in zip(parts, shares, strict=True):
        expected = np.bincount(LABELS) * share / sum(shares)
        assert np.abs(np.bincount(LABELS[part], minlength=3) - expected).max() <= 1


def test_split_is_drawn_and_stays_the_same_in_every_version() -> None:
    train, test = stratified(np.zeros(12, np.int64), (3, 1), seed=0)
    assert train.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 11]
    assert test.tolist() == [5, 9, 10]
    assert stratified(np.zeros(12, np.int64), (3, 1), seed=1)[1].tolist() != test.tolist()


def test_thinned_keeps_a_fraction_of_the_rare_and_all_others() -> None:
    counts = np.bincount(LABELS[thinned(LABELS, [0, 2], 0.25, seed=0)])
    assert counts.tolist() == [25, 50, 2]


def test_thinned_leaves_at_least_one_and_nests() -> None:
    one, some = (set(thinned(LABELS, [0], fraction, seed=0)) for fraction in (0.001, 0.5))
    assert len(one) == 58
    assert one < some
