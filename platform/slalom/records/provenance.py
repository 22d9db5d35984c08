"""What a result was made with: the versions of everything that its numbers may depend on."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.study.work_tree import commit_of

if TYPE_CHECKING:
    from slalom.study.model import StudySpec

PACKAGES = ("mlflow", "numpy", "optuna", "ray", "slalom", "torch")
SOURCES = ("slalom", "slalom_worker")

COMMIT = "commit"


def made_with(study: StudySpec) -> dict[str, str]:
    """The versions, and as COMMIT the git commit of the study's folder, where there is one; see `commit_of`."""
    commit = study.commit or commit_of(study.folder, study.code)
    return {**versions(), **({COMMIT: commit} if commit else {})}


def versions() -> dict[str, str]:
    """The versions of Python, Slalom's code and PACKAGES, by name; packages that are not installed are left out."""
    found = {"python": platform.python_version(), "code": code()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def code() -> str:
    """A digest of Slalom's own sources: between two releases it changes where the version does not."""
    digest = hashlib.sha256()
    for package in SOURCES:
        found = find_spec(package)
        for folder in (found.submodule_search_locations or ()) if found else ():
            for file in sorted(Path(folder).rglob("*.py")):
                digest.update(f"{package}/{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
