from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slalom.errors import InputError
from slalom_worker.tasks import TASKS, Split, open_task
from slalom_worker.tasks.digits import Digits
from slalom_worker.tasks.mixture import Mixture
from slalom_worker.tasks.training_options import TRAINING_OPTIONS, TrainingOptions, mislabelled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slalom_worker.tasks import Data

LABELS = np.repeat(np.arange(5), 2000)
MAKERS: list[Callable[..., Any]] = [Digits, Mixture]


def equal(one: Split, other: Split) -> bool:
    return all(np.array_equal(mine, yours) for mine, yours in zip(one[:2], other[:2], strict=True))


@pytest.mark.parametrize("name", ["digits", "mixture", "fashion_mnist"])
def test_classification_tasks_have_them(name: str) -> None:
    assert TASKS[name].options.items() >= TRAINING_OPTIONS.items()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.77777])
def test_the_share_is_exact_and_the_rest_stays(share: float) -> None:
    before = LABELS.copy()
    wrong = mislabelled(LABELS, 5, share) != LABELS
    assert wrong.sum() == round(share * len(LABELS))
    np.testing.assert_array_equal(LABELS, before)


def test_each_other_class_is_as_likely_and_each_example() -> None:
    noisy = mislabelled(LABELS, 5, 0.5)
    counts = np.zeros((5, 5))
    np.add.at(counts, (LABELS, noisy), 1)
    off = counts[~np.eye(5, dtype=bool)]
    # 5,000 drawn over 20 pairs of classes: 250 each, with a standard deviation of 16
    assert np.abs(off - 250).max() < 5 * 16
    assert np.diag(counts) == pytest.approx(1000, abs=5 * 23)


def test_more_noise_keeps_the_noise_of_less() -> None:
    some, more = (mislabelled(LABELS, 5, share) for share in (0.1, 0.3))
    np.testing.assert_array_equal(more[some != LABELS], some[some != LABELS])


def test_the_draw_stays_the_same_in_every_version() -> None:
    assert mislabelled(np.zeros(12, np.int64), 4, 0.5).tolist() == [0, 1, 1, 3, 0, 3, 0, 0, 0, 1, 0, 2]


@pytest.mark.parametrize("make", MAKERS)
def test_noise_is_on_training_labels_only(make: Callable[..., Any]) -> None:
    clean, noisy = make().load(), make(label_noise=0.2).load()
    wrong = noisy.train.labels != clean.train.labels
    assert wrong.sum() == round(0.2 * len(wrong))
    np.testing.assert_array_equal(noisy.train.inputs, clean.train.inputs)
    assert equal(noisy.validation, clean.validation)
    assert equal(noisy.test, clean.test)
    assert noisy.facts == clean.facts


@pytest.mark.parametrize("make", MAKERS)
def test_copies_follow_each_other_with_the_same_noise(make: Callable[..., Any]) -> None:
    single, data = make(label_noise=0.2).load(), make(label_noise=0.2, replicate=3).load()
    count = len(single.train.labels)
    assert len(data.train.labels) == 3 * count
    for start in range(0, 3 * count, count):
        assert equal(Split(*(part[start : start + count] for part in data.train[:2])), single.train)
    assert equal(data.validation, single.validation)
    assert equal(data.test, single.test)


def test_weights_of_copies_have_the_sum_one() -> None:
    split = Split(np.ones((2, 1), np.float32), np.array([0, 1]), np.array([0.25, 0.75]))
    weights = TrainingOptions(replicate=2).altered(split, 2).weights
    assert weights is not None
    assert weights.tolist() == [0.125, 0.375, 0.125, 0.375]


def test_rare_classes_are_thinned_before_labels_are_drawn() -> None:
    thin, noisy = Digits(rare=[3]).load(), Digits(rare=[3], label_noise=0.3).load()
    np.testing.assert_array_equal(noisy.train.inputs, thin.train.inputs)


@pytest.mark.parametrize("make", MAKERS)
def test_digest_follows_them_and_not_their_defaults(make: Callable[..., Any]) -> None:
    options: list[dict[str, Any]] = [{}, {"label_noise": 0.1}, {"label_noise": 0.2}, {"replicate": 2}]
    digests = [make(**option).load().digest() for option in options]
    assert len(set(digests)) == 4
    assert make(label_noise=0.0, replicate=1).load().digest() == digests[0]


def test_the_books_points_have_them_too(book: Data, book_folder: Path) -> None:
    data = Mixture(data=str(book_folder), label_noise=0.1, replicate=10).load()
    assert len(data.train.labels) == 2000
    assert (data.train.labels[:200] != book.train.labels).sum() == 20
    assert equal(data.test, book.test)


def test_copies_that_no_memory_holds_are_refused() -> None:
    train = Split(np.zeros((2000, 784), np.float32), np.zeros(2000, np.int64))
    with pytest.raises(InputError, match=r"replicate must leave the training examples at 1024 MB .* 1000 copies take"):
        TrainingOptions(replicate=1000).altered(train, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_noise": 1}, r"label_noise must be a number in \[0, 1\), but got 1"),
        ({"label_noise": -0.1}, r"label_noise must be a number in \[0, 1\), but got -0.1"),
        ({"replicate": 0}, r"replicate must be a whole number in \[1, 1000\], but got 0"),
        ({"replicate": 1.5}, r"replicate must be a whole number in \[1, 1000\], but got 1.5"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_task({"name": "digits", **options}, tmp_path)
