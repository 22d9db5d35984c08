"""The tasks of a study's trials: the study's own, and those of arms that set or search options of it.

The data of each are loaded, and the arms and their nets are tried on them, before anything is started.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from slalom.errors import InputError, StudyError
from slalom.study.sense import check_data
from slalom.study.trials import sample_trials
from slalom.wire.trial import task_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from slalom.study.document import Node
    from slalom.study.inspected import Inspected
    from slalom.study.model import StudySpec
    from slalom.wire.kinds import Catalogue
    from slalom.wire.trial import Settings, TrialSpec

Told = dict[str, "Inspected"]
"""What the data of each task tell, by the task's key (`task_key`), without what holds the data themselves."""


def try_tasks(
    spec: StudySpec,
    inspected: Inspected,
    fields: Mapping[str, Node],
    catalogue: Catalogue,
    inspect: Callable[[Settings, Path], Inspected],
) -> Told:
    """Check the arms on the data of each task that `sample_trials` reaches, and train each net a task brings.

    One task's data are in memory at a time, beside those of the study's own task, which `inspected` tells of.
    Raises StudyError, with the place of the task or of the arm, where an arm or its net does not fit the data.
    """
    told = {task_key(spec.task): inspected}
    for key, trials in _by_task(spec).items():
        arm = trials[0].id.arm
        with told_of(fields["task"] if key in told else fields["arms"].fields()[arm]):
            one = told.get(key) or inspect(trials[0].work.task, spec.folder)
            names = {trial.id.arm for trial in trials}
            check_data(spec, [own for own in spec.arms if own.name in names], one, fields, catalogue)
            if one.rehearse is not None:
                one.rehearse(trials)
        told[key] = replace(one, layers=None, rehearse=None)
    return told


def digests_of_arms(spec: StudySpec, told: Told) -> dict[str, str]:
    """By arm with data other than the study's own: the digest of these data's digests."""
    found: dict[str, dict[str, None]] = {}
    for key, trials in _by_task(spec).items():
        for trial in trials if key != task_key(spec.task) else ():
            found.setdefault(trial.id.arm, {})[told[key].data] = None
    return {arm: sha256(" ".join(digests).encode()).hexdigest() for arm, digests in found.items()}


def _by_task(spec: StudySpec) -> dict[str, list[TrialSpec]]:
    found: dict[str, list[TrialSpec]] = {}
    for trial in sample_trials(spec):
        found.setdefault(task_key(trial.work.task), []).append(trial)
    return found


@contextmanager
def told_of(node: Node) -> Iterator[None]:
    """A context in which an InputError is raised as a StudyError with the place of `node`."""
    try:
        yield
    except StudyError:
        raise
    except InputError as exc:
        raise node.error(str(exc)) from exc
