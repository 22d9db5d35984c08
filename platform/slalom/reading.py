"""What a study is read with: every method, the task's data, and what the user's own code says of itself.

With `slalom.wiring` and the command line the only importer of the workers' package. What is heavy is imported when it
is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.study.own_methods import is_own

if TYPE_CHECKING:
    from pathlib import Path

    from slalom.study.inspected import Inspected
    from slalom.study.model import StudySpec
    from slalom.study.read import Reading
    from slalom.wire.kinds import Catalogue
    from slalom.wire.signature import OwnCode
    from slalom.wire.trial import Settings
    from slalom_worker.methods import Methods

OTHER_HASH_SEED = "4242"
"""Python's hashes of texts, and so the order of a set of them, are others in a process with this seed."""

LOADER = """
import ast, sys
from pathlib import Path
from slalom.reading import inspect_task
print(inspect_task(ast.literal_eval(sys.argv[1]), Path(sys.argv[2])).data)
"""


def catalogue() -> Catalogue:
    """Every method that a study can name."""
    from slalom_worker.catalogue import CATALOGUE

    return CATALOGUE


def reading(folder: Path) -> Reading:
    """What a study is read with, whose relative paths start in `folder`."""
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
    """What can be set of a user's own "file.py:name", whose relative path starts in `folder`; imports the file."""
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
    """Train an arm for a moment; InputError where a method that it names does not keep to what a method must."""
    from slalom.study.space import typical
    from slalom.study.trials import trial_spec
    from slalom.wire.trial import Phase, TrialId
    from slalom_worker.tasks import load_split, open_task
    from slalom_worker.training.methods_rehearsal import TRIALS, rehearse_methods

    params = typical(spec.arm(arm).space)
    trials = [trial_spec(spec, TrialId(arm, Phase.CONFIRM, number), params) for number in range(TRIALS)]
    task = open_task(trials[0].work.task, spec.folder)
    rehearse_methods(trials, load_split(task, None), task, methods)


def inspect_task(settings: Settings, folder: Path, methods: Methods | None = None) -> Inspected:
    """What a task's data tell the study: loads them; of a task that loads each split by itself split 0.

    The digest is over the task's own split, or over split 0. What is drawn from the data follows from them.
    methods: what trials name by which a net of the task's own is rehearsed; None for the package's
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


def load_elsewhere(spec: StudySpec) -> None:
    """InputError where a task of the user's own has other data in another process, as by the order of a set."""
    if not is_own(spec.task["name"]) or spec.own_training:
        return
    words = [sys.executable, "-c", LOADER, repr(dict(spec.task)), str(spec.folder)]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": OTHER_HASH_SEED}
    loaded = subprocess.run(  # noqa: S603 (this interpreter, and the user's own file)
        words, capture_output=True, text=True, env={**os.environ, **paths}, check=False
    )
    found = loaded.stdout.strip()
    if found != spec.data_digest:
        reason = loaded.stderr.strip().splitlines()[-1:] if loaded.returncode else [f"of the digest {found[:12]}"]
        raise InputError(
            f"{spec.task['name']}: load() must give the same data in every process, but gave data of the digest "
            f"{spec.data_digest[:12]} in one, and in another {' '.join(reason)}; does it count on the order of a set, "
            "or on random numbers without a seed?"
        )
