"""The study's fingerprint: a hash of what its numbers depend on, and of nothing else.

It is the SHA-256 of canonical JSON (keys sorted, no spaces, floats in their shortest spelling that reads back the
same) of the normalised study, the digests of its data and of the user's own files, and the protocol's version. It
leaves out name, question, resources, the file's text and order, the places of files, and what is recorded beside the
metric that decides: no trial's numbers depend on these. No random number is drawn from the fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from slalom.study.keys import USER_TASK
from slalom.study.ranges import Choices, IntRange, Range
from slalom.wire.evaluation import WHOLE
from slalom.wire.kinds import Kinds, Text

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom.study.ranges import Distribution
    from slalom.wire.trial import Settings

PROTOCOL = 2
"""The protocol's version, raised with every change after which the same study gives other numbers."""


def identity(
    spec: StudySpec,
    data: str,
    task_file: str | None,
    options: Kinds,
    code: Mapping[str, str],
    of_arms: Mapping[str, str],
) -> dict[str, Any]:
    """All that the study's numbers depend on, as plain values.

    data, task_file: digests of the data and of the user's task file
    code: digests of the user's other files, by their places in the study's folder
    of_arms: by arm that sets or searches options of the task, the digest of the data that it has by them
    options: the kinds of the bundled task's options; a text option is a path, for which the data's digest stands
    """
    content = {
        "protocol": PROTOCOL,
        "data": data,
        "task_file": task_file,
        "task": _task(spec.task, options),
        "precision": spec.precision,
        "epochs": spec.epochs,
        "report_every": spec.report_every,
        "metric": {"name": spec.metric.name, "goal": spec.metric.goal, **_target(spec)},
        "arms": {arm.name: _changed(arm.settings) for arm in spec.arms},
        "streams": {arm.name: arm.stream for arm in spec.arms if arm.stream},
        "seed": spec.seed,
        "resampled": spec.resampled,
        "tune": asdict(spec.tune),
        "confirm_seeds": spec.confirm_seeds,
        "compare": asdict(spec.compare),
        **({"code": code} if code else {}),
        **({"arm_data": of_arms} if of_arms else {}),
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def fingerprint(identity: Mapping[str, Any]) -> str:
    """The fingerprint of what `identity` gives, 64 hexadecimal digits."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _changed(settings: Settings) -> Settings:
    """An arm's settings without `augmentation` and `evaluation` where these leave pictures as they are."""
    nothing = {"augmentation": {"method": "none"}, "evaluation": WHOLE}
    return {name: value for name, value in settings.items() if name not in nothing or value != nothing[name]}


def _target(spec: StudySpec) -> dict[str, float]:
    return {} if spec.metric.target is None else {"to": spec.metric.target}


def _task(task: Settings, options: Kinds) -> Settings:
    # a user's task is named file.py:Class: the file's digest stands for the file
    user = USER_TASK.fullmatch(task["name"])
    name = task["name"] if user is None else user[2]
    kept = {option: value for option, value in task.items() if not isinstance(options.get(option), Text)}
    return {**kept, "name": name}


def _plain(value: Any) -> Any:
    if isinstance(value, Range | IntRange | Choices):
        return _distribution(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _distribution(value: Distribution) -> dict[str, list[Any]]:
    if isinstance(value, Choices):
        return {"choice": list(value.options)}
    if isinstance(value, IntRange):
        return {"int": [value.low, value.high]}
    return {"log" if value.log else "uniform": [value.low, value.high]}
