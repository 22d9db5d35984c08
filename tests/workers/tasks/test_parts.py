"""Other splits than the task's own: what is drawn, what stays, and that it is the same on every machine."""

from __future__ import annotations

import hashlib
import pickle
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slalom.errors import InputError
from slalom.wire.seeds import split_seed
from slalom_worker.tasks import Data, Split, draw, load_split, open_task, own_parts, splits_of
from slalom_worker.tasks.amsgrad_counterexample import AmsgradCounterexample
from slalom_worker.tasks.digits import Digits
from slalom_worker.tasks.fashion_mnist import FashionMnist
from slalom_worker.tasks.ill_conditioned import IllConditioned
from slalom_worker.tasks.mixture import Mixture
from slalom_worker.tasks.splits import divided

if TYPE_CHECKING:
    from pathlib import Path

    from slalom_worker.tasks.parts import Parts

SEEDS = [split_seed(0, search) for search in range(3)]
DIGITS = Digits().load()


def split(task: Any, seed: int, data: Data | None = None) -> Parts:
    """The parts of a seed's split."""
    pooled = (data or task.load()).pooled()
    return draw(task, pooled.pool, own_parts(pooled), seed)


def digest(parts: Parts) -> str:
    """Over rows and labels of all parts; 16 digits."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.rows.astype(np.int64).tobytes())
        sha.update(part.labels.tobytes())
    return sha.hexdigest()[:16]


def sizes(parts: Parts) -> list[int]:
    return [len(part.labels) for part in parts]


def clothes(count: int = 600, **weights: Any) -> Data:
    """Data like those of Fashion-MNIST, of five classes that are not evenly split."""
    random = np.random.default_rng(0)
    labels = random.integers(5, size=count) ** 2 // 4

    def part(first: int, last: int) -> Split:
        return Split(random.random((last - first, 4)).astype(np.float32), labels[first:last])

    return Data(part(0, 400), part(400, 500), part(500, count), classes=5)


@pytest.mark.parametrize("seed", SEEDS)
def test_digits_draws_all_parts_anew_each_class_alike(seed: int) -> None:
    parts = split(Digits(), seed)
    assert sorted(np.concatenate([part.rows for part in parts])) == list(range(1797))
    assert sizes(parts) == sizes(own_parts(DIGITS)) == [1078, 360, 359]
    counts = np.bincount(np.concatenate([part.labels for part in parts]))
    for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True):
        assert np.abs(np.bincount(part.labels) - share * counts).max() <= 1
        assert len(np.intersect1d(part.rows, own_parts(DIGITS).test.rows)) > 30


def test_what_is_drawn_stays_the_same_in_every_version() -> None:
    assert digest(split(Digits(), SEEDS[0])) == "24ef071748833bab"
    assert digest(split(Digits(rare=[3], label_noise=0.1, replicate=2), SEEDS[0])) == "0c05b4727ece9f44"
    assert digest(split(FashionMnist(), SEEDS[0], clothes())) == "87865431094f002e"
    points = split(Mixture(), SEEDS[0])
    sha = hashlib.sha256(points.train.split().inputs.tobytes() + points.validation.split().inputs.tobytes())
    assert sha.hexdigest()[:16] == "fe1dfab5f93bbd8c"


@pytest.mark.parametrize("make", [Digits, Mixture])
def test_every_seed_has_a_split_of_its_own_the_same_at_every_call(make: Any) -> None:
    drawn = [split(make(), seed) for seed in [*SEEDS, *SEEDS]]
    inputs = [parts.train.split().inputs.tobytes() for parts in drawn]
    assert inputs[:3] == inputs[3:]
    assert len({*inputs, make().load().train.inputs.tobytes()}) == 4


def test_fashion_mnist_and_own_tasks_keep_their_test_part() -> None:
    data = clothes().pooled()
    for task in (FashionMnist(), None):
        parts = draw(task, data.pool, own := own_parts(data), SEEDS[0])
        assert parts.test is own.test
        assert sizes(parts) == [400, 100, 100]
        assert sorted(np.concatenate([parts.train.rows, parts.validation.rows])) == list(range(500))
        assert data.pool is not None
        counts = np.bincount(data.pool.labels, minlength=5)
        for part, share in ((parts.train, 0.8), (parts.validation, 0.2)):
            assert np.abs(np.bincount(part.labels, minlength=5) - share * counts).max() < 1
        assert parts.train.inputs is data.pool.inputs


def numbered(count: int) -> Split:
    """Examples of three classes, each with its own number as the input."""
    return Split(np.arange(count, dtype=np.float32)[:, None], np.arange(count) % 3)


def some(split: Split, first: int, last: int) -> Split:
    return Split(split.inputs[first:last], split.labels[first:last])


def test_parts_of_a_larger_pool_keep_their_sizes_and_come_from_all_of_it() -> None:
    pool, apart = numbered(30), Split(np.full((4, 1), 99, np.float32), np.arange(4) % 3)
    data = Data(some(pool, 0, 10), some(pool, 10, 15), apart, classes=3, pool=pool)
    drawn = [draw(None, pool, own_parts(data), seed) for seed in range(60)]
    assert {(*sizes(parts),) for parts in drawn} == {(10, 5, 4)}
    for place in (0, 1):
        assert {int(row) for parts in drawn for row in parts[place].rows} == set(range(30))
    for parts in drawn:
        assert len({*parts.train.rows, *parts.validation.rows}) == 15
        assert np.bincount(parts.train.labels).max() - np.bincount(parts.train.labels).min() <= 1


def test_test_examples_within_the_pool_are_never_drawn_to_train() -> None:
    pool = numbered(30).plain()
    data = Data(some(pool, 0, 18), some(pool, 18, 24), some(pool, 24, 30), classes=3, pool=pool)
    for seed in range(5):
        parts = draw(None, data.pool, own_parts(data), seed)
        assert sizes(parts) == [18, 6, 6]
        assert sorted([*parts.train.rows, *parts.validation.rows]) == list(range(24))


def test_a_pool_with_fewer_examples_than_its_parts_is_refused() -> None:
    pool = numbered(14)
    data = Data(numbered(10), numbered(5), numbered(2), classes=3, pool=pool)
    with pytest.raises(
        InputError, match=r"pool must hold as many .* 10 \+ 5, beside those of test, but holds 14; give"
    ):
        draw(None, pool, own_parts(data), 0)


def test_the_mixture_draws_new_points_of_the_same_means() -> None:
    task = Mixture(n=20_000)
    own = task.load()
    parts = split(task, SEEDS[0], own)
    assert sizes(parts) == [20_000, 1000, len(own.test.labels)]
    for part, like in ((parts.train, own.train), (parts.validation, own.validation)):
        assert np.bincount(part.labels).tolist() == np.bincount(like.labels).tolist()
        assert not {row.tobytes() for row in part.split().inputs} & {row.tobytes() for row in like.inputs}
    for label in (0, 1):
        mine, theirs = (one.inputs[one.labels == label].astype(float) for one in (parts.train.split(), own.train))
        np.testing.assert_allclose(mine.mean(axis=0), theirs.mean(axis=0), atol=0.05)
        np.testing.assert_allclose(np.cov(mine.T), np.cov(theirs.T), atol=0.06)
    assert parts.test.split().inputs is own.test.inputs or np.shares_memory(parts.test.inputs, own.test.inputs)


def test_the_book_s_points_stay(book: Data, book_folder: Path) -> None:
    pooled = book.pooled()
    own = own_parts(pooled)
    parts = draw(Mixture(data=str(book_folder)), pooled.pool, own, SEEDS[0])
    assert (parts.train, parts.test) == (own.train, own.test)
    assert not np.array_equal(parts.validation.split().inputs, book.validation.inputs)


def test_training_options_change_each_split_s_training_part_alone() -> None:
    clean = split(Digits(), SEEDS[0])
    noisy, other = (split(Digits(label_noise=0.2), seed) for seed in SEEDS[:2])
    wrong = noisy.train.labels != clean.train.labels
    assert wrong.sum() == round(0.2 * 1078)
    np.testing.assert_array_equal(noisy.train.rows, clean.train.rows)
    for one, same in zip(noisy[1:], clean[1:], strict=True):
        np.testing.assert_array_equal(one.labels, same.labels)
        np.testing.assert_array_equal(one.rows, same.rows)
    assert (wrong != (other.train.labels != split(Digits(), SEEDS[1]).train.labels)).any()
    copied = split(Digits(label_noise=0.2, replicate=3), SEEDS[0])
    np.testing.assert_array_equal(copied.train.rows, np.tile(noisy.train.rows, 3))
    np.testing.assert_array_equal(copied.train.labels, np.tile(noisy.train.labels, 3))


def test_rare_classes_are_thinned_in_every_split() -> None:
    task = Digits(rare=[3, 7], rare_fraction=0.2)
    own, parts = own_parts(task.load()), split(task, SEEDS[0])
    assert sizes(parts) == sizes(own)
    np.testing.assert_array_equal(np.bincount(parts.train.labels), np.bincount(own.train.labels))
    assert np.bincount(parts.validation.labels).min() > 30


def test_weights_of_both_parts_are_put_on_one_scale() -> None:
    def part(count: int, weights: Any) -> Split:
        return Split(np.ones((count, 1), np.float32), np.arange(count) % 2, weights)

    data = Data(part(4, np.array([0.1, 0.2, 0.3, 0.4])), part(2, None), part(2, None), classes=2).pooled()
    assert data.pool is not None
    assert data.pool.weights is not None
    np.testing.assert_allclose(data.pool.weights, np.array([0.4, 0.8, 1.2, 1.6, 1.0, 1.0]) / 6)
    for seed in SEEDS:
        parts = split(None, seed, data)
        for one in parts[:2]:
            assert one.weights is not None
            np.testing.assert_allclose(one.weights, data.pool.weights[one.rows] / data.pool.weights[one.rows].sum())
    light = Data(part(2, np.array([0.0, 1.0])), part(1, np.array([1.0])), part(2, None), classes=2)
    with pytest.raises(InputError, match="must not all be 0"):
        [split(None, seed, light) for seed in range(20)]


def test_numbers_are_divided_without_classes() -> None:
    targets = np.arange(30, dtype=np.float32)[:, None]
    whole = Split(np.ones((30, 2), np.float32), targets)
    data = Data(Split(*(part[:20] for part in whole[:2])), Split(*(part[20:] for part in whole[:2])), whole, None)
    parts = split(None, SEEDS[0], data)
    assert sizes(parts) == [20, 10, 30]
    assert sorted(np.concatenate([parts.train.labels, parts.validation.labels])[:, 0]) == list(range(30))


def test_a_division_is_exact_and_as_even_as_can_be() -> None:
    classes = np.repeat(np.arange(4), [7, 7, 7, 1])
    first, rest = divided(classes, 11, seed=0)
    assert (len(first), len(rest)) == (11, 11)
    assert np.abs(np.bincount(classes[first], minlength=4) - np.array([3.5, 3.5, 3.5, 0.5])).max() <= 0.5


@pytest.mark.parametrize(
    ("task", "word"),
    [
        (Digits(), "drawn"),
        (Mixture(), "drawn"),
        (FashionMnist(), "drawn"),
        (IllConditioned(), "one"),
        (AmsgradCounterexample(), "one"),
    ],
)
def test_bundled_tasks_say_how_they_are_split(task: Any, word: str) -> None:
    assert splits_of(task) == word


def test_a_task_with_one_split_refuses_others() -> None:
    with pytest.raises(InputError, match="IllConditioned has no splits to be drawn"):
        split(IllConditioned(), 0)


OWN = """
    import numpy as np
    from slalom_worker.tasks import Data, Split

    class Plain:
        def load(self):
            return self.data(0)

        def data(self, seed):
            inputs = np.random.default_rng(seed).random((30, 2)).astype(np.float32)
            part = Split(inputs, np.arange(30) % 3)
            return Data(part, part, part, classes=3)

    class Loads(Plain):
        def load(self, split):
            if split > 5:
                raise ValueError(f"{split} is no split of mine")
            return self.data(split)

    class Optional(Plain):
        def load(self, *, split=None):
            return self.data(split)
"""


def test_an_own_task_may_load_each_split(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(dedent(OWN))
    plain, loads, optional = (open_task({"name": f"mine.py:{n}"}, tmp_path) for n in ("Plain", "Loads", "Optional"))
    assert [splits_of(task) for task in (plain, loads, optional)] == ["drawn", "loaded", "loaded"]
    first = plain.load().digest()
    for task in (loads, optional):
        assert load_split(task, None).digest() == load_split(task, 0).digest() == first
        assert load_split(task, 1).digest() != first
    assert load_split(plain, None).digest() == first
    with pytest.raises(InputError, match=r"Loads: load\(split=6\) must not raise, but got ValueError: 6 is no split"):
        load_split(loads, 6)


def test_a_pool_lies_in_memory_once_and_travels_once() -> None:
    data = clothes()
    pooled = data.pooled().plain()
    assert pooled.digest() == data.digest()
    assert pooled.pooled() is pooled
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(pooled, protocol=5, buffer_callback=buffers.append)
    assert sum(buffer.raw().nbytes for buffer in buffers) == sum(
        one.nbytes for one in (pooled.pool.inputs, *(part.labels for part in (pooled.pool, *parts_of(pooled))))
    ) + pooled.test.inputs.nbytes  # fmt: skip
    found = pickle.loads(pickled, buffers=buffers)
    assert found.digest() == data.digest()
    for part in (found.train, found.validation):
        assert np.shares_memory(part.inputs, found.pool.inputs)
        assert np.shares_memory(part.inputs, pooled.pool.inputs)


def parts_of(data: Data) -> list[Split]:
    return [data.train, data.validation, data.test]


@pytest.mark.parametrize("task", [Digits(), Digits(label_noise=0.1)])
def test_digits_inputs_are_slices_of_their_pool(task: Digits) -> None:
    data = task.load()
    assert data.pool is not None
    assert all(np.shares_memory(part.inputs, data.pool.inputs) for part in parts_of(data))
    assert {id(part.inputs) for part in own_parts(data)} == {id(data.pool.inputs)}
