"""A study on its way to a cluster: all that its driver needs there, as files in a folder or a note in a storage."""

from __future__ import annotations

import json
import platform
import re
import tempfile
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom.home import Home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec

FILE = "submission.json"

NUMERIC = ("torch", "numpy", "scipy", "scikit-learn", "optuna")
"""Packages on whose versions a study's numbers depend."""

NOWHERE = "none"
"""The version of a package that is not installed."""


@dataclass(frozen=True)
class Submission:
    """What is sent.

    file, text: the study file's name, and what it says
    task_file, task_text: the user's task, or None
    home: the folder for the study's state where that stays on `machine`; None where all of it lies in servers
    storage, tracking: as in Home
    versions: of the packages that the cluster must have
    install: whether they are installed there, and Slalom itself is sent along
    """

    name: str
    fingerprint: str
    file: str
    text: str
    task_file: str | None
    task_text: str | None
    home: str | None
    storage: str | None
    tracking: str | None
    machine: str
    versions: Mapping[str, str]
    install: bool = False

    @property
    def id(self) -> str:
        """The same for the same study, wherever and whenever it is submitted."""
        return f"slalom-{self.name}-{self.fingerprint[:12]}"

    def place(self) -> Home:
        """Where the driver keeps the study's state.

        Without a home a folder for the lock alone, the same for every driver of this study on the cluster's head.
        """
        folder = Path(self.home) if self.home else Path(tempfile.gettempdir()) / self.id
        return Home(folder, self.storage, self.tracking)

    def write(self, folder: Path) -> None:
        """Put it into a folder, as files."""
        content = asdict(self)
        for name, text in ((self.file, content.pop("text")), (self.task_file, content.pop("task_text"))):
            if name is not None and text is not None:
                (folder / name).write_text(text, encoding="utf-8")
        (folder / FILE).write_text(json.dumps(content), encoding="utf-8")

    def noted(self) -> dict[str, Any]:
        """It as a note in its storage: without the storage, and without the passwords."""
        return {**asdict(self), "storage": None, "tracking": self.place().shown()["tracking_uri"]}

    def at(self, home: Home) -> Submission:
        """It with the places that its note is found at."""
        return replace(self, storage=home.storage_url, tracking=home.tracking_uri)

    def check_here(self) -> None:
        """See whether it can be run here as it would be where it comes from; InputError where not."""
        if self.home and self.machine != platform.node():
            raise InputError(
                f"--home: {self.home} lies on {self.machine}, but the job runs on {platform.node()}: name --storage "
                "and --tracking-uri, which are reached from both"
            )
        here = versions(self.install)
        wrong = [
            f"{name} {wanted} there, {here.get(name, NOWHERE)} here"
            for name, wanted in self.versions.items()
            if here.get(name, NOWHERE) != wanted
        ]
        if wrong:
            raise InputError(
                f"the environment of {self.machine} (there), where the study was submitted, is not that of the "
                f"cluster's {platform.node()} (here): {'; '.join(wrong)}. Submit from one like the cluster's, or have "
                "the job make its own with `slalom submit --install`, where the cluster can reach a package index"
            )


def submission(spec: StudySpec, file: Path, home: Home, *, stays: bool, install: bool) -> Submission:
    """What to send of a study. stays: some of its state lies in `home`, on this machine."""
    task = spec.task_file
    return Submission(
        name=spec.name,
        fingerprint=spec.fingerprint,
        file=file.name,
        text=file.read_text(encoding="utf-8"),
        task_file=task.name if task else None,
        task_text=task.read_text(encoding="utf-8") if task else None,
        home=str(home.folder.resolve()) if stays else None,
        storage=home.storage_url,
        tracking=home.tracking_uri,
        machine=platform.node(),
        versions=versions(install),
        install=install,
    )


def read(folder: Path) -> Submission:
    """The submission that lies in a folder."""
    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    task = content["task_file"]
    text = (folder / content["file"]).read_text(encoding="utf-8")
    return Submission(text=text, task_text=(folder / task).read_text(encoding="utf-8") if task else None, **content)


def unfinished(home: Home) -> list[Submission]:
    """The submissions of a home's storage that have not ended; `tracking` is without its password."""
    from sqlalchemy import create_engine

    from slalom.database import engine_options, translated
    from slalom.search.on_optuna.survey import survey

    if not home.has_trials:
        return []
    with translated(home.shown()["storage"], ValueError):
        found = survey(create_engine(home.storage_url, **engine_options(home.storage_url, make=False)))
    noted = (one.notes.get("submission") for one in found)
    return [Submission(**note) for note in noted if note is not None]


def versions(install: bool) -> dict[str, str]:
    """What Python, Ray, Slalom and the numeric packages are here; without Slalom where its code is sent along.

    A version's local part, as in 2.13.0+cpu, says how it was built and not what it computes.
    """
    own = () if install else ("slalom",)
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: _version(name) for name in (*own, "ray", *NUMERIC)}}


def _version(package: str) -> str:
    try:
        return re.sub(r"\+.*", "", version(package))
    except PackageNotFoundError:
        return NOWHERE
