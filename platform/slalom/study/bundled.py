"""The studies that come with Slalom, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import LONGEST_PATH, InputError, nearest, quoted, quoted_path, shortened
from slalom.study.document import MOST_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1]

MOST_BYTES = 4 * MOST_CHARACTERS
"""The most bytes of a study file that is read: a character of UTF-8 has up to four."""


def bundled() -> Iterator[Path]:
    """The files of the studies that come with Slalom, sorted by name."""
    # In a checkout (an editable install) the wheel's folder is not there; the studies lie beside the source roots.
    within = PACKAGE / "studies"
    folder = within if within.is_dir() else PACKAGE.parents[1] / "studies"
    return iter(sorted(folder.glob("*.yaml")))


def study_file(study: str | Path) -> Path:
    """The file of a study, given as a path that ends in .yaml or .yml, or as the name of a bundled study.

    Raises InputError where there is no such file or name.
    """
    if Path(study).suffix in (".yaml", ".yml"):
        try:
            there = Path(study).is_file()
        except OSError as exc:  # a name that no file system takes
            raise InputError(f"{quoted_path(study)}: {exc.strerror}") from exc
        if not there:
            raise InputError(f"{shortened(str(study), LONGEST_PATH)}: there is no such file")
        return Path(study)
    studies = {file.stem: file for file in bundled()}
    if str(study) not in studies:
        hint = nearest(str(study), studies)
        raise InputError(f"{quoted(str(study))} is neither a study file (*.yaml) nor a bundled study{hint}")
    return studies[str(study)]


def study_text(file: Path, shown: str) -> str:
    """The text of a study file, called `shown` in messages; InputError where it cannot be read or is too large."""
    try:
        with file.open("rb") as opened:
            start = opened.read(MOST_BYTES + 1)
        if len(start) > MOST_BYTES:
            raise InputError(f"{shown}: a study has at most {MOST_CHARACTERS} characters, got a larger file")
        return start.decode().replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{shown}: cannot be read: {exc}") from exc
