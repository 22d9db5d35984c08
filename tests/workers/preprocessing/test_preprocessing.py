from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from slalom_worker.lane.environment import LANE_ENVIRONMENT, NUMPY
from slalom_worker.preprocessing import PREPROCESSING, Fitted
from slalom_worker.preprocessing.principal import FLOOR
from slalom_worker.tasks.digits import Digits

if TYPE_CHECKING:
    from slalom_worker.tasks import Data

WHITENINGS = ("pca_whiten", "zca_whiten")


@pytest.fixture(scope="module")
def digits() -> Data:
    return Digits().load()


def correlated(count: int, width: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    inputs = random.standard_normal((count, width)) @ random.standard_normal((width, width)) + 3
    return inputs.astype(np.float32)


def mapped(name: str, inputs: np.ndarray) -> np.ndarray:
    return PREPROCESSING[name].fit(inputs).apply(inputs).astype(np.float64)


def covariance(inputs: np.ndarray) -> np.ndarray:
    return np.cov(inputs, rowvar=False, bias=True)


@pytest.mark.parametrize("name", PREPROCESSING)
def test_shape_and_type_stay_and_nothing_is_overwritten(name: str) -> None:
    inputs = correlated(20, 6).reshape(20, 2, 3)
    before = inputs.copy()
    fitted = PREPROCESSING[name].fit(inputs)
    result = fitted.apply(inputs[:5])
    assert (result.shape, result.dtype) == ((5, 2, 3), np.float32)
    np.testing.assert_array_equal(inputs, before)
    np.testing.assert_array_equal(result, fitted.apply(inputs)[:5])


def test_none_changes_no_bit(digits: Data) -> None:
    np.testing.assert_array_equal(mapped("none", digits.train.inputs), digits.train.inputs)


@pytest.mark.parametrize("name", sorted(set(PREPROCESSING) - {"none"}))
def test_training_inputs_get_mean_zero(name: str, digits: Data) -> None:
    assert np.abs(mapped(name, digits.train.inputs).mean(axis=0)).max() < 1e-6


def test_center_keeps_the_covariance(digits: Data) -> None:
    np.testing.assert_allclose(
        covariance(mapped("center", digits.train.inputs)), covariance(digits.train.inputs), atol=1e-7
    )


def test_standardize_is_scikit_learns(digits: Data) -> None:
    scaler = StandardScaler().fit(digits.train.inputs.astype(np.float64))
    fitted = PREPROCESSING["standardize"].fit(digits.train.inputs)
    constant = np.ptp(digits.train.inputs, axis=0) == 0
    assert constant.sum() == 5
    assert (fitted.factor[constant] == 1).all()
    for split in (digits.train, digits.validation, digits.test):
        expected = scaler.transform(split.inputs.astype(np.float64))
        np.testing.assert_allclose(fitted.apply(split.inputs), expected, rtol=1e-6, atol=1e-6)
    assert covariance(fitted.apply(digits.train.inputs))[~constant, ~constant] == pytest.approx(1, abs=1e-6)


def test_a_constant_that_is_no_binary_fraction_is_constant() -> None:
    inputs = np.full((1078, 2), 0.1, np.float32)
    np.testing.assert_allclose(mapped("standardize", inputs), 0, atol=1e-8)


def test_pca_is_scikit_learns(digits: Data) -> None:
    inputs, fitted = digits.train.inputs.astype(np.float64), PREPROCESSING["pca_whiten"].fit(digits.train.inputs)
    kept = int(np.any(fitted.factor, axis=0).sum())
    assert kept == 55
    theirs = PCA(kept, whiten=True, svd_solver="full").fit(inputs)
    # theirs divides by n - 1
    more = np.sqrt(len(inputs) / (len(inputs) - 1))
    for split in (digits.train, digits.validation, digits.test):
        ours, expected = fitted.apply(split.inputs), more * theirs.transform(split.inputs.astype(np.float64))
        signs = np.sign((ours[:, :kept] * expected).sum(axis=0))
        np.testing.assert_allclose(ours[:, :kept], signs * expected, atol=2e-5)
        assert not ours[:, kept:].any()


@pytest.mark.parametrize("name", WHITENINGS)
def test_whitened_covariance_is_the_identity(name: str) -> None:
    np.testing.assert_allclose(covariance(mapped(name, correlated(500, 8))), np.eye(8), atol=1e-5)


def test_whitened_digits_are_white_on_what_is_kept(digits: Data) -> None:
    pca = covariance(mapped("pca_whiten", digits.train.inputs))
    np.testing.assert_allclose(pca, np.diag([1.0] * 55 + [0.0] * 9), atol=1e-5)
    zca = covariance(mapped("zca_whiten", digits.train.inputs))
    np.testing.assert_allclose(zca @ zca, zca, atol=1e-5)
    assert np.trace(zca) == pytest.approx(55, abs=1e-3)


def test_components_below_the_floor_are_dropped() -> None:
    inputs = np.random.default_rng(0).standard_normal((400, 3)) * [1, 2 * FLOOR**0.5, 0.5 * FLOOR**0.5]
    kept = [1, 1, 0]
    assert np.diag(covariance(mapped("pca_whiten", inputs.astype(np.float32)))) == pytest.approx(kept, abs=1e-4)


@pytest.mark.parametrize("name", WHITENINGS)
def test_inputs_that_are_all_one_give_zero(name: str) -> None:
    assert not mapped(name, np.full((4, 3), 0.25, np.float32)).any()


def test_pca_does_not_see_a_rotation() -> None:
    inputs = correlated(300, 5)
    rotation, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))
    plain, rotated = mapped("pca_whiten", inputs), mapped("pca_whiten", (inputs @ rotation).astype(np.float32))
    np.testing.assert_allclose(np.abs(plain), np.abs(rotated), atol=1e-3)


def test_zca_is_symmetric_and_nearest_to_the_inputs() -> None:
    inputs = correlated(300, 5)
    factor = PREPROCESSING["zca_whiten"].fit(inputs).factor
    np.testing.assert_array_equal(factor, factor.T)
    assert np.linalg.eigvalsh(factor).min() > 0
    centred = mapped("center", inputs)
    distances = {name: np.linalg.norm(mapped(name, inputs) - centred) for name in WHITENINGS}
    assert distances["zca_whiten"] < distances["pca_whiten"]


FITTED = """
import hashlib
from slalom_worker.preprocessing import PREPROCESSING
from slalom_worker.tasks.digits import Digits
print(*(hashlib.sha256(PREPROCESSING[name].fit(Digits().load().train.inputs).factor).hexdigest()
        for name in sorted(PREPROCESSING)))
"""


def test_what_is_learned_does_not_depend_on_numpy_s_kernels() -> None:
    """A process that imported numpy before its lane was opened keeps numpy's kernels for AVX-512, where it has them."""
    told = [
        subprocess.run(
            [sys.executable, "-c", FITTED],
            env={**os.environ, **LANE_ENVIRONMENT, **numpy},
            capture_output=True,
            check=True,
            timeout=480,
        ).stdout
        for numpy in ({"NPY_DISABLE_CPU_FEATURES": ""}, NUMPY)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("name", PREPROCESSING)
def test_other_inputs_get_the_map_of_the_training_inputs(name: str, digits: Data) -> None:
    fitted, others = PREPROCESSING[name].fit(digits.train.inputs), digits.validation.inputs + 100
    moved = fitted.apply(others)
    factor = np.diag(fitted.factor) if fitted.factor.ndim == 1 else fitted.factor
    np.testing.assert_allclose(moved, (others - fitted.shift) @ factor, rtol=1e-5, atol=1e-3)
    # by statistics of their own they would have mean 0
    assert np.abs(moved.mean(axis=0)).max() > 10


@pytest.mark.parametrize("name", PREPROCESSING)
def test_arrays_bring_the_map_back(name: str) -> None:
    inputs = correlated(30, 4)
    fitted = PREPROCESSING[name].fit(inputs)
    again = Fitted.of({**fitted.arrays(), "layer.weight": np.ones(3)})
    np.testing.assert_array_equal(again.apply(inputs), fitted.apply(inputs))


@pytest.mark.parametrize("name", PREPROCESSING)
def test_threads_change_no_bit(name: str) -> None:
    inputs, results = correlated(1000, 700), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(PREPROCESSING[name].fit(inputs).apply(inputs))
    np.testing.assert_array_equal(*results)
