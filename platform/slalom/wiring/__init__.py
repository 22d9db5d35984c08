"""Puts the parts together: which store, which lanes, which records; only here are concrete classes named.

Beside `slalom.reading` and the command line only this module imports `slalom_worker`. Heavy modules are imported when
they are used.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import InputError
from slalom.loop.garbage import imports_spared
from slalom.loop.housekeeping import Remarks, remove_checkpoints, with_checkpoints
from slalom.loop.notes import Note, Notes, note_extended, note_versions
from slalom.loop.progress import Telling
from slalom.records.finishing import finished
from slalom.records.provenance import made_with as provenance
from slalom.search.patient import PatientStore
from slalom.wiring import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom.home import Home
    from slalom.lanes.base import Lanes, Worker
    from slalom.loop.progress import Progress
    from slalom.records.base import NightRecorder
    from slalom.regression.baseline import Baseline
    from slalom.regression.night import Night
    from slalom.regression.retrain import Crew
    from slalom.report.rehearsal import Rehearsal
    from slalom.search.base import TrialStore
    from slalom.search.choice import Results
    from slalom.study.model import Arm, StudySpec
    from slalom.wire.trial import Order, Scalar
    from slalom_worker.lane.alone import AloneWorker
    from slalom_worker.tasks import Data


def store(spec: StudySpec, home: Home) -> TrialStore:
    """The study's trials in a home; Infrastructure where its storage does not answer or is broken."""
    from slalom.database import check_trials
    from slalom.search.on_optuna import OptunaStore

    check_trials(home)
    return OptunaStore(home.storage_url, spec, home.shown()["storage"])


def begun(spec: StudySpec, home: Home) -> TrialStore:
    """The trials of a study in a home; InputError where the home holds nothing of it, or only with other data."""
    from slalom.status.namesakes import held_otherwise

    missing = InputError(f"nothing of {spec.name} is in {home.shown()['storage']}: `slalom run` starts it")
    if not home.has_trials:
        raise missing
    trials = store(spec, home)
    if not trials.notes():
        raise held_otherwise(spec, trials, home) or missing
    return trials


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

    The baseline is trained again, and on another split. The numbers are dropped. None for a study that trains in packs.
    Raises InputError where the function raises or uses what it is given wrongly.
    """
    from slalom.report.rehearsal import Rehearsal

    if not spec.own_training:
        return None
    # here, where there need be no GPU for trials that will have one
    worker = _alone_worker(spec, spec.folder, "auto" if spec.resources.device == "gpu" else "cpu")()
    orders = {arm.name: _first(spec, arm) for arm in spec.arms}
    found = {name: repr(worker.rehearse(order)) for name, order in orders.items()}  # by repr, since NaN != NaN
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
        return _alone_worker(spec, folder, spec.resources.device)
    resources = spec.resources
    return partial(
        lane_worker,
        folder,
        resources.pack_width,
        digests=spec.digests,
        checkpoints=spec.checkpoints,
        device=resources.device,
    )


def _tasks_differ(spec: StudySpec) -> bool:
    """Whether an arm has options of the task, and so data of its own."""
    return any("task" in arm.settings for arm in spec.arms)


def _alone_worker(spec: StudySpec, folder: Path, device: str) -> Callable[[], AloneWorker]:
    from slalom_worker.lane.factory import alone_worker

    cores = int(spec.resources.cpus_per_lane or 1)
    return partial(alone_worker, folder, spec.metric.name, cores, device=device)


def measure_cost(spec: StudySpec, arm: str, params: Mapping[str, Scalar], nets: int = 4) -> tuple[float, ...]:
    """The seconds of an epoch of an arm with these hyperparameters over those of a calibration loop, repeated.

    Empty for a training function of the user's, which is trained on its resources alone and may take hours.
    """
    if spec.own_training:
        return ()
    from slalom.study.trials import trial_spec
    from slalom.wire.trial import Order, Phase, TrialId
    from slalom_worker.lane.cost import measure_cost as measure

    trials = [trial_spec(spec, TrialId(arm, Phase.CONFIRM, number), params) for number in range(nets)]
    return measure([Order(trial, trial.epochs) for trial in trials], spec.folder)


def _data_of(spec: StudySpec) -> Data | None:
    """Load the task's data again, without what training does not need; InputError where they have changed by now.

    They are pooled where splits are drawn from them. None where the lanes load them: where the task loads each search's
    split by itself, where an arm has options of the task, where a function of the user's trains, and where the data
    lie in files that each node makes for itself. Data that were kept from reading the study would take memory as long
    as the study does.
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
    trials: TrialStore,
    lanes: Callable[[StudySpec], Lanes],
    watch: Callable[[Progress], None],
    extends: Mapping[str, str],
) -> Results:
    """Train what is left of a study; everything that can be unreachable is tried before the first trial is placed.

    extends: by mark, the studies whose trials it takes from now on, and what is said of each
    Returns the study's trials. While they are read and the page is made, the last records are written and the lanes are
    closed, for which Ray takes a second or two.
    """
    from slalom.loop.run import run
    from slalom.records.on_mlflow import MlflowRecorder
    from slalom.report.tables import markdown
    from slalom.search.on_optuna import OptunaOutbox, Proposals

    made_with, telling = provenance(spec), Telling(watch)
    patient = PatientStore(trials, OptunaOutbox(home.folder, spec), spec.resources.outage_limit, telling.tell)
    spec = with_checkpoints(spec, home, made_with["code"])
    holding, aside = patient.held(str(home.folder.resolve())), ThreadPoolExecutor(1, "slalom-lanes")
    with holding, aside, imports_spared(telling) as watched:
        describe = partial(markdown, spec)
        recorder = MlflowRecorder(home.tracking_uri, home.artifacts, spec, describe, made_with, telling.tell)
        with finished(recorder):
            recorded = Notes.read(patient.notes()).recorded
            if extends:
                note_extended(patient, [*extends])
                for line in Remarks(patient).add([*extends.values()]):
                    telling.tell(f"Note: {line}")
            note_versions(patient, made_with)
            patient.note(Note.IDENTITY, spec.identity)
            crew = lanes(spec)
            try:
                run(spec, patient, crew, recorder, Proposals, watched)
            finally:
                closed = aside.submit(crew.close)
            ended = patient.settled()
            pages.load()
        pages.put(spec, home, ended, Notes.read(patient.notes()))
        closed.result()
        remove_checkpoints(home, spec.fingerprint)
        patient.note(Note.RECORDED, [*recorded, home.shown()["tracking_uri"]])
        patient.settle()
    telling.end()
    return ended


def record(spec: StudySpec, home: Home, trials: TrialStore) -> None:
    """Record a study as its storage has it, and train nothing; the run that ends it records its arms' models."""
    from slalom.records.on_mlflow import MlflowRecorder
    from slalom.report.tables import markdown
    from slalom.verdict.compare import summarise
    from slalom.verdict.summary import State

    ended, notes = trials.ended(), Notes.read(trials.notes())
    recorder = MlflowRecorder(home.tracking_uri, home.artifacts, spec, partial(markdown, spec), provenance(spec))
    with finished(recorder):
        recorder.trials([*ended.values()])
        recorder.summary(summarise(spec, ended, State.INTERRUPTED, notes.throughput))


def set_records_aside(home: Home) -> Path | None:
    """Rename a home's file of records where it is broken, and give its new path; None where there is nothing amiss.

    Records of a server are in no file of the home. Raises InputError where the file cannot be renamed.
    """
    from slalom.database import broken
    from slalom.records.on_mlflow.sqlite import set_aside, sqlite_file

    file = sqlite_file(home.tracking_uri)
    if file is None or broken(file) is None:
        return None
    try:
        return set_aside(file, datetime.now(UTC))
    except OSError as exc:
        raise InputError(f"--home: cannot rename {file}: {exc.strerror}") from exc


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
