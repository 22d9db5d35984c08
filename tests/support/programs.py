"""What shapes a program as an arm's settings, for studies that are written by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slalom.wire.trial import PROGRAM, Work

if TYPE_CHECKING:
    from slalom.study.model import StudySpec
    from slalom_worker.tasks import Data


def program(work: Work) -> dict[str, Any]:
    """The settings of which `work` is made."""
    return {name: getattr(work, name) for name in PROGRAM}


def work_of(study: StudySpec) -> Work:
    """The program of a study's first arm, which searches nothing in it."""
    return study.work(study.arms[0].name, study.arms[0].settings, search=0)


def stand_in(shape: tuple[int, ...], classes: int) -> Data:
    """Data that a net's weights can be for."""
    from slalom_worker.serving import _stand_in  # loads torch, which the studies of these programs do not need

    header = {"shape": json.dumps(shape), "inputs": "float32", "outputs": str(classes), "kind": "classes"}
    return _stand_in(header)
