"""Puts the parts together: which store, which lanes, which records; only here are concrete classes named.

With `slalom.reading` and the command line it is the only importer of the workers' package. What is heavy is imported
when it is used.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from slalom.errors import InputError, Interrupted, SlalomError
from slalom.loop.notes import Note, Notes
from slalom.records.provenance import versions
from slalom.wire.checkpoints import Checkpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from slalom.home import Home
    from slalom.lanes.base import Lanes, Worker
    from slalom.loop.progress import Telling
    from slalom.records.base import NightRecorder, Recorder
    from slalom.regression.baseline import Baseline
    from slalom.regression.night import Night
    from slalom.regression.retrain import Crew
    from slalom.report.rehearsal import Rehearsal
    from slalom.search.base import TrialStore
    from slalom.search.patient import PatientStore
    from slalom.study.model import Arm, StudySpec
    from slalom.wire.trial import Order, Scalar
    from slalom_worker.lane.alone import AloneWorker
    from slalom_worker.tasks import Data

CLOSE_SECONDS = 3.0
"""The time in which records that are under way at a Ctrl-C are finished; what is not, the next run writes."""


def store(spec: StudySpec, home: Home) -> TrialStore:
    """The study's trials in a home; Infrastructure where its storage does not answer."""
    from slalom.search.on_optuna import OptunaStore

    return OptunaStore(home.storage_url, spec, home.shown()["storage"])


def patient(store: TrialStore, spec: StudySpec, home: Home, tell: Callable[[str], None]) -> PatientStore:
    """The study's trials, written through outages of the storage; `tell` takes a line for people."""
    from slalom.search.on_optuna import OptunaOutbox
    from slalom.search.patient import PatientStore

    return PatientStore(store, OptunaOutbox(home.folder, spec), spec.resources.outage_limit, tell)


def ray_lanes(spec: StudySpec, address: str | None = None) -> Lanes:
    """Lanes on a Ray cluster, the default, held by a process of their own, which Ray may end.

    spec: travels to that process without what is known of its nets' sizes, since that is code
    """
    from slalom.lanes.apart import ApartLanes
    from slalom.study.nets import Nets

    return ApartLanes(partial(_ray_lanes, replace(spec, nets=Nets()), address), "Ray")


def _ray_lanes(spec: StudySpec, address: str | None) -> Lanes:
    """Lanes on a Ray cluster that this process joins; an actor finds the user's own files in the folder it runs in.

    The task's data are loaded here, once for all lanes, unless each search has a split that the task loads.
    """
    from slalom.lanes.on_ray import RayLanes
    from slalom_worker.lane.environment import LANE_ENVIRONMENT

    folder = Path() if spec.code else spec.folder
    return RayLanes(address, spec, _worker(spec, folder), LANE_ENVIRONMENT, _data_of(spec))


def local_lanes(spec: StudySpec) -> Lanes:
    """Lanes in this process."""
    from slalom.lanes.in_process import InProcessLanes

    return InProcessLanes(_worker(spec, spec.folder), spec.resources.lanes or 1)


def rehearse(spec: StudySpec) -> Rehearsal | None:
    """Train one epoch of each arm by a training function of the user's, here, and measure it on test data.

    The baseline's is trained again, and on another split. The numbers go nowhere. None of a study that trains in packs.
    Raises InputError where the function raises or uses what it is given wrongly.
    """
    from slalom.report.rehearsal import Rehearsal

    if not spec.own_training:
        return None
    worker = _alone_worker(spec, spec.folder)()
    orders = {arm.name: _first(spec, arm) for arm in spec.arms}
    found = {name: repr(worker.rehearse(order)) for name, order in orders.items()}  # what is no number equals itself so
    first = orders[spec.compare.baseline]
    reproduced, matters = repr(worker.rehearse(first)) == found[spec.compare.baseline], None
    if spec.resampled:
        other = replace(first, trial=replace(first.trial, work=replace(first.trial.work, split=1)))
        matters = repr(worker.rehearse(other)) != found[spec.compare.baseline]
    return Rehearsal(reproduced, matters)


def _first(spec: StudySpec, arm: Arm) -> Order:
    """An order for a confirm trial of the arm, at the middle of what it searches."""
    from slalom.study.space import typical
    from slalom.study.trials import trial_spec
    from slalom.wire.trial import Order, Phase, TrialId

    trial = trial_spec(spec, TrialId(arm.name, Phase.CONFIRM, 0), typical(arm.space))
    return Order(trial, trial.epochs)


def _worker(spec: StudySpec, folder: Path) -> Callable[..., Worker]:
    """What makes a lane's worker; `folder` is where the lane finds the user's own files."""
    from slalom_worker.lane.factory import lane_worker

    if spec.own_training:
        return _alone_worker(spec, folder)
    digest = None if _tasks_differ(spec) else spec.data_digest
    return partial(lane_worker, folder, spec.resources.pack_width, digest=digest, checkpoints=spec.checkpoints)


def _tasks_differ(spec: StudySpec) -> bool:
    """Whether an arm has options of the task, and so data of its own."""
    return any("task" in arm.settings for arm in spec.arms)


def _alone_worker(spec: StudySpec, folder: Path) -> Callable[[], AloneWorker]:
    from slalom_worker.lane.factory import alone_worker

    cores = int(spec.resources.cpus_per_lane or 1)
    return partial(alone_worker, folder, spec.metric.name, cores, on_gpu=spec.resources.device == "gpu")


def measure_cost(spec: StudySpec, arm: str, params: Mapping[str, Scalar], nets: int = 4) -> tuple[float, ...]:
    """What an epoch of an arm with these hyperparameters costs here, over that of a calibration loop; repeated.

    Nothing for a training function of the user's, which is trained on its resources alone and may take hours.
    """
    if spec.own_training:
        return ()
    from slalom.study.trials import trial_spec
    from slalom.wire.trial import Order, Phase, TrialId
    from slalom_worker.lane.cost import measure_cost as measure

    trials = [trial_spec(spec, TrialId(arm, Phase.CONFIRM, number), params) for number in range(nets)]
    return measure([Order(trial, trial.epochs) for trial in trials], spec.folder)


def _data_of(spec: StudySpec) -> Data | None:
    """The task's data again, without what training does not need; InputError where they are others by now.

    With a pool where splits are drawn from them. None where the lanes load them: where the task loads each search's
    split by itself, where an arm has options of the task, where a function of the user's trains, and where the data lie
    in files that each node makes for itself. To keep the data
    from when the study was read would be to hold them as long as somebody holds the study.
    """
    from slalom_worker.tasks import load_split, open_task

    if spec.own_training or (spec.resampled and spec.loads_splits) or _tasks_differ(spec):
        return None
    data = load_split(open_task(spec.task, spec.folder), None)
    found = data.digest()
    if found != spec.data_digest:
        raise InputError(
            f"{spec.name}: load() must give the same data at every call, but the study was read with data of the "
            f"digest {spec.data_digest[:12]}, and they are {found[:12]} now"
        )
    if data.inputs_digest is not None:
        return None
    return data.pooled().plain() if spec.resampled else data.plain()


def knock(ray: str) -> None:
    """Infrastructure or InputError where no Ray cluster answers at an address."""
    from slalom.lanes.on_ray.connection import knock

    knock(ray)


def train(
    spec: StudySpec,
    home: Home,
    trials: PatientStore,
    lanes: Callable[[StudySpec], Lanes],
    telling: Telling,
) -> None:
    """Train what is left of a study; everything that can be unreachable is tried before the first trial is placed."""
    from slalom.loop.run import run
    from slalom.records.on_mlflow import MlflowRecorder
    from slalom.report.tables import markdown
    from slalom.search.on_optuna import Proposals

    made_with = versions()
    spec = _with_checkpoints(spec, home, made_with["code"])
    recorder = MlflowRecorder(home.tracking_uri, home.artifacts, spec, partial(markdown, spec), made_with, telling.tell)
    with _finished(recorder):
        _note_versions(trials, made_with)
        crew = lanes(spec)
        try:
            run(spec, trials, crew, recorder, Proposals, telling)
        finally:
            crew.close()
        trials.settle()
    _remove_checkpoints(home, spec.fingerprint)
    recorded = Notes.read(trials.notes()).recorded
    trials.note(Note.RECORDED, [*recorded, home.shown()["tracking_uri"]])


def _with_checkpoints(spec: StudySpec, home: Home, code: str) -> StudySpec:
    """The study with the place of its checkpoints, where it keeps any; the place is made."""
    if spec.checkpoint_every is None:
        return spec
    folder = home.checkpoints(spec.fingerprint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InputError(f"--home: cannot write checkpoints to {folder}: {exc.strerror}") from exc
    return replace(spec, checkpoints=Checkpoints(spec.checkpoint_every, folder, spec.fingerprint, code))


def _remove_checkpoints(home: Home, fingerprint: str) -> None:
    """Remove what is left of a complete study's, also of earlier runs and of lanes that were given up."""
    folder = home.checkpoints(fingerprint)
    if folder.exists():
        shutil.rmtree(folder)
    with suppress(OSError):  # of other studies there are some
        folder.parent.rmdir()


def _note_versions(trials: TrialStore, made_with: Mapping[str, str]) -> None:
    """Note what this run is made with, unless an earlier run of the study was made with the same."""
    known = Notes.read(trials.notes()).versions
    if made_with not in known:
        trials.note(Note.VERSIONS, [*known, made_with])


@contextmanager
def _finished(recorder: Recorder) -> Iterator[None]:
    """Finish the records; after a Ctrl-C within seconds, since it may have struck where another thread's lock was held.

    What is not on record then is written by the next run.
    """
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        closing = Thread(target=_close_quietly, args=[recorder], daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        raise
    except BaseException:
        recorder.close()
        raise
    recorder.close()


def _close_quietly(recorder: Recorder) -> None:
    with suppress(SlalomError):
        recorder.close()


def crew(lanes: Callable[[StudySpec], Lanes]) -> Crew:
    """What trains baselines and nights, on these lanes."""
    from slalom.regression.retrain import Crew
    from slalom.search.on_optuna import Proposals

    return Crew(lanes, Proposals, measure_cost)


def nights(spec: StudySpec, home: Home) -> NightRecorder[Baseline, Night]:
    """Where a study's baselines and nights are recorded; InputError or Infrastructure where that cannot be.

    Whoever records holds the home's lock (`home.alone`).
    """
    from slalom.records.on_mlflow.nights import MlflowNights

    return MlflowNights(home.tracking_uri, home.artifacts, spec)
