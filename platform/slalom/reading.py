"""What a study is read with: every method, the task's data, and what the user's own code says of itself.

Beside `slalom.wiring` and the command line only this module imports `slalom_worker`. Heavy modules are imported when
they are used.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from slalom.errors import InputError
from slalom.study.keys import OWN
from slalom.study.own_methods import is_own, names_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from slalom.study.inspected import Inspected
    from slalom.study.model import StudySpec
    from slalom.study.read import Reading
    from slalom.wire.kinds import Catalogue
    from slalom.wire.signature import OwnCode
    from slalom.wire.trial import Settings, TrialSpec
    from slalom_worker.methods import Methods

CORNERS = 64
"""The most corners of an arm's search space, combinations of its ranges' ends, that its methods are rehearsed with."""

OTHER_HASH_SEED = "4242"
"""PYTHONHASHSEED of the other process: a set of strings has another order there."""

ELSEWHERE = """
import os, pickle, sys
lines = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
from slalom.reading import moments
for line in moments(*pickle.loads(sys.stdin.buffer.read())):
    print(line, file=lines)
"""
"""The program of the other process: it writes the lines of `moments`, whose arguments it reads from standard input.

Its standard output takes these lines alone: what the user's code prints, as a child or a C library does, is an error's.
"""


def catalogue() -> Catalogue:
    """Every method that a study can name."""
    from slalom_worker.catalogue import CATALOGUE

    return CATALOGUE


def reading(folder: Path) -> Reading:
    """What a study is read with; the study's relative paths start in `folder`."""
    from slalom.study.read import Reading
    from slalom_worker.methods import Methods

    methods = Methods.beside(folder)
    return Reading(
        folder,
        catalogue(),
        partial(inspect_task, methods=methods),
        own_code,
        partial(_open_method, methods),
        partial(_rehearse_methods, methods),
    )


def own_code(name: str, folder: Path) -> OwnCode:
    """What a study can set of the user's own "file.py:name", a path relative to `folder`; imports the file."""
    from slalom_worker.lane.environment import pin_kernels
    from slalom_worker.tasks import own_code as look

    pin_kernels()  # as in inspect_task
    return look(name, folder)


def _open_method(methods: Methods, key: str, name: str) -> Catalogue:
    """The catalogue with a method of the user's own; InputError where the method cannot be used."""
    from slalom_worker.catalogue import catalogue

    methods.open(key, name)
    return catalogue(methods)


def _rehearse_methods(methods: Methods, spec: StudySpec, arm: str) -> None:
    """Train an arm for a moment; InputError where a method that the arm names breaks a rule for methods."""
    from slalom.study.space import typical
    from slalom.study.trials import corners, trial_spec
    from slalom.wire.trial import Phase, TrialId
    from slalom_worker.tasks import load_split, open_task
    from slalom_worker.training.methods_rehearsal import TRIALS, rehearse_methods

    space = spec.arm(arm).space
    params = typical(space)
    trials = [trial_spec(spec, TrialId(arm, Phase.CONFIRM, number), params) for number in range(TRIALS)]
    others = [
        trial_spec(spec, TrialId(arm, Phase.TUNE, number), one) for number, one in enumerate(corners(space, CORNERS))
    ]
    task = open_task(trials[0].work.task, spec.folder)
    rehearse_methods(trials, load_split(task, None), task, methods, others)


def inspect_task(settings: Settings, folder: Path, methods: Methods | None = None) -> Inspected:
    """Load a task's data, and return what a study must know of them.

    A task that loads each split by itself loads split 0. The digest is over the task's own split, or over split 0:
    splits that are drawn from the data follow from them.
    methods: those that trials may name when the task's own net is rehearsed; None for the bundled ones
    """
    from slalom.study.inspected import Inspected
    from slalom_worker.lane.environment import pin_kernels
    from slalom_worker.tasks import OwnModel, load_split, open_task, splits_of

    pin_kernels()  # a task may compute with torch, after which this process could open no lane
    task = open_task(settings, folder)
    data = load_split(task, None)
    layers, rehearsal = None, None
    if isinstance(task, OwnModel):
        from slalom_worker.methods import BUNDLED
        from slalom_worker.net.own_size import own_layers
        from slalom_worker.training.net_rehearsal import rehearse_net

        layers = partial(own_layers, settings, data, task)
        rehearsal = partial(rehearse_net, data=data, task=task, methods=methods or BUNDLED)
    return Inspected(
        data=data.digest(),
        facts=data.facts,
        has_model=isinstance(task, OwnModel),
        layers=layers,
        regression=data.classes is None,
        splits=splits_of(task),
        examples=len(data.train.labels),
        shape=data.net_shape,
        outputs=data.outputs,
        rehearse=rehearsal,
        whole=data.train.inputs.dtype.kind == "i",
        notes=data.notes,
    )


def check_elsewhere(spec: StudySpec) -> None:
    """Raise InputError where the user's own code gives other data, nets or numbers in another process.

    The code does so where it counts on the order of a set of strings, the clock, or random numbers without a seed.
    Both processes load the data and train trials for a moment, at the same time.
    """
    trials = _own_trials(spec)
    if spec.own_training or not (trials or is_own(spec.task["name"])):
        return
    paths = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": OTHER_HASH_SEED}
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    words = [sys.executable, "-c", ELSEWHERE]
    with (
        subprocess.Popen(words, env={**os.environ, **paths}, **pipes) as other,  # noqa: S603 (this interpreter)
        ThreadPoolExecutor(1) as waiting,
    ):
        there = waiting.submit(other.communicate, pickle.dumps((dict(spec.task), spec.folder, trials)))
        try:
            here = [*moments(dict(spec.task), spec.folder, trials)] if trials else [spec.data_digest]
        except BaseException:
            other.kill()
            raise
        printed, errors = (text.decode(errors="replace") for text in there.result())
    _compare(spec, trials, here, printed.splitlines(), " ".join(errors.strip().splitlines()[-1:]))


def moments(settings: Settings, folder: Path, trials: Sequence[TrialSpec]) -> Iterator[str]:
    """Yield the digest of a task's data, then a line for each trial with the two digests of its Moment."""
    from slalom_worker.lane.environment import pin_kernels
    from slalom_worker.methods import Methods
    from slalom_worker.tasks import load_split, open_task
    from slalom_worker.training.digests import moment

    pin_kernels()  # as in inspect_task
    methods = Methods.beside(folder)
    task = open_task(settings, folder)
    data = load_split(task, None)
    yield data.digest()
    for trial in trials:
        is_same = trial.work.task == settings
        own = task if is_same else open_task(trial.work.task, folder)
        yield " ".join(moment(trial, data if is_same else load_split(own, trial.work.split), own, methods))


def _own_trials(spec: StudySpec) -> list[TrialSpec]:
    """A typical trial of each arm whose net, or any method, is the user's own; equal trials count once."""
    from slalom.study.space import typical
    from slalom.study.trials import trial_spec
    from slalom.wire.trial import Phase, TrialId

    found: dict[str, TrialSpec] = {}
    for arm in () if spec.own_training else spec.arms:
        is_judged = any(map(is_own, spec.metrics)) and arm is spec.arms[0]
        if is_judged or names_own(arm.settings) or arm.settings["model"]["name"] == OWN:
            trial = trial_spec(spec, TrialId(arm.name, Phase.CONFIRM, 0), typical(arm.space))
            found.setdefault(repr((trial.work.key, trial.settings)), trial)
    return [*found.values()]


def _compare(
    spec: StudySpec, trials: Sequence[TrialSpec], here: Sequence[str], there: Sequence[str], error: str
) -> None:
    """Raise InputError where lines of `moments` differ between two processes; error: the other one's last words."""
    if not there or there[0] != here[0]:
        found = f"of the digest {there[0][:12]}" if there else error
        raise InputError(
            f"{spec.task['name']}: load() must give the same data in every process, but gave data of the digest "
            f"{here[0][:12]} in one, and in another {found}; does it count on the order of a set, "
            "or on random numbers without a seed?"
        )
    for trial, one, other in zip_longest(trials, here[1:], there[1:]):
        if one != other:
            begins = other is not None and one.split()[0] != other.split()[0]
            must = "begin with the same net" if begins else "come to the same numbers"
            failed = f"failed: {error}" if other is None else "did not"
            files = " or ".join(map(str, spec.code))
            raise InputError(
                f"arm {trial.id.arm}: a trial must {must} in every process, but in another one it {failed}; "
                f"does {files} count on the order of a set, the clock, or random numbers of its own?"
            )
