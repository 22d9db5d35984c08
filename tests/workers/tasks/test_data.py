from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from slalom.errors import InputError
from slalom_worker.tasks import Data, Split
from slalom_worker.training.methods_rehearsal import excerpt

NO_CLASSES = r"train.labels must be int64 of classes \(numbers are predicted with classes=None\)"


def split(count: int = 4) -> Any:
    inputs = np.arange(count * 6, dtype=np.float32).reshape(count, 2, 3)
    return Split(inputs, np.arange(count, dtype=np.int64) % 2, np.full(count, 1 / max(count, 1)))


def data(**changes: Any) -> Data:
    return Data(**{"train": split(), "validation": split(2), "test": split(3), "classes": 2, **changes})


def regression(**changes: Any) -> Data:
    splits = {name: targets(getattr(data(), name)) for name in ("train", "validation", "test")}
    return Data(**{**splits, "classes": None, **changes})


def targets(one: Any, width: int = 3) -> Any:
    return one._replace(labels=np.arange(len(one.inputs) * width, dtype=np.float32).reshape(len(one.inputs), width))


def changed(array: np.ndarray, value: Any) -> np.ndarray:
    array = array.copy()
    array.flat[0] = value
    return array


def test_facts_are_numbers_of_python_s_own() -> None:
    facts = data(facts={"bayes_error": np.float32(0.25), "classes": np.int64(2)}).facts
    assert facts == {"bayes_error": 0.25, "classes": 2.0}
    assert {type(value) for value in facts.values()} == {float}


def test_numbers_of_another_size_are_cast_and_what_rounds_is_said() -> None:
    given = [one._replace(inputs=one.inputs.astype(np.float64)) for one in (split(), split(2), split(3))]
    cast = Data(given[0], given[1], given[2], classes=2)
    assert cast.digest() == data().digest()
    assert cast.notes == ("cast to float32: train.inputs, validation.inputs and test.inputs",)
    assert replace(cast, classes=3).notes == cast.notes
    assert data().notes == ()
    assert data(train=split()._replace(labels=split().labels.astype(np.uint8))).digest() == data().digest()


def test_whole_numbers_stay_whole() -> None:
    words = [one._replace(inputs=one.inputs.astype(np.int32)) for one in (split(), split(2), split(3))]
    found = Data(words[0], words[1], words[2], classes=2)
    assert {one.inputs.dtype.name for one in (found.train, found.validation, found.test)} == {"int64"}
    assert found.notes == ()
    assert found.pooled().pool.inputs.dtype == np.int64  # type: ignore[union-attr]


def test_a_number_for_each_example_may_be_a_list() -> None:
    parts = [targets(one, 1) for one in (split(), split(2), split(3))]
    flat = [one._replace(labels=one.labels[:, 0].astype(np.float64)) for one in parts]
    found = Data(flat[0], flat[1], flat[2], classes=None)
    assert found.digest() == Data(parts[0], parts[1], parts[2], classes=None).digest()
    assert (found.outputs, found.notes[0]) == (
        1,
        "cast to float32: train.labels, validation.labels and test.labels",
    )


def test_shape_is_that_of_one_input() -> None:
    assert data().shape == (2, 3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"classes": 1}, "classes must be a whole number, at least 2, but got 1"),
        ({"classes": 2.5}, "classes must be a whole number, at least 2, but got 2.5"),
        ({"train": "cats"}, "train must be a Split, but got str"),
        ({"train": split()._replace(inputs=[[1.0]])}, "train.inputs must be a numpy array, but got list"),
        ({"train": split()._replace(inputs=np.ones((4, 6), bool))}, "train.inputs must be float32, but got bool"),
        (
            {"test": split()._replace(inputs=np.ones((4, 2, 3), int))},
            "must have the type of train's, float32",
        ),
        ({"train": split()._replace(inputs=np.full((4, 6), 1e300))}, "train.inputs must be finite, but got"),
        ({"train": split()._replace(inputs=np.ones(4, np.float32))}, r"of shape \[n, ...\], but got \[4\]"),
        ({"train": split()._replace(inputs=changed(split().inputs, np.nan))}, r"be finite, but got \[nan\]"),
        ({"train": split()._replace(labels=np.ones(4))}, f"{NO_CLASSES}, but got float64"),
        ({"train": split()._replace(labels=np.ones((4, 1), np.int64))}, r"labels must be of shape \[n\]"),
        ({"train": split()._replace(labels=np.ones(3, np.int64))}, "a label for each of 4 inputs, but got 3"),
        ({"train": split()._replace(labels=changed(split().labels, 2))}, r"in \[0, 2\), but got \[2\]"),
        ({"train": split()._replace(labels=changed(split().labels, -1))}, r"in \[0, 2\), but got \[-1\]"),
        ({"train": split()._replace(inputs=np.ones((4, 0), np.float32))}, r"of shape \[n, ...\], but got \[4, 0\]"),
        (
            {"train": split()._replace(inputs=np.ma.masked_invalid(changed(split().inputs, np.nan)))},
            r"train.inputs must be a plain numpy array, but got a masked one \(1 numbers are masked\)",
        ),
        ({"test": split()._replace(weights=np.ma.array(np.full(4, 0.25)))}, "test.weights must be a plain numpy array"),
        ({"facts": {"bayes_error": float("nan")}}, "facts must be finite numbers, bayes_error too, but got nan"),
        ({"facts": {"source": "a book"}}, "facts must be finite numbers, source too, but got 'a book'"),
        ({"test": split(0)}, "test must hold an example, but got none"),
        ({"test": split()._replace(weights=np.ones(4, np.float32) / 4)}, "test.weights must be float64"),
        ({"test": split()._replace(weights=np.ones(3) / 3)}, r"of shape \[n\] = \[4\], but got \[3\]"),
        ({"test": split()._replace(weights=np.array([-0.5, 0.5, 0.5, 0.5]))}, "not be negative, but got -0.5"),
        ({"test": split()._replace(weights=np.ones(4))}, "must have the sum 1, but got 4.0"),
        ({"test": split()._replace(weights=np.array([np.inf, 0, 0, 0]))}, r"be finite, but got \[inf\]"),
        ({"validation": split()._replace(inputs=np.ones((4, 6), np.float32))}, r"\[n, 2, 3\], but got \[4, 6\]"),
    ],
)
def test_illegal_data_cannot_be_built(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        data(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"train": split()}, "train.labels must be float32 in a regression, but got int64"),
        (
            {"test": targets(split())._replace(labels=np.ones((4, 1, 1), np.float32))},
            r"\[n, k\] in a .* \[4, 1, 1\]",
        ),
        ({"train": targets(split(), 0)}, r"shape \[n, k\] in a regression, but got \[4, 0\]"),
        ({"test": targets(split(), 2)}, r"test.labels must have the shape of train's, \[n, 3\], but got \[4, 2\]"),
        ({"train": targets(split())._replace(labels=np.ones((3, 3), np.float32))}, "a label for each of 4 inputs"),
        ({"train": targets(split())._replace(labels=np.full((4, 1), np.inf, np.float32))}, "labels must be finite"),
        ({"test": targets(split())._replace(weights=np.full((4, 3), 1 / 12))}, r"of shape \[n\] = \[4\]"),
        ({"classes": 2}, f"{NO_CLASSES}, but got float32"),
    ],
)
def test_illegal_regression_data_cannot_be_built(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        regression(**wrong)


@pytest.mark.parametrize("bound", [0, -1.0, float("inf"), float("nan"), "1", True])
def test_bound_is_a_number_above_zero(bound: Any) -> None:
    with pytest.raises(InputError, match=f"bound must be a number above 0, but got {bound}"):
        data(bound=bound)


def test_outputs_are_classes_or_targets() -> None:
    assert (data().outputs, data(classes=3).outputs, regression().outputs) == (2, 3, 3)


def test_digest_follows_targets_and_bound() -> None:
    other = targets(split())._replace(labels=changed(targets(split()).labels, 0.5))
    different = (regression(), regression(train=other), regression(bound=1.0), regression(bound=2.0), data(bound=1.0))
    assert len({one.digest() for one in (data(), *different)}) == 6
    assert regression(bound=1).digest() == regression(bound=1.0).digest()


def test_digest_is_that_of_the_values() -> None:
    transposed = np.asfortranarray(split().inputs)
    assert data(train=split()._replace(inputs=transposed)).digest() == data().digest()
    assert data(facts={"bayes_error": 0.1}).digest() == data().digest()


@pytest.mark.parametrize("name", ["train", "validation", "test"])
@pytest.mark.parametrize(
    "change",
    [
        lambda one: one._replace(inputs=changed(one.inputs, np.float32(1e-45))),
        lambda one: one._replace(labels=changed(one.labels, 1)),
        lambda one: one._replace(weights=None),
    ],
    ids=["one bit of an input", "one label", "weights"],
)
def test_digest_follows_every_value(name: str, change: Any) -> None:
    whole = data()
    assert replace(whole, **{name: change(getattr(whole, name))}).digest() != whole.digest()


def test_digest_follows_classes_and_shape() -> None:
    flat = {name: getattr(data(), name) for name in ("train", "validation", "test")}
    flat = {name: one._replace(inputs=one.inputs.reshape(-1, 6)) for name, one in flat.items()}
    assert len({data().digest(), data(classes=3).digest(), data(**flat).digest()}) == 3


def test_inputs_in_a_row_can_be_pictures_for_nets_alone() -> None:
    flat = {name: one._replace(inputs=one.inputs.reshape(len(one.inputs), 6)) for name, one in PARTS.items()}
    pictures, vectors = data(**flat, picture=(1, 2, 3)), data(**flat)
    assert (pictures.shape, pictures.net_shape, vectors.net_shape) == ((6,), (1, 2, 3), (6,))
    assert pictures.digest() == vectors.digest()
    for same in (pictures.plain(), pictures.pooled(), pickle.loads(pickle.dumps(pictures)), excerpt(pictures, 2)):
        assert same.picture == (1, 2, 3)
    with pytest.raises(InputError, match=r"picture must be \(channels, height, width\) of inputs \[6\], but got"):
        data(**flat, picture=(1, 2, 2))


PARTS: dict[str, Any] = {"train": split(), "validation": split(2), "test": split(3)}


def test_a_pool_counts_in_the_digest_unless_it_is_the_parts_side_by_side() -> None:
    plain = data()
    assert plain.pooled().digest() == plain.digest()
    assert replace(plain, pool=split(9)).digest() != plain.digest()
    parts = [part._replace(weights=None) for part in (split(), split(2), split(3))]
    pools = [
        Split(*(np.concatenate(arrays) for arrays in zip(*[part[:2] for part in parts[:n]], strict=True)))
        for n in (2, 3)
    ]
    bare = Data(*parts, classes=2)
    assert {replace(bare, pool=pool).digest() for pool in pools} == {bare.digest()}
    pool = pools[1]
    others = [
        Split(pool.inputs + 1, pool.labels),
        Split(pool.inputs, 1 - pool.labels),
        Split(pool.inputs[:7], pool.labels[:7]),
        Split(np.tile(pool.inputs, (2, 1, 1)), np.tile(pool.labels, 2)),
        pool._replace(weights=np.full(9, 1 / 9)),
    ]
    assert len({bare.digest(), *(replace(bare, pool=other).digest() for other in others)}) == 6
