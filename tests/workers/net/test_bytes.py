"""Pictures kept as bytes train as those that were divided by 255 beforehand, bit for bit, wherever the bytes lie."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from slalom.errors import InputError
from slalom.wire.trial import Work
from slalom_worker.net import byte_source
from slalom_worker.net.ahead import ahead
from slalom_worker.net.objective import Objective
from slalom_worker.preprocessing import PREPROCESSING, base
from slalom_worker.tasks import Data, Split
from tests.workers.checks import results, train
from tests.workers.models.picture_trials import CROSS_ENTROPY, model
from tests.workers.trials import CPU, settings, trial

if TYPE_CHECKING:
    from pathlib import Path

SPLITS = (None, 1, 2)
CHOSEN = (
    settings("sgd"),
    settings("adam", input_dropout=0.2),
    settings("sgd", emphasis={"scheme": "misclassified", "strength": 1.0, "cap": 4.0, "warm_up": 0, "by": "sampling"}),
    settings("momentum", momentum=0.9),
)


def pictures(count: int = 61, seed: int = 0) -> Split:
    chance = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    inputs = chance.integers(0, 128, (count, 3, 8, 8), dtype=np.uint8)
    inputs[np.arange(count), 0, labels % 8] += 100
    inputs[:, 2, 7, 7] = 17  # a constant
    return Split(inputs, labels)


def data(number=lambda inputs: inputs) -> Data:
    """The pictures, as bytes or made numbers of."""
    parts = [pictures(count, seed) for seed, count in enumerate((61, 23, 30))]
    return Data(*(part._replace(inputs=number(part.inputs)) for part in parts), 10, picture=(3, 8, 8))


def numbers(inputs: np.ndarray) -> np.ndarray:
    return np.divide(inputs, np.float32(255), dtype=np.float32)


BYTES, NUMBERS = data(), data(numbers)


def work(preprocess: str = "none", precision: str = "float32") -> Work:
    chosen = model("convnet", channels=(4,), kernels=(3,), full=(8,))
    return Work({"name": "pictures"}, chosen, 10, precision, CROSS_ENTROPY, preprocess)


def trained(of: Work, some: Data) -> list[dict[str, torch.Tensor]]:
    specs = [trial(n, of, chosen, epochs=2, split=SPLITS[n % 3]) for n, chosen in enumerate(CHOSEN * 2)]
    program = Objective(of, some.pooled(), None, CPU)
    return results(program, train(program, specs))


def test_bytes_of_pictures_stay_bytes_and_others_become_whole_numbers() -> None:
    assert {part.inputs.dtype for part in (BYTES.train, BYTES.validation, BYTES.test)} == {np.dtype(np.uint8)}
    assert BYTES.pooled().pool.inputs.dtype == np.uint8
    parts = [BYTES.train._replace(inputs=BYTES.train.inputs)] * 3
    assert Data(*parts, 10).train.inputs.dtype == np.int64
    assert BYTES.digest() != NUMBERS.digest()


@pytest.mark.parametrize("preprocess", ["none", "pca_whiten"])
def test_bytes_train_as_numbers_do(preprocess: str) -> None:
    found, wanted = (trained(work(preprocess), some) for some in (BYTES, NUMBERS))
    for one, other in zip(found, wanted, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("preprocess", ["center", "standardize"])
def test_what_is_learned_of_bytes_is_what_is_learned_of_numbers(preprocess: str) -> None:
    """The sums are of whole numbers, the other's of rounded ones."""
    method = PREPROCESSING[preprocess]
    rows = np.arange(0, 61, 2)
    found, wanted = method.fit_bytes(BYTES.train.inputs, rows), method.fit(NUMBERS.train.inputs[rows])
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7)
    constant = 2 * 64 + 63
    assert found.factor[constant] == wanted.factor[constant] == 1


@pytest.mark.parametrize("preprocess", ["center", "standardize"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_bytes_are_preprocessed_as_a_step_takes_them(preprocess: str, precision: str) -> None:
    """To the bits of the map applied to all at once, by each split's own map."""
    program = Objective(work(preprocess, precision), BYTES.pooled(), None, CPU)
    shifts = []
    for seed in SPLITS:
        split = program.split(seed)
        shifts.append(split.prepared.shift)
        for name in ("train", "validation", "test"):
            part = getattr(split, name)
            index = torch.arange(len(part))
            raw = part.source.inputs[part.rows].numpy()
            wanted = torch.as_tensor(split.prepared.apply(numbers(raw))).to(program.dtype)
            assert torch.equal(part.inputs, wanted)
            assert torch.equal(part.take(index.flip(0).unsqueeze(0))[0], wanted.flip(0))
    assert all((one != other).any() for one, other in pairwise(shifts))


@pytest.mark.parametrize("preprocess", ["none", "standardize"])
def test_bytes_that_are_read_ahead_train_alike(
    preprocess: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a file that nobody may write to, by a thread a step ahead."""
    wanted = trained(work(preprocess), BYTES)
    pooled = BYTES.pooled()
    np.save(tmp_path / "pool.npy", pooled.pool.inputs)
    stored = np.load(tmp_path / "pool.npy", mmap_mode="r")
    slices = [part._replace(inputs=stored[pooled.place(part.inputs)]) for part in (pooled.train, pooled.validation)]
    some = Data(*slices, BYTES.test, 10, picture=BYTES.picture, pool=pooled.pool._replace(inputs=stored))
    threads = set()

    def noting(function, items):
        def noted(item):
            threads.add(threading.current_thread().name)
            return function(item)

        return ahead(noted, items)

    monkeypatch.setattr(byte_source, "HELD_BYTES", 1000)
    monkeypatch.setattr("slalom_worker.net.examples.ahead", noting)
    found = trained(work(preprocess), some)
    for one, other in zip(found, wanted, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert {name.split("_")[0] for name in threads} == {"ahead"}


def test_a_preprocessing_that_looks_at_all_pictures_at_once_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_BYTES", 1 << 16)
    with pytest.raises(InputError, match="preprocess must be one that learns mean and variance alone, center or stand"):
        PREPROCESSING["zca_whiten"].fit_bytes(BYTES.train.inputs, np.arange(61))
    assert PREPROCESSING["center"].fit_bytes(BYTES.train.inputs, np.arange(61)).shift.shape == (192,)


def test_results_come_in_order_one_ahead_and_errors_are_raised() -> None:
    done: list[int] = []

    def double(item: int) -> int:
        if item == 4:
            raise OSError("the disk is gone")
        done.append(item)
        return 2 * item

    coming = ahead(double, range(9))
    assert [next(coming) for _ in range(2)] == [0, 2]
    assert max(done) <= 2
    assert [next(coming) for _ in range(2)] == [4, 6]
    with pytest.raises(OSError, match="the disk is gone"):
        next(coming)
    assert max(done) <= 5
    assert list(ahead(double, [])) == []
