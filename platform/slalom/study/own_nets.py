"""Nets that a task brings: rehearsed for every arm, on the data of the arm's own task, before anything is started."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from slalom.errors import InputError, StudyError
from slalom.study.trials import sample_trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from slalom.study.document import Node
    from slalom.study.inspected import Inspected
    from slalom.study.model import StudySpec
    from slalom.wire.trial import Settings


def inspect_arms(
    spec: StudySpec, fields: Mapping[str, Node], inspect: Callable[[Settings, Path], Inspected]
) -> dict[str, Inspected]:
    """What the data tell of each arm that has options of the task, unless they are searched: they may be refused."""
    found: dict[str, Inspected] = {}
    for arm in spec.arms:
        settings = {**spec.task, **arm.settings.get("task", {}), "name": spec.task["name"]}
        if settings != spec.task and not any(name.startswith("task.") for name in arm.space):
            with told_of(fields["arms"].fields()[arm.name]):
                found[arm.name] = inspect(settings, spec.folder)
    return found


def rehearse_nets(
    spec: StudySpec, inspected: Inspected, of_arms: Mapping[str, Inspected], fields: Mapping[str, Node]
) -> None:
    """Train the net of every program of the study for a moment; StudyError where a pack cannot train it.

    of_arms: see inspect_arms; `inspected` is the other arms'
    """
    trials = sample_trials(spec)
    if inspected.rehearse is not None:
        with told_of(fields["task"]):
            inspected.rehearse([trial for trial in trials if trial.id.arm not in of_arms])
    for name, one in of_arms.items():
        if one.rehearse is not None:
            with told_of(fields["arms"].fields()[name]):
                one.rehearse([trial for trial in trials if trial.id.arm == name])


@contextmanager
def told_of(node: Node) -> Iterator[None]:
    """A context whose InputErrors are told with the place of `node`."""
    try:
        yield
    except StudyError:
        raise
    except InputError as exc:
        raise node.error(str(exc)) from exc
