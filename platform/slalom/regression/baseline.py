"""A baseline: a study's confirm results, pinned in a small file that belongs in version control."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, quoted
from slalom.regression.replicates import Replicates
from slalom.report.plain import plain

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Widths
    from slalom.wire.trial import Scalar

FORMAT = 2
"""The version of the file's format; raised with every change after which an older file no longer says the same."""


@dataclass(frozen=True)
class PinnedArm:
    """An arm's choices and what they gave.

    params: the hyperparameters that each search chose, by dotted name
    target: the mean final validation metric, which later trainings are timed to; None where no trial completed
    cost: seconds of an epoch over those of the calibration loop, each measured once; empty where it was not measured
    """

    name: str
    params: tuple[Mapping[str, Scalar], ...]
    target: float | None
    found: Replicates
    cost: tuple[float, ...] = ()


@dataclass(frozen=True)
class Baseline:
    """What a study gave when it was pinned.

    fingerprint, seed: of the study then; all random numbers come from the seed
    settings: all that the study fixed, as values of JSON
    arms: in the order of their names
    text: the study file then
    widths: slots of the packs that trained it, by kind of device and by their program's digest; the lanes of a night
        measure the width of a program that is not among them
    """

    study: str
    fingerprint: str
    seed: int
    data_digest: str
    metric: str
    goal: str
    device: str
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    arms: tuple[PinnedArm, ...]
    text: str
    widths: Widths = field(default_factory=dict)

    @property
    def searches(self) -> int:
        """Searches of each arm whose choices are pinned."""
        return len(self.arms[0].params)

    @property
    def seeds(self) -> int:
        """Confirm seeds pinned of each search."""
        return len(self.arms[0].found.values) // self.searches

    def arm(self, name: str) -> PinnedArm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    @classmethod
    def read(cls, file: str | Path) -> Baseline:
        """The baseline in a file; InputError where the file holds none, or one that this version does not read."""
        file = Path(file)
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as exc:
            raise InputError(f"there is no baseline {file}: `slalom baseline set STUDY` makes one") from exc
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as exc:
            raise InputError(f"{file}: cannot be read as a baseline: {exc}") from exc
        return _read(content, file)

    def write(self, file: str | Path) -> None:
        """Write the baseline into a file, which belongs in version control; InputError where that cannot be."""
        try:
            Path(file).write_text(self.spelled(), encoding="utf-8")
        except OSError as exc:
            raise InputError(f"cannot write the baseline {file}: {exc.strerror}") from exc

    def spelled(self) -> str:
        """The file's text: JSON with sorted keys."""
        arms = {arm.name: _arm(arm) for arm in self.arms}
        fixed = {name: getattr(self, name) for name in (*_PLAIN, "widths")}
        content = {**fixed, "arms": arms, "format": FORMAT}
        text = json.dumps(plain(content), indent=1, sort_keys=True, allow_nan=False) + "\n"
        return re.sub(r"\[\n\s*([^\[\]{}]*?)\n\s*\]", _on_one_line, text)


def _on_one_line(found: re.Match[str]) -> str:
    """A list of plain values; a line break cannot be within a text of JSON's."""
    joined = re.sub(r",\n\s*", ", ", found[1])
    return f"[{joined}]"


_PLAIN = ("study", "fingerprint", "seed", "data_digest", "metric", "goal", "device", "versions", "settings", "text")


def settings(spec: StudySpec) -> dict[str, Any]:
    """The settings that a study fixes, as values of JSON; `changes` tells by dotted name which of them differ."""
    fixed = {
        "task": spec.task,
        "precision": spec.precision,
        "epochs": spec.epochs,
        "report_every": spec.report_every,
        "data": spec.data_digest,
        "resampled": spec.resampled,
        "arms": {arm.name: arm.settings for arm in spec.arms},
    }
    found: dict[str, Any] = plain(fixed)
    return found


def _read(content: Any, file: Path) -> Baseline:
    if not isinstance(content, Mapping) or "format" not in content:
        raise InputError(f"{file}: is no baseline, it lacks a format")
    if content["format"] != FORMAT:
        raise InputError(
            f"{file}: format must be {FORMAT}, got {quoted(content['format'])}; "
            "read it with the Slalom that wrote it, or pin the study again"
        )
    try:
        arms = tuple(_read_arm(name, arm) for name, arm in content["arms"].items())
        widths = _read_widths(content.get("widths", {}), file)  # older files have none
        return _checked(Baseline(arms=arms, widths=widths, **{name: content[name] for name in _PLAIN}), file)
    except (KeyError, TypeError, AttributeError) as exc:
        raise InputError(f"{file}: is no whole baseline: {quoted(exc)}") from exc


def _read_widths(content: Mapping[str, Mapping[str, Any]], file: Path) -> Widths:
    for device, widths in content.items():
        for program, width in widths.items():
            if type(width) is not int or width < 1:
                raise InputError(
                    f"{file}: widths must be whole numbers of slots, at least 1, got {quoted(width)} for {program} on "
                    f"{quoted(device)}"
                )
    return content


def _checked(baseline: Baseline, file: Path) -> Baseline:
    lengths = {len(part) for arm in baseline.arms for part in asdict(arm.found).values()}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(f"{file}: every arm must have as many values, epochs and digests, got {sorted(lengths)}")
    searches = {len(arm.params) for arm in baseline.arms}
    if len(searches) != 1 or 0 in searches or lengths.pop() % min(searches):
        raise InputError(f"{file}: every arm must have as many searches, each of as many seeds, got {sorted(searches)}")
    return baseline


def _arm(arm: PinnedArm) -> dict[str, Any]:
    return {"params": arm.params, "target": arm.target, "cost": arm.cost, **asdict(arm.found)}


def _read_arm(name: str, arm: Mapping[str, Any]) -> PinnedArm:
    found = Replicates(*(tuple(arm[part]) for part in ("values", "epochs", "digests")))
    return PinnedArm(name, tuple(arm["params"]), arm["target"], found, tuple(arm["cost"]))
