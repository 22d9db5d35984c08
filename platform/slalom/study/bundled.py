"""The studies that come with Slalom, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1]


def bundled() -> Iterator[Path]:
    """The files of the studies that come with Slalom, by name."""
    # In a checkout (an editable install) the wheel's folder is not there; the studies lie beside the source roots.
    within = PACKAGE / "studies"
    folder = within if within.is_dir() else PACKAGE.parents[1] / "studies"
    return iter(sorted(folder.glob("*.yaml")))


def study_file(study: str | Path) -> Path:
    """The study file at a path that ends in .yaml or .yml, else that of a bundled study's name.

    Raises InputError where there is no such file or name.
    """
    if Path(study).suffix in (".yaml", ".yml"):
        if not Path(study).is_file():
            raise InputError(f"{study}: there is no such file")
        return Path(study)
    studies = {file.stem: file for file in bundled()}
    if str(study) not in studies:
        hint = nearest(str(study), studies)
        raise InputError(f"{str(study)!r} is neither a study file (*.yaml) nor a bundled study{hint}")
    return studies[str(study)]
