"""Files of published data sets: found or downloaded, whole and checked, or told with what to do."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slalom.errors import Infrastructure, InputError
from slalom_worker.tasks.cifar10 import Cifar10
from slalom_worker.tasks.fashion_mnist import FashionMnist
from slalom_worker.tasks.mnist import Mnist
from slalom_worker.tasks.published import Published
from tests.workers.tasks.sites import Broken, served

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"ten kinds of clothing" * 1000
NAME = "some.gz"
SUM = hashlib.sha256(CONTENT).hexdigest()
SET = Published("Some", "some", {NAME: SUM}, "http://127.0.0.1:9", "set the task's option data to a folder")
BATCHES = {"one.bin": b"first" * 100, "two.bin": b"second" * 100}
PACKED = replace(
    SET, checksums={name: hashlib.sha256(part).hexdigest() for name, part in BATCHES.items()}, archive="all.tar.gz"
)


def archived(files: dict[str, bytes], folder: str = "batches/") -> bytes:
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(folder + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stored.getvalue()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / NAME).write_bytes(gzip.compress(CONTENT))
    (folder / "all.tar.gz").write_bytes(archived({**BATCHES, "readme.html": b"no data"}))
    return folder


def test_a_download_stores_whole_checked_files(site: Path, tmp_path: Path) -> None:
    stored = tmp_path / "new" / "cache"
    with served(site) as address:
        SET.download(stored, address)
    assert [path.name for path in stored.iterdir()] == [NAME]
    assert gzip.decompress((stored / NAME).read_bytes()) == CONTENT


def test_an_archive_s_files_are_stored_by_their_names_alone(site: Path, tmp_path: Path) -> None:
    """Whatever place the archive names, nothing is written beside the cache."""
    (site / "all.tar.gz").write_bytes(archived(BATCHES, "../../"))
    stored = tmp_path / "deep" / "er" / "cache"
    with served(site) as address:
        PACKED.download(stored, address)
        assert {path.name: path.read_bytes() for path in stored.iterdir()} == BATCHES
        (stored / "one.bin").unlink()
        PACKED.download(stored, address)
    assert {path.name: path.read_bytes() for path in stored.iterdir()} == BATCHES
    PACKED.download(stored, "http://127.0.0.1:9")  # nothing is missing, so nobody is asked
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["er"]


@pytest.mark.parametrize(
    ("published", "name", "body", "message"),
    [
        (SET, NAME, gzip.compress(CONTENT[:-1] + b"x", mtime=0), "some.gz must have the SHA-256 .*, but got"),
        (SET, NAME, gzip.compress(CONTENT, mtime=0)[:-9], "not a whole gzip file"),
        (SET, NAME, b"<html>moved</html>", "not a whole gzip file"),
        (PACKED, "all.tar.gz", archived({**BATCHES, "two.bin": b"other"}), "two.bin must have the SHA-256 .*, but got"),
        (
            PACKED,
            "all.tar.gz",
            archived({"one.bin": BATCHES["one.bin"]}),
            "the archive must hold two.bin, but",
        ),
        (PACKED, "all.tar.gz", archived(BATCHES)[:-30], "not a whole .tar.gz file"),
        (PACKED, "all.tar.gz", b"<html>moved</html>", "not a whole .tar.gz file"),
    ],
)
def test_wrong_content_is_refused(
    site: Path, tmp_path: Path, published: Published, name: str, body: bytes, message: str
) -> None:
    (site / name).write_bytes(body)
    with served(site) as address, pytest.raises(Infrastructure, match=message) as caught:
        published.download(tmp_path / "cache", address)
    assert f"{address}/{name}" in str(caught.value)
    assert "set the task's option data" in str(caught.value)
    assert not (tmp_path / "cache" / "two.bin").exists()
    assert not (tmp_path / "cache" / NAME).exists()


def test_missing_and_broken_answers(site: Path, tmp_path: Path) -> None:
    with served(site) as address, pytest.raises(Infrastructure, match="404"):
        replace(SET, checksums={"other.gz": SUM}).download(tmp_path / "cache", address)
    with served(site, Broken) as address, pytest.raises(Infrastructure, match="no whole file"):
        SET.download(tmp_path / "cache", address)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("task", [FashionMnist, Mnist, Cifar10])
def test_without_a_network_it_is_said_what_to_do(tmp_path: Path, task: type) -> None:
    """Nobody listens at the address."""
    none = tmp_path / "none"
    with pytest.raises(Infrastructure, match=r"cannot be downloaded to .* set the task's option data to a folder"):
        task(package=none, cache=tmp_path / "cache", address="http://127.0.0.1:9").load()


@pytest.mark.parametrize("task", [FashionMnist, Mnist, Cifar10])
def test_a_folder_without_the_files(tmp_path: Path, task: type) -> None:
    with pytest.raises(InputError, match=rf"{tmp_path}/\w.*: must be the published file of \S+, but got") as caught:
        task(data=str(tmp_path)).load()
    path = str(caught.value).partition(": ")[0]
    (tmp_path / path.rpartition("/")[2]).write_bytes(gzip.compress(CONTENT))
    with pytest.raises(InputError, match=f"{path}: .*SHA-256"):
        task(data=str(tmp_path)).load()


@pytest.mark.parametrize("task", [FashionMnist, Mnist, Cifar10])
def test_a_damaged_cache_says_what_to_do(tmp_path: Path, task: type) -> None:
    for name in task.published.checksums:
        (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(Infrastructure, match=r"cannot be used: .*; remove it, then try again later"):
        task(package=tmp_path / "none", cache=tmp_path).load()


@pytest.mark.parametrize("task", [Mnist, Cifar10])
def test_addresses_are_safe(task: type) -> None:
    assert task.published.address.startswith("https://")
