"""The git commit of the folder in which a study's files lie, by which they can be found again."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CHANGED = "with uncommitted changes"

SECONDS = 10.0
"""The longest that a call of git may take: in a very large work tree git may look at every file."""

OF_ANOTHER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
"""Variables that a git hook sets, which would make git look at the hook's own work tree."""


def commit_of(folder: Path, code: Sequence[Path] = ()) -> str | None:
    """The commit that is checked out where a folder lies, in 40 digits, followed by CHANGED where files differ from it.

    code: the study's files, relative to the folder; one that git does not track counts as a difference
    Gives None, and raises nothing, where the folder lies in no work tree, or in one that ignores it or has no commit,
    and where git is not installed or gives no answer within SECONDS.
    """
    head = _git(folder, "rev-parse", "--verify", "HEAD")
    if not head or _git(folder, "check-ignore", "--quiet", ".") is not None:
        return None
    differ = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if differ is None:
        return None
    unknown = bool(code) and _git(folder, "ls-files", "--error-unmatch", "--", *map(str, code)) is None
    return f"{head} {CHANGED}" if differ or unknown else head


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, stripped; None where it fails."""
    git = shutil.which("git")
    if git is None:
        return None
    own = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER}
    try:
        done = subprocess.run(  # noqa: S603 (git, and names of files behind `--`)
            # a monitor of files would be a program of the work tree's choice, and a lock would disturb its owner
            [git, "-c", "core.fsmonitor=false", "--no-optional-locks", *arguments],
            cwd=folder,
            env=own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()
