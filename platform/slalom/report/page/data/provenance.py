"""What the numbers were made with, and how to make them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slalom.study.bundled import bundled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.search.choice import Results
    from slalom.study.model import StudySpec


@dataclass(frozen=True)
class Provenance:
    """Where a study's numbers come from.

    versions: what its runs were made with, each combination once; "code" is a digest of Slalom's own sources, "commit"
        the git commit of the user's folder
    devices: how many trials ended on each kind of device
    began, ended: when the first training began and the last one ended, UTC; None where no time was recorded
    command: repeats the study; a study that is not bundled needs `text`, saved as `file`, and the files in `code` too
    """

    fingerprint: str
    data_digest: str
    seed: int
    versions: tuple[Mapping[str, str], ...]
    devices: Mapping[str, int]
    trials: int
    began: str | None
    ended: str | None
    command: str
    file: str | None
    code: tuple[str, ...]
    text: str

    @property
    def commits(self) -> tuple[str, ...]:
        """The git commits that its runs were made at, each once."""
        return tuple(dict.fromkeys(made["commit"] for made in self.versions if "commit" in made))


def provenance(spec: StudySpec, results: Results, versions: tuple[Mapping[str, str], ...]) -> Provenance:
    """The provenance of a study with these trials.

    versions: what its runs were made with, each combination once
    """
    ended = [trial.result for trial in results.values()]
    devices: dict[str, int] = {}
    for result in ended:
        devices[result.device or "unknown"] = devices.get(result.device or "unknown", 0) + 1
    starts = [result.started for result in ended if result.started is not None]
    ends = [result.ended for result in ended if result.ended is not None]
    is_bundled = any(file.stem == spec.name and file.read_text(encoding="utf-8") == spec.text for file in bundled())
    file = None if is_bundled else f"{spec.name}.yaml"
    return Provenance(
        fingerprint=spec.fingerprint,
        data_digest=spec.data_digest,
        seed=spec.seed,
        versions=versions,
        devices=dict(sorted(devices.items())),
        trials=len(ended),
        began=_date(min(starts)) if starts else None,
        ended=_date(max(ends)) if ends else None,
        command=f"slalom run {file or spec.name}",
        file=file,
        code=tuple(map(str, spec.code)),
        text=spec.text,
    )


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
