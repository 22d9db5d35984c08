"""Slalom from Python: load a study, run it, look at what it found; pin that, and hold later code against it.

The command line is a thin face of these calls. Everything heavy is imported when it is used, so that `import slalom`
stays quick.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom import wiring
from slalom.errors import Infrastructure, Interrupted
from slalom.home import DEFAULT_FOLDER, Home
from slalom.loop.notes import Notes
from slalom.reading import reading
from slalom.report.result import Result
from slalom.study.bundled import study_file, study_text
from slalom.wire.trial import Outcome
from slalom.wiring import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from slalom.lanes.base import Lanes
    from slalom.loop.progress import Progress
    from slalom.regression.baseline import Baseline
    from slalom.regression.night import Night
    from slalom.report.page.page import Page
    from slalom.report.page.tasks_page import TasksPage
    from slalom.search.base import TrialStore
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec


def load(study: str | Path) -> StudySpec:
    """A bundled study by its name, or a study file by its path; StudyError where it breaks a rule."""
    file = study_file(study)
    from slalom.study.read import read_study

    text = study_text(file, str(study))
    source = str(study) if Path(study) == file else file.name
    return read_study(text, source, reading(file.parent))


def Study(**document: Any) -> StudySpec:  # noqa: N802 (reads as the value it makes)
    """A study written in Python: the keywords are the study file's keys, the rules the same.

    The task can be a class, or a training function, in place of "file.py:Name": `task=Rings`, or with options
    `task={"name": Rings, "noise": 0.3}`. Lanes read the class from its source file, as the file is now. The study's
    folder, which is sent to the nodes and in which its other files are looked for, is then the one from which the
    imports of that file start.
    Raises StudyError where a rule is broken, or the class is in no file, such as one defined in a notebook's cell.
    """
    return _study(document, Path.cwd())


def replace(study: StudySpec | str | Path, /, **changes: Any) -> StudySpec:
    """The study with some keys of its file changed, such as `seed=1`: checked anew, with a fingerprint of its own.

    changes: as for `Study`, each in place of the whole value that the key has in `study.document`
    Raises StudyError where a rule is broken.
    """
    spec = spec_of(study)
    return _study({**spec.document, **changes}, spec.folder)


def _study(document: Mapping[str, Any], folder: Path) -> StudySpec:
    from slalom.study.own_object import named_by_text
    from slalom.study.read import study_from

    written, folder = named_by_text(document, folder)
    return study_from(written, reading(folder))


def run(
    study: StudySpec | str | Path,
    home: str | Path | Home = DEFAULT_FOLDER,
    *,
    ray: str | None = None,
    lanes: Callable[[StudySpec], Lanes] | None = None,
    watch: Callable[[Progress], None] | None = None,
    anew: bool = False,
) -> Result:
    """Run a study, or go on with one that stopped; a finished one is only looked at.

    A study that only adds trials, searches, confirm seeds or arms to one in the home takes over that one's trials.

    anew: train the study even where the home holds it with other data, files or settings; these results are kept too
    ray: a running cluster's address; without one a local Ray is started
    lanes: makes the lanes of a study, in place of Ray's
    watch: called with the progress as the study goes on; without it only a notebook or a terminal shows progress
    Raises StudyError or InputError before anything is started, Infrastructure where a part fails for good, and
    Interrupted on Ctrl-C; what had ended is kept.
    """
    from slalom.status.namesakes import extended
    from slalom.status.watch import watching

    place, spec = home_of(home), spec_of(study)
    if ray and ray != "auto" and not lanes and not place.has_trials:
        wiring.knock(ray)  # the lanes knock too, but a wrong address should not leave a home behind
    with place.alone():
        store = wiring.store(spec, place)
        extends = {} if anew else extended(spec, store, place)
        ended: Results | None = None
        if not _complete(store, place):
            try:
                with watching(watch) as told:
                    ended = wiring.train(
                        spec, place, store, lanes or partial(wiring.ray_lanes, address=ray), told, extends
                    )
            except KeyboardInterrupt as exc:  # before the loop, or after it
                raise Interrupted("stopped; what had ended is kept") from exc
        result = _result(spec, place, store, ended)
    _complain(result)
    return result


def show(study: StudySpec | str | Path, home: str | Path | Home = DEFAULT_FOLDER) -> Result:
    """What a study has found so far; InputError where the home holds nothing of it, or only with other data."""
    place, spec = home_of(home), spec_of(study)
    return _result(spec, place, wiring.begun(spec, place))


def page(study: StudySpec | str | Path, home: str | Path | Home = DEFAULT_FOLDER) -> Page:
    """The page of what a study has found so far: `html()` is one file with all that it needs, `json` its numbers.

    Raises InputError as `show` does, and Infrastructure where the study's records cannot be read.
    """
    place, spec = home_of(home), spec_of(study)
    return pages.page(spec, place, wiring.begun(spec, place))


def compare(
    studies: Iterable[Result | StudySpec | str | Path],
    home: str | Path | Home = DEFAULT_FOLDER,
    *,
    rope: float | None = None,
) -> TasksPage:
    """Compare the same arms over several finished studies: the answer has `sentence`, `html()` (one file) and `json`.

    studies: at least two, of different tasks and with the same arms; each a Result, or a study with its result in home
    rope: a difference up to which two arms count as equal in a task, in the metric's unit; without it the margin that
        all these studies name, or 0
    Raises InputError as `show` does, where a study is not finished, where its arms or its metric's direction differ
    from the first study's, and where there are too few studies to tell so many arms apart.
    """
    from slalom.report.page.tasks_page import TasksPage
    from slalom.verdict.tasks.several import several

    results = [one if isinstance(one, Result) else show(one, home) for one in studies]
    return TasksPage.of(several([(result.spec, result.summary) for result in results], rope))


def pin(
    study: StudySpec | str | Path,
    home: str | Path | Home = DEFAULT_FOLDER,
    *,
    seeds: int | None = None,
    ray: str | None = None,
    lanes: Callable[[StudySpec], Lanes] | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Baseline:
    """Pin what a complete study found: record the baseline in MLflow, and return it for `Baseline.write`.

    seeds: confirm seeds of each search to pin; those beyond the study's own are trained now
    Raises InputError where the study is not complete, or today's code no longer gives its numbers.
    """
    from slalom.regression import pin as pinning
    from slalom.status.watch import watching

    spec, place = spec_of(study), home_of(home)
    result = show(spec, place)
    crew = wiring.crew(lanes or partial(wiring.ray_lanes, address=ray))
    nights = wiring.nights(spec, place)
    with watching(watch) as told:
        baseline = pinning.pin(spec, result.summary, result.ended, crew, told, seeds)
    with place.alone():
        nights.pin(baseline)
    return baseline


def regress(
    study: StudySpec | str | Path,
    baseline: Baseline,
    home: str | Path | Home = DEFAULT_FOLDER,
    *,
    retune: bool = False,
    margins: Mapping[str, float] | None = None,
    most: int | None = None,
    ray: str | None = None,
    lanes: Callable[[StudySpec], Lanes] | None = None,
    watch: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> Night:
    """Train every search's choice again on today's code, and hold it against the baseline.

    The night is recorded in MLflow, and the page beside the study's run is written again, with this night in its trend.

    baseline: as `pin` gave it, or `Baseline.read` reads it
    retune: make the searches again, too
    margins: of each metric, in the metric's unit; of "cost" the share by which it may rise
    most: the most seeds of each search
    """
    from slalom.regression.hold import hold
    from slalom.status.watch import watching

    spec, place = spec_of(study), home_of(home)
    with place.alone():
        nights = wiring.nights(spec, place)
    crew = wiring.crew(lanes or partial(wiring.ray_lanes, address=ray))
    with watching(watch) as told:
        night = hold(spec, baseline, crew, told, retune=retune, margins=margins, most=most, clock=clock)
    with place.alone():
        nights.night(night)
        pages.renew(spec, place, wiring.store)
    return night


def _complete(store: TrialStore, home: Home) -> bool:
    """Whether the study is finished, and recorded at the home's tracking URI."""
    return home.has_records and home.shown()["tracking_uri"] in Notes.read(store.notes()).recorded


def _result(spec: StudySpec, home: Home, store: TrialStore, ended: Results | None = None) -> Result:
    """What a study has found so far; `ended` are its trials, where they have been read."""
    ended, notes = store.ended() if ended is None else ended, Notes.read(store.notes())
    summary = pages.standing(spec, home, ended, notes)
    return Result(spec, home, summary, ended, notes.versions, notes.remarks)


def _complain(result: Result) -> None:
    """Raise Infrastructure where every trial of the study failed, so that there is nothing to judge."""
    failed = [ended.result for ended in result.ended.values() if ended.result.outcome is Outcome.FAILED]
    if failed and len(failed) == len(result.ended):
        raise Infrastructure(f"every trial failed, the first with: {failed[0].error}")


def spec_of(study: StudySpec | str | Path) -> StudySpec:
    """The study as it is given, or loaded where its name or path is given."""
    return load(study) if isinstance(study, str | Path) else study


def home_of(home: str | Path | Home) -> Home:
    """The home as it is given, or the home in the folder that is given."""
    return home if isinstance(home, Home) else Home(Path(home))
