"""A submitted study: all that its driver needs on the cluster, as files in a folder or as a note in a storage."""

from __future__ import annotations

import json
import platform
import re
import tempfile
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom.home import Home
from slalom.study.folder import travelling
from slalom.study.work_tree import commit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.study.model import StudySpec

FILE = "submission.json"
"""The file of a submission's folder that holds all but the study file and the files beside it."""

NUMERIC = ("torch", "numpy", "scipy", "scikit-learn", "optuna")
"""The packages on whose versions a study's numbers depend."""

STOPPED = "slalom: stopped; what had ended is kept, and the study goes on when it is submitted again"
ENDED = "slalom: the study is complete"
"""The last line that a driver prints, by which `slalom stop` knows how the job ended."""

NOWHERE = "none"
"""The version of a package that is not installed."""


@dataclass(frozen=True)
class Submission:
    """A study as it is sent to a cluster.

    file, text: the study file's name and its text
    files: what travels of the study's folder where files of the user's own lie there: by place, in base64
    home: the folder of the study's state where some of that stays on `machine`; None where servers hold all of it
    storage, tracking: as in Home
    machine: the host name of the machine from which the study is submitted
    versions: of the packages that the cluster must have, by name
    install: whether the job installs these packages, and gets Slalom itself with the submission
    anew: whether the study is trained even where the storage holds it with other data, files or settings
    commit: the git commit of the study's folder, where that lies in a work tree
    """

    name: str
    fingerprint: str
    file: str
    text: str
    files: Mapping[str, str]
    home: str | None
    storage: str | None
    tracking: str | None
    machine: str
    versions: Mapping[str, str]
    install: bool = False
    anew: bool = False
    commit: str | None = None

    @property
    def id(self) -> str:
        """A name that is the same for the same study, wherever and whenever the study is submitted."""
        return f"slalom-{self.name}-{self.fingerprint[:12]}"

    def place(self) -> Home:
        """The home in which the driver keeps the study's state.

        Where the submission names no home, its folder is for the lock alone, and is the same for every driver of this
        study on the cluster's head.
        """
        folder = Path(self.home) if self.home else Path(tempfile.gettempdir()) / self.id
        return Home(folder, self.storage, self.tracking)

    def write(self, folder: Path) -> None:
        """Write the submission into a folder, as the files that `read` reads."""
        content = asdict(self)
        files = content.pop("files")
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b64decode(text))
        (folder / self.file).write_text(content.pop("text"), encoding="utf-8")
        (folder / FILE).write_text(json.dumps({**content, "files": [*files]}), encoding="utf-8")

    def noted(self) -> dict[str, Any]:
        """The submission as a note for its own storage: without the storage's URL, and without passwords."""
        return {**asdict(self), "storage": None, "tracking": self.place().shown()["tracking_uri"]}

    def at(self, home: Home) -> Submission:
        """The submission, read from a note, with the places of the home in which the note is: it may be a copy."""
        folder = str(home.folder.resolve()) if self.home else None
        return replace(self, home=folder, storage=home.storage_url, tracking=home.tracking_uri)

    def check_here(self) -> None:
        """Make sure that the study gives the same results on this machine as where it was submitted.

        Raises InputError where its home lies on another machine, or where packages have other versions here.
        """
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


def submission(
    spec: StudySpec, file: Path, home: Home, *, stays: bool, install: bool, anew: bool = False
) -> Submission:
    """The submission of a study with the state in `home`.

    file: the study file, which is read here
    stays: whether some of the study's state lies in the home's folder, on this machine
    install, anew: as in Submission
    """
    beside = travelling(spec.folder) if spec.code else ()
    return Submission(
        name=spec.name,
        fingerprint=spec.fingerprint,
        file=file.name,
        text=file.read_text(encoding="utf-8"),
        files={one.as_posix(): b64encode((spec.folder / one).read_bytes()).decode() for one in beside},
        home=str(home.folder.resolve()) if stays else None,
        storage=home.storage_url,
        tracking=home.tracking_uri,
        machine=platform.node(),
        versions=versions(install),
        install=install,
        anew=anew,
        commit=commit_of(spec.folder, spec.code),
    )


def read(folder: Path) -> Submission:
    """Read the submission that `Submission.write` wrote into a folder."""
    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    content["files"] = {name: b64encode((folder / name).read_bytes()).decode() for name in content["files"]}
    text = (folder / content["file"]).read_text(encoding="utf-8")
    return Submission(text=text, **content)


def unfinished(home: Home) -> list[Submission]:
    """The submissions that are noted in a home's storage; a study that ends takes its note away.

    Their `storage` is None, and `tracking` is without its password. Raises Infrastructure where the storage does not
    answer.
    """
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
    """The versions of Python, Ray, Slalom and the packages in NUMERIC on this machine, by name.

    install: leaves out Slalom, whose code is then sent along
    The local part of a version, as in 2.13.0+cpu, is left out: it says how a package was built, not what it computes.
    """
    own = () if install else ("slalom",)
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: _version(name) for name in (*own, "ray", *NUMERIC)}}


def _version(package: str) -> str:
    try:
        return re.sub(r"\+.*", "", version(package))
    except PackageNotFoundError:
        return NOWHERE
