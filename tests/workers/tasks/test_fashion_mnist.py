from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from slalom.errors import InputError
from slalom_worker.tasks.fashion_mnist import PUBLISHED, FashionMnist
from slalom_worker.tasks.parts import own_parts
from tests.workers.tasks.sites import served

if TYPE_CHECKING:
    from pathlib import Path

    from slalom_worker.tasks import Data

DIGEST = "cb512e074fd2d24a5ef30a2e790cd8a1c7c5b3200a1f676b71dcdf4f6456d2bf"


@pytest.fixture(scope="module")
def package() -> Path:
    folder = PUBLISHED.package
    assert folder is not None
    if not all((folder / name).is_file() for name in PUBLISHED.checksums):
        reason = "Debian's package dataset-fashion-mnist is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return folder


@pytest.fixture(scope="module")
def clothes(package: Path) -> Data:
    return FashionMnist().load()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def test_counts_and_range(clothes: Data) -> None:
    assert (clothes.shape, clothes.classes, clothes.facts) == ((784,), 10, {})
    splits = (clothes.train, clothes.validation, clothes.test)
    assert [np.bincount(split.labels).tolist() for split in splits] == [[5000] * 10, [1000] * 10, [1000] * 10]
    assert (clothes.train.inputs.min(), clothes.train.inputs.max()) == (0, 1)


def test_inputs_are_the_images_that_the_labels_name(clothes: Data) -> None:
    centres = np.stack([clothes.train.inputs[clothes.train.labels == label].mean(axis=0) for label in range(10)])
    distances = -2 * clothes.test.inputs @ centres.T + (centres**2).sum(axis=1)
    # nearest class centre: 0.677 with these files; images and labels out of step would give 0.1
    assert np.mean(distances.argmin(axis=1) == clothes.test.labels) > 0.65


def test_train_and_validation_are_disjoint(clothes: Data) -> None:
    rows = [{row.tobytes() for row in split.inputs} for split in (clothes.train, clothes.validation)]
    assert not rows[0] & rows[1]


def test_digest_is_the_same_on_every_machine(clothes: Data) -> None:
    assert clothes.digest() == DIGEST


def test_fewer_pictures_that_validate_leave_more_to_train(package: Path, clothes: Data) -> None:
    many = FashionMnist(validation_examples=600).load()
    assert (len(many.train.labels), len(many.validation.labels)) == (59_400, 600)
    assert np.bincount(many.validation.labels).tolist() == [60] * 10
    assert (many.test.inputs == clothes.test.inputs).all()


def test_more_examples_than_train_are_refused(package: Path) -> None:
    with pytest.raises(InputError, match=r"examples must be at most 50000, as many as do not validate, got 50001"):
        FashionMnist(examples=50_001).load()


def test_fewer_examples_are_a_part_of_all_in_every_split(package: Path, clothes: Data) -> None:
    few = FashionMnist(examples=1234)
    data = few.load()
    assert len(data.train.labels) == 1234
    assert np.ptp(np.bincount(data.train.labels)) == 1
    assert data.validation.labels.tobytes() == clothes.validation.labels.tobytes()
    own, pool = own_parts(data), data.pool
    assert pool is not None
    parts = [few.draw(pool, own, seed) for seed in (1, 2)]
    whole = FashionMnist().draw(pool, own_parts(clothes), 1)
    assert {len(part.train.rows) for part in parts} == {1234}
    assert set(parts[0].train.rows) < set(whole.train.rows)
    assert parts[0].train.labels.tolist() == pool.labels[parts[0].train.rows].tolist()
    assert parts[0].validation.rows.tolist() == whole.validation.rows.tolist()
    assert set(parts[0].train.rows) != set(parts[1].train.rows)


def test_download_gives_what_the_package_gives_and_is_done_once(package: Path, tmp_path: Path) -> None:
    with served(package) as address:
        task = FashionMnist(package=tmp_path / "none", cache=tmp_path / "cache", address=address)
        assert task.load().digest() == DIGEST
    # the server is gone: the cache serves
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(PUBLISHED.checksums)
    assert task.load().digest() == DIGEST
