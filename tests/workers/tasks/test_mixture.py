from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.svm import SVC

from slalom.errors import InputError
from slalom_worker.tasks.mixture import Mixture

if TYPE_CHECKING:
    from pathlib import Path

    from slalom_worker.tasks import Data, Split


def weighted_error(split: Split, predicted: np.ndarray) -> float:
    assert split.weights is not None
    return float(split.weights[predicted != split.labels].sum())


def bayes(split: Split) -> np.ndarray:
    """The label with the larger weight at each point, from a split with every point twice."""
    assert split.weights is not None
    none, one = split.weights.reshape(2, -1)
    return np.tile((one > none).astype(np.int64), 2)


def test_bayes_errors_of_the_book(book: Data) -> None:
    assert book.facts["bayes_error"] == pytest.approx(0.2101, abs=1e-4)
    assert book.facts["bayes_error_exact"] == pytest.approx(0.2076, abs=3e-4)
    assert weighted_error(book.test, bayes(book.test)) == pytest.approx(book.facts["bayes_error"], abs=1e-7)


def test_grid_errors_of_known_classifiers(book: Data) -> None:
    linear = LinearRegression().fit(book.train.inputs, book.train.labels)
    assert weighted_error(book.test, linear.predict(book.test.inputs) > 0.5) == pytest.approx(0.2863, abs=5e-4)
    machine = SVC(kernel="rbf", gamma=1, C=1).fit(book.train.inputs, book.train.labels)
    assert weighted_error(book.test, machine.predict(book.test.inputs)) == pytest.approx(0.2182, abs=5e-4)


def test_book_splits(book: Data) -> None:
    assert np.bincount(book.train.labels).tolist() == [100, 100]
    assert np.bincount(book.validation.labels).tolist() == [500, 500]
    assert np.bincount(book.test.labels).tolist() == [69 * 99, 69 * 99]
    linear = LinearRegression().fit(book.train.inputs, book.train.labels)
    error = np.mean((linear.predict(book.validation.inputs) > 0.5) != book.validation.labels)
    # three standard errors of 1,000 points around the grid's error
    assert error == pytest.approx(0.2863, abs=0.043)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_drawn_mixture_and_its_grid_agree(seed: int) -> None:
    data = Mixture(seed=seed, n=100_000).load()
    assert data.facts["bayes_error"] == pytest.approx(data.facts["bayes_error_exact"], abs=1e-4)
    points, low, high = data.train.inputs, data.test.inputs.min(axis=0), data.test.inputs.max(axis=0)
    assert np.mean(((points < low) | (points > high)).any(axis=1)) < 1e-4
    assert data.test.weights is not None
    for label in (0, 1):
        drawn, grid = points[data.train.labels == label], data.test.labels == label
        weights = data.test.weights[grid]
        assert weights.sum() == pytest.approx(0.5, abs=1e-4)
        np.testing.assert_allclose(drawn.mean(axis=0), weights @ data.test.inputs[grid] / 0.5, atol=0.02)
        np.testing.assert_allclose((drawn**2).mean(axis=0), weights @ data.test.inputs[grid] ** 2 / 0.5, atol=0.06)


def test_splits_share_no_point() -> None:
    # as many training as validation points, so that one stream for both would give the same points
    data = Mixture(n=1000).load()
    assert (len(data.train.labels), len(data.validation.labels), data.shape) == (1000, 1000, (2,))
    rows = [{row.tobytes() for row in split.inputs} for split in (data.train, data.validation, data.test)]
    assert not rows[0] & rows[1] | rows[0] & rows[2] | rows[1] & rows[2]
    assert [len(one) for one in rows] == [1000, 1000, 69 * 99]


def test_n_changes_the_training_points_only() -> None:
    some, more = Mixture(n=200).load(), Mixture(n=301).load()
    assert np.bincount(more.train.labels).tolist() == [151, 150]
    np.testing.assert_array_equal(some.validation.inputs, more.validation.inputs)
    np.testing.assert_array_equal(some.test.weights, more.test.weights)


def test_digest_is_stable_and_follows_seed_and_n() -> None:
    assert Mixture().load().digest() == Mixture().load().digest()
    assert len({task.load().digest() for task in (Mixture(), Mixture(seed=1), Mixture(n=202))}) == 3


def test_digest_follows_data(book: Data, book_folder: Path) -> None:
    again, other = (Mixture(data=str(book_folder), seed=seed).load() for seed in (0, 1))
    assert book.digest() == again.digest()
    assert len({book.digest(), other.digest(), Mixture().load().digest()}) == 3
    np.testing.assert_array_equal(other.train.inputs, book.train.inputs)
    assert (other.validation.inputs != book.validation.inputs).any()


def small(folder: Path) -> Path:
    """A folder like the book's, with two points, two means and two grid points."""
    (folder / "mixture_xy.csv").write_text("x1,x2,y\n0,0,0\n1,1,1\n")
    (folder / "mixture_means.csv").write_text("class,m1,m2\n0,1,0\n1,0,1\n")
    (folder / "mixture_grid.csv").write_text("x1,x2,prob_class1,marginal\n0,0,0.25,3\n1,1,0.5,1\n")
    return folder


def test_grid_weights_are_normalised(tmp_path: Path) -> None:
    data = Mixture(n=2, data=str(small(tmp_path))).load()
    assert data.test.weights is not None
    assert data.test.weights.tolist() == [0.5625, 0.125, 0.1875, 0.125]
    assert data.facts["bayes_error"] == 0.3125


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("mixture_xy.csv", None, "mixture_xy.csv: must be a CSV file with the columns x1, x2, y, but got: .*No such"),
        ("mixture_xy.csv", "", "mixture_xy.csv: must be a CSV file with the columns"),
        ("mixture_xy.csv", "a,b\n", "mixture_xy.csv: must have the columns x1, x2, y, but got a, b"),
        ("mixture_xy.csv", "x1,x2,y\n0,0,0\n", r"n must be the number of points in .*mixture_xy.csv, 1, but got 2"),
        (
            "mixture_xy.csv",
            "x1,x2,y\n0,0,0\n1,cat,1\n",
            "mixture_xy.csv:3: must be 3 finite numbers, but got '1,cat,1'",
        ),
        ("mixture_xy.csv", "x1,x2,y\n0,nan,0\n1,1,1\n", "mixture_xy.csv:2: must be 3 finite numbers"),
        ("mixture_xy.csv", "x1,x2,y\n0,0\n1,1,1\n", "mixture_xy.csv:2: must be 3 finite numbers"),
        ("mixture_xy.csv", "x1,x2,y\n0,0,0\n1,1,2\n", "mixture_xy.csv: y must be 0 or 1, but got 2"),
        ("mixture_means.csv", "class,m1,m2\n3,1,0\n", "mixture_means.csv: class must be 0 or 1, but got 3"),
        ("mixture_means.csv", "class,m1,m2\n0,1,0\n", "must hold means of both classes"),
        (
            "mixture_grid.csv",
            "x1,x2,prob_class1,marginal\n0,0,1.5,1\n",
            r"prob_class1 must be in \[0, 1\], but got 1.5",
        ),
        ("mixture_grid.csv", "x1,x2,prob_class1,marginal\n0,0,0.5,-1\n", "marginal must not be negative, but got -1"),
        ("mixture_grid.csv", "x1,x2,prob_class1,marginal\n0,0,0.5,0\n", "marginal above 0"),
    ],
)
def test_malformed_folder(tmp_path: Path, file: str, text: str | None, message: str) -> None:
    path = small(tmp_path) / file
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(InputError, match=message):
        Mixture(n=2, data=str(tmp_path)).load()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    folder = small(tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(InputError, match=str(folder)):
        Mixture(data=str(folder)).load()
