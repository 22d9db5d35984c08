"""Slalom from Python: load a study, run it, look at what it found. The command line is a face of these calls.

This module and `cli` put the parts together; they alone name concrete classes and import the workers' package.
Everything heavy is imported when it is used, so that `import slalom` stays quick.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure, InputError, Interrupted, SlalomError, nearest
from slalom.home import Home
from slalom.summary import State
from slalom.trial import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from slalom.lanes.base import Lanes
    from slalom.progress import Progress
    from slalom.records.base import Recorder
    from slalom.spec.model import Inspected, StudySpec
    from slalom.suggest import TrialStore
    from slalom.summary import ArmSummary, Summary, Verdict
    from slalom.trial import Ended, Settings, TrialId
    from slalom_worker.tasks import Data

DEFAULT_HOME = Path("slalom-home")
CLOSE_SECONDS = 30.0


@dataclass(frozen=True)
class Result:
    """What a study has found so far."""

    spec: StudySpec
    home: Home
    summary: Summary
    ended: Mapping[TrialId, Ended]

    @property
    def verdict(self) -> Verdict | None:
        """The answer; None until every arm is confirmed."""
        return self.summary.verdict

    @property
    def arms(self) -> tuple[ArmSummary, ...]:
        """What each arm reached."""
        return self.summary.arms

    def trials(self) -> pd.DataFrame:
        """Every trial that ended, a row each: `export`'s columns, parameters and metrics by dotted name."""
        import pandas as pd

        rows = [
            {
                **{name: value for name, value in trial.items() if name not in ("params", "metrics", "history")},
                **{f"params.{name}": value for name, value in trial["params"].items()},
                **trial["metrics"],
            }
            for trial in self.export()
        ]
        return pd.DataFrame(rows)

    def export(self) -> list[dict[str, Any]]:
        """Every trial that ended, as plain values, by arm, phase and number."""
        from slalom.export import export

        return export(self.spec, self.ended)

    def as_json(self) -> dict[str, Any]:
        """The object that `slalom run --json` prints."""
        from slalom.report import as_json

        return as_json(self.spec, self.summary, self.home.shown())


def load(study: str | Path) -> StudySpec:
    """A bundled study by its name, or a study file by its path; StudyError where it breaks a rule."""
    file = study_file(study)
    from slalom.spec.read import Reading, read_study
    from slalom_worker.catalogue import CATALOGUE

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{study}: cannot be read: {exc}") from exc
    source = str(study) if Path(study) == file else file.name
    return read_study(text, source, Reading(file.parent, CATALOGUE, inspect_task))


def Study(**document: Any) -> StudySpec:  # noqa: N802 (reads as the value it makes)
    """A study written in Python: the keywords are the study file's keys, the rules the same."""
    from slalom.spec.read import Reading, study_from
    from slalom_worker.catalogue import CATALOGUE

    return study_from(document, Reading(Path.cwd(), CATALOGUE, inspect_task))


def bundled() -> Iterator[Path]:
    """The studies that come with Slalom."""
    within = Path(__file__).parent / "studies"
    # In a checkout (an editable install) the wheel's folder is not there; the studies lie beside the source roots.
    folder = within if within.is_dir() else Path(__file__).parents[2] / "studies"
    return iter(sorted(folder.glob("*.yaml")))


def run(
    study: StudySpec | str | Path,
    home: str | Path | Home = DEFAULT_HOME,
    *,
    ray: str | None = None,
    lanes: Callable[[StudySpec], Lanes] | None = None,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Result:
    """Run a study, or go on with one that stopped; a finished one is only looked at.

    ray: a running cluster's address; without one a local Ray is started
    lanes: other lanes than Ray's
    Raises StudyError or InputError before anything is started, Infrastructure where a part fails for good, and
    Interrupted on Ctrl-C; what had ended is kept.
    """
    place, spec = home_of(home), spec_of(study)
    if ray and ray != "auto" and not lanes and not place.has_trials:
        from slalom.lanes.on_ray.connection import knock

        knock(ray)  # it does so again, but a wrong address should not leave a home behind
    with place.alone():
        store = _store(spec, place)
        if not _complete(store, place):
            try:
                _train(spec, place, store, lanes or partial(ray_lanes, address=ray), watch)
            except KeyboardInterrupt as exc:  # before the loop, or after it
                raise Interrupted("stopped; what had ended is kept") from exc
        result = _result(spec, place, store)
    _complain(result)
    return result


def show(study: StudySpec | str | Path, home: str | Path | Home = DEFAULT_HOME) -> Result:
    """What a study has found so far; InputError where nothing of it is in this home."""
    place, spec = home_of(home), spec_of(study)
    missing = InputError(f"nothing of {spec.name} is in {place.shown()['storage']}: `slalom run` starts it")
    if not place.has_trials:
        raise missing
    store = _store(spec, place)
    if not store.notes():
        raise missing
    return _result(spec, place, store)


def ray_lanes(spec: StudySpec, address: str | None = None) -> Lanes:
    """Lanes on a Ray cluster, the default; an actor finds the user's task file in the folder that it runs in.

    The task's data are loaded here, once for all lanes.
    """
    from slalom.lanes.on_ray import RayLanes
    from slalom_worker.environment import LANE_ENVIRONMENT
    from slalom_worker.factory import lane_worker

    folder = Path() if spec.task_file else spec.folder
    factory = partial(lane_worker, folder, spec.resources.pack_width)
    return RayLanes(address, spec, factory, LANE_ENVIRONMENT, _data_of(spec))


def local_lanes(spec: StudySpec) -> Lanes:
    """Lanes in this process."""
    from slalom.lanes.in_process import InProcessLanes
    from slalom_worker.factory import lane_worker

    return InProcessLanes(partial(lane_worker, spec.folder, spec.resources.pack_width), spec.resources.lanes or 1)


def measure_cost(spec: StudySpec, arm: str, nets: int = 4) -> tuple[float, ...]:
    """What an epoch of an arm of fixed hyperparameters costs here, over the cost of a calibration loop; repeated."""
    from slalom.plan import trial_spec
    from slalom.trial import Order, Phase, TrialId
    from slalom_worker.cost import measure_cost as measure

    trials = [trial_spec(spec, TrialId(arm, Phase.CONFIRM, number), {}) for number in range(nets)]
    return measure([Order(trial, trial.epochs) for trial in trials], spec.folder)


def inspect_task(settings: Settings, folder: Path) -> Inspected:
    """What a task's data tell the study: loads them."""
    from slalom.spec.model import Inspected
    from slalom_worker.environment import pin_kernels
    from slalom_worker.tasks import OwnModel, open_task

    pin_kernels()  # a task may compute with torch, after which this process could open no lane
    task = open_task(settings, folder)
    data = task.load()
    layers = None
    if isinstance(task, OwnModel):
        from slalom_worker.modules import own_layers

        layers = own_layers(settings, data, task)
    return Inspected(data.digest(), data.facts, layers is not None, layers, data.classes is None)


def _data_of(spec: StudySpec) -> Data:
    """The task's data again, without what training does not need; InputError where they are others by now.

    To keep them from when the study was read would be to hold them as long as somebody holds the study.
    """
    from slalom_worker.tasks import open_task

    data = open_task(spec.task, spec.folder).load()
    found = data.digest()
    if found != spec.data_digest:
        raise InputError(
            f"{spec.name}: load() must give the same data at every call, but the study was read with data of the "
            f"digest {spec.data_digest[:12]}, and they are {found[:12]} now"
        )
    return data.plain()


def _train(
    spec: StudySpec,
    home: Home,
    store: TrialStore,
    lanes: Callable[[StudySpec], Lanes],
    watch: Callable[[Progress], None],
) -> None:
    """What is left of a study: everything that can be unreachable is tried before the first trial is placed."""
    from slalom.loop import run as train
    from slalom.records.on_mlflow import MlflowRecorder
    from slalom.report import markdown
    from slalom.suggest import Proposals

    recorder = MlflowRecorder(home.tracking_uri, home.artifacts, spec, partial(markdown, spec))
    with _finished(recorder):
        crew = lanes(spec)
        try:
            train(spec, store, crew, recorder, Proposals, watch)
        finally:
            crew.close()
    store.note("recorded", [*store.notes().get("recorded", []), home.shown()["tracking_uri"]])


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


def _complete(store: TrialStore, home: Home) -> bool:
    """Whether the study is finished, and recorded where its records are looked for."""
    return home.has_records and home.shown()["tracking_uri"] in store.notes().get("recorded", [])


def _result(spec: StudySpec, home: Home, store: TrialStore) -> Result:
    from slalom.compare import summarise
    from slalom.loop import throughput

    ended, notes = store.ended(), store.notes()
    state = State.COMPLETE if notes.get("recorded") else State(notes.get("state", State.RUNNING))
    if state is State.RUNNING and home.deserted:
        state = State.INTERRUPTED  # by something that left no time to say so
    summary = summarise(spec, ended, state, throughput(notes))
    again: Mapping[str, bool] = notes.get("reproduced", {})
    arms = tuple(replace(arm, reproduced=again.get(arm.name)) for arm in summary.arms)
    return Result(spec, home, replace(summary, arms=arms), ended)


def _complain(result: Result) -> None:
    """A study in which no arm could be trained for the same reason has no verdict but an error."""
    failed = [ended.result for ended in result.ended.values() if ended.result.outcome is Outcome.FAILED]
    if failed and len(failed) == len(result.ended):
        raise Infrastructure(f"every trial failed, the first with: {failed[0].error}")


def _store(spec: StudySpec, home: Home) -> TrialStore:
    from slalom.suggest import TrialStore

    return TrialStore(home.storage_url, spec, home.shown()["storage"])


def spec_of(study: StudySpec | str | Path) -> StudySpec:
    """A study as it is, or loaded by its name or path."""
    return load(study) if isinstance(study, str | Path) else study


def home_of(home: str | Path | Home) -> Home:
    """A home as it is, or that of a folder."""
    return home if isinstance(home, Home) else Home(Path(home))


def study_file(study: str | Path) -> Path:
    """The file of a path, or of a bundled study's name."""
    if Path(study).suffix in (".yaml", ".yml"):
        if not Path(study).is_file():
            raise InputError(f"{study}: there is no such file")
        return Path(study)
    studies = {file.stem: file for file in bundled()}
    if str(study) not in studies:
        raise InputError(f"{str(study)!r} is neither a study file (*.yaml) nor a bundled study{_hint(study, studies)}")
    return studies[str(study)]


def _hint(study: str | Path, studies: Sequence[str] | Mapping[str, Path]) -> str:
    return nearest(str(study), studies)
