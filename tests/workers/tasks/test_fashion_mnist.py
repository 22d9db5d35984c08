from __future__ import annotations

import gzip
import hashlib
import os
import socket
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from slalom.errors import Infrastructure, InputError
from slalom_worker.tasks.fashion_mnist import CHECKSUMS, PACKAGE, FashionMnist, download
from slalom_worker.tasks.parts import own_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slalom_worker.tasks import Data

DIGEST = "cb512e074fd2d24a5ef30a2e790cd8a1c7c5b3200a1f676b71dcdf4f6456d2bf"
CONTENT = b"ten kinds of clothing" * 1000
NAME = "some.gz"
SUMS = {NAME: hashlib.sha256(CONTENT).hexdigest()}


@pytest.fixture(scope="module")
def package() -> Path:
    if not all((PACKAGE / name).is_file() for name in CHECKSUMS):
        reason = "Debian's package dataset-fashion-mnist is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return PACKAGE


@pytest.fixture(scope="module")
def clothes(package: Path) -> Data:
    return FashionMnist().load()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


class Broken(Quiet):
    """Promises more than it sends, as a lost connection does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"half")


@contextmanager
def served(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / NAME).write_bytes(gzip.compress(CONTENT))
    return folder


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
    with pytest.raises(InputError, match=r"examples must be at most 50000, .* beside 10000 that validate, got 50001"):
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
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(CHECKSUMS)
    assert task.load().digest() == DIGEST


def test_download_stores_whole_checked_files(site: Path, tmp_path: Path) -> None:
    with served(site) as address:
        download(tmp_path / "new" / "cache", address, SUMS)
    stored = tmp_path / "new" / "cache"
    assert [path.name for path in stored.iterdir()] == [NAME]
    assert gzip.decompress((stored / NAME).read_bytes()) == CONTENT


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gzip.compress(CONTENT[:-1] + b"x", mtime=0), "must have the SHA-256 .*, but got"),
        (gzip.compress(CONTENT, mtime=0)[:-9], "not a whole gzip file"),
        (b"<html>moved</html>", "not a whole gzip file"),
    ],
)
def test_wrong_content_is_refused_and_leaves_nothing(site: Path, tmp_path: Path, body: bytes, message: str) -> None:
    (site / NAME).write_bytes(body)
    with served(site) as address, pytest.raises(Infrastructure, match=message) as caught:
        download(tmp_path / "cache", address, SUMS)
    assert f"{address}/{NAME}" in str(caught.value)
    assert "set the task's option data" in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_missing_and_broken_answers(site: Path, tmp_path: Path) -> None:
    with served(site) as address, pytest.raises(Infrastructure, match="404"):
        download(tmp_path / "cache", address, {"other.gz": SUMS[NAME]})
    with served(site, Broken) as address, pytest.raises(Infrastructure, match="no whole file"):
        download(tmp_path / "cache", address, SUMS)
    assert not (tmp_path / "cache").exists()


def test_unreachable_address(tmp_path: Path) -> None:
    with socket.socket() as taken:
        # bound but not listening: a connection is refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        task = FashionMnist(package=tmp_path / "none", cache=tmp_path / "cache", address=address)
        with pytest.raises(Infrastructure, match=r"cannot be downloaded .* install Debian's package"):
            task.load()


def test_data_folder_without_the_files(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    with pytest.raises(InputError, match=f"{path}: must be the published file of Fashion-MNIST, but got"):
        FashionMnist(data=str(tmp_path)).load()
    path.write_bytes(gzip.compress(CONTENT))
    with pytest.raises(InputError, match=f"{path}: .*SHA-256"):
        FashionMnist(data=str(tmp_path)).load()


def test_damaged_cache_says_what_to_do(tmp_path: Path) -> None:
    for name in CHECKSUMS:
        (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(Infrastructure, match=r"train-images-idx3-ubyte.gz cannot be used: .*; remove it"):
        FashionMnist(package=tmp_path / "none", cache=tmp_path).load()
