from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from slalom.errors import InputError
from slalom_worker.tasks.digits import Digits, images

DIGEST = "87f94f3ef8f9e90b4e2d8f5f390264ad29842bbc2128135d5c087d4c1981541a"


def test_digest_is_the_same_at_every_call_on_every_machine() -> None:
    assert Digits().load().digest() == Digits().load().digest() == DIGEST


def test_splits_hold_each_digit_once_and_every_class_alike() -> None:
    data = Digits().load()
    splits = (data.train, data.validation, data.test)
    pixels, labels = load_digits(return_X_y=True)
    original = sorted((*row, label) for row, label in zip((pixels / 16).tolist(), labels, strict=True))
    ours = sorted((*row, label) for one in splits for row, label in zip(one.inputs.tolist(), one.labels, strict=True))
    assert ours == original
    assert (data.shape, data.net_shape, data.classes, data.facts) == ((64,), (1, 8, 8), 10, {})
    for split, share in zip(splits, (0.6, 0.2, 0.2), strict=True):
        assert np.abs(np.bincount(split.labels) - share * np.bincount(labels)).max() <= 1


def test_rare_classes_lose_training_examples_only() -> None:
    whole, thin = Digits().load(), Digits(rare=[3, 7], rare_fraction=0.2).load()
    before, after = np.bincount(whole.train.labels), np.bincount(thin.train.labels)
    expected = before.copy()
    expected[[3, 7]] = np.round(0.2 * before[[3, 7]])
    assert after.tolist() == expected.tolist()
    assert {row.tobytes() for row in thin.train.inputs} < {row.tobytes() for row in whole.train.inputs}
    for name in ("validation", "test"):
        np.testing.assert_array_equal(getattr(thin, name).inputs, getattr(whole, name).inputs)


def test_digest_follows_the_options() -> None:
    options: list[dict[str, Any]] = [{}, {"rare": [3]}, {"rare": [4]}, {"rare": [3], "rare_fraction": 0.2}]
    assert len({Digits(**option).load().digest() for option in options}) == len(options)


def test_rare_must_list_digits() -> None:
    with pytest.raises(InputError, match=r"rare must list digits in \[0, 10\), but got 10"):
        Digits(rare=[3, 10])


def test_the_images_are_those_that_the_package_loads() -> None:
    pixels, labels = images()
    given, digits = load_digits(return_X_y=True)
    assert np.array_equal(pixels, given)
    assert np.array_equal(labels, digits)


def test_without_the_package_the_error_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slalom_worker.tasks.digits.find_spec", lambda _: None)
    with pytest.raises(InputError, match="digits: scikit-learn must be installed with its data"):
        Digits().load()
