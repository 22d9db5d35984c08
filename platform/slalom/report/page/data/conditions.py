"""What a verdict does not say: under which conditions it holds, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.verdict.answers import Answer
from slalom.verdict.scope import Scope
from slalom.verdict.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary


def conditions(spec: StudySpec, summary: Summary) -> tuple[str, ...]:
    """The conditions of a study's verdict, the widest first."""
    return tuple(_conditions(spec, summary))


def _conditions(spec: StudySpec, summary: Summary) -> Iterator[str]:
    confirmed = [arm.confirm for arm in summary.arms if arm.confirm]
    most = max((one.searches for one in confirmed), default=spec.tune.searches.at_most)
    scope = Scope.of(spec, most)
    data = f"It holds on the data of {scope.data}"
    if scope.resampled:
        yield f"{data}, over other splits of the same data. Of other data it says nothing."
    else:
        yield f"{data}, on the one split that was used. Of other splits, and of other data, it says nothing."
    if scope.about == "choice":
        yield "It is about the settings that one search found. Another search may find others, and another order."
    elif any(arm.space for arm in spec.arms):
        yield (
            f"It is about ways of training that are tuned as here: {count(spec.tune.trials, 'trial')} a search by "
            f"{spec.tune.sampler}, within the ranges of the study file. More trials or other ranges may change it."
        )
    else:
        yield "It is about the settings of the study file: nothing was tuned."
    yield f"Every training has at most {count(spec.epochs, 'epoch')}. After more of them the order may be another."
    yield f"It counts {spec.metric.on('test')} alone: no time, no memory."
    open_ones = [one.arm for arm in summary.arms if (one := arm.difference) and one.answer is Answer.UNDECIDED]
    if open_ones:
        yield (
            f"{listing(open_ones)} and {spec.compare.baseline} cannot be told apart; that does not say that they are "
            "equal. The interval says how large the difference may be."
        )
    if spec.compare.margin is None:
        yield "The study names no margin, so no two arms can be called equivalent."
