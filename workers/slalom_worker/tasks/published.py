"""A data set's published files: found in a folder or downloaded to a cache, and always checked by SHA-256."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from slalom.errors import Infrastructure, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT = 60.0
"""Seconds without an answer before a download is given up."""


@dataclass(frozen=True)
class Published:
    """The files of a data set.

    name: the data set's name, for messages
    cache: the name of the folder below ~/.cache/slalom that files are downloaded to
    checksums: SHA-256 of each file's content by the file's name; a file that ends in .gz is unpacked first, since a
        file that is packed anew holds the same content
    address: the URL below which the files are, or the archive with all of them
    instead: what to do where they cannot be downloaded
    package: a folder in which a package of the operating system installs the files, or None
    archive: the name of a .tar.gz at the address that holds the files, or None where each file is there by itself
    """

    name: str
    cache: str
    checksums: Mapping[str, str]
    address: str
    instead: str
    package: Path | None = None
    archive: str | None = None

    def folder(self, package: Path | None, cache: Path | None, address: str | None) -> Path:
        """A folder that has all files: the package's, or else the cache, filled from the address.

        package, cache, address: replace the data set's own, unless None
        Raises Infrastructure, with what to do, where files cannot be downloaded.
        """
        package = package or self.package
        if package is not None and all((package / name).is_file() for name in self.checksums):
            return package
        cache = cache or Path.home() / ".cache" / "slalom" / self.cache
        self.download(cache, address or self.address)
        return cache

    def download(self, folder: Path, address: str) -> None:
        """Download the files that the folder lacks; a file is stored only when it is complete and checked.

        Raises Infrastructure, with what to do, where a file cannot be downloaded or stored, or is not the expected one.
        """
        missing = [name for name in self.checksums if not (folder / name).is_file()]
        for packed in missing if self.archive is None else [self.archive] * bool(missing):
            url = f"{address}/{packed}"
            try:
                body = _get(url)
                found = {packed: body} if self.archive is None else dict(_members(body, missing))
                for name, content in found.items():
                    self.unpacked(name, content)
                    _store(folder / name, content)
            except (OSError, ValueError) as exc:
                raise Infrastructure(f"{url} cannot be downloaded to {folder}: {exc}; {self.instead}") from exc

    def content(self, path: Path, *, own: bool) -> bytes:
        """The unpacked content of a file.

        own: whether the user named the folder
        Raises, where the file is not the published one, InputError if the user named the folder, else Infrastructure.
        """
        try:
            return self.unpacked(path.name, path.read_bytes())
        except (OSError, ValueError) as exc:
            if own:
                raise InputError(f"{path}: must be the published file of {self.name}, but got: {exc}") from exc
            raise Infrastructure(f"{path} cannot be used: {exc}; remove it, then {self.instead}") from exc

    def unpacked(self, name: str, stored: bytes) -> bytes:
        """The content of a file that is stored as these bytes; ValueError where its SHA-256 is not the expected one."""
        content = _gunzipped(stored) if name.endswith(".gz") else stored
        expected, found = self.checksums[name], hashlib.sha256(content).hexdigest()
        if found != expected:
            raise ValueError(f"the content of {name} must have the SHA-256 {expected}, but got {found}")
        return content


def _get(url: str) -> bytes:
    """The body of the answer at a URL; OSError where there is none, ValueError where it is cut short."""
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 (the address is the module's, not the user's)
            body: bytes = response.read()
    except HTTPException as exc:
        raise ValueError(f"the answer is no whole file ({exc})") from exc
    return body


def _gunzipped(packed: bytes) -> bytes:
    """The unpacked content of a gzip file; ValueError where the file is not complete."""
    try:
        return gzip.decompress(packed)
    except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise ValueError(f"not a whole gzip file ({exc})") from exc


def _members(archive: bytes, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """The files of these names in a .tar.gz, in whatever folder; ValueError where one is missing.

    Files are read, not extracted, so the archive cannot choose where they are written.
    """
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None and (name := PurePosixPath(member.name).name) in names:
                    found[name] = file.read()
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise ValueError(f"not a whole .tar.gz file ({exc})") from exc
    for name in names:
        if name not in found:
            raise ValueError(f"the archive must hold {name}, but does not")
        yield name, found[name]


def _store(path: Path, content: bytes) -> None:
    """Write the file atomically, so that no other lane on the machine sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        part = Path(scratch) / path.name
        part.write_bytes(content)
        part.replace(path)
