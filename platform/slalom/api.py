"""Slalom from Python: load a study, run it, look at what it found; pin that, and hold later code against it.

The command line is a thin face of these calls. Everything heavy is imported when it is used, so that `import slalom`
stays quick.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom import wiring
from slalom.errors import Infrastructure, Interrupted
from slalom.home import DEFAULT_FOLDER, Home
from slalom.loop.notes import Notes
from slalom.reading import reading
from slalom.study.bundled import study_file, study_text
from slalom.wire.trial import Outcome
from slalom.wiring import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from slalom.lanes.base import Lanes
    from slalom.loop.progress import Progress
    from slalom.regression.baseline import Baseline
    from slalom.regression.night import Night
    from slalom.report.page.page import Page
    from slalom.search.base import TrialStore
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import ArmSummary, Summary, Verdict
    from slalom.wire.trial import Ended, TrialId


@dataclass(frozen=True)
class Result:
    """What a study has found so far.

    versions: what its runs were made with (Slalom's code, Python and the packages), each combination once
    remarks: what lanes had to tell, such as that a checkpoint was not usable
    """

    spec: StudySpec
    home: Home
    summary: Summary
    ended: Mapping[TrialId, Ended]
    versions: tuple[Mapping[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The study's name and the verdict's sentence, in a line."""
        from slalom.report.tables import answer

        return f"<{self.spec.name}: {answer(self.spec, self.summary)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict's table and its sentence."""
        from slalom.report.tables import html

        return html(self.spec, self.summary)

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

    def history(self) -> pd.DataFrame:
        """The curves of every trial that ended: a row for each report, with arm, search, phase, number and epoch."""
        import pandas as pd

        names = ("arm", "search", "phase", "number")
        rows = [
            {**{name: trial[name] for name in names}, **report}
            for trial in self.export()
            for report in trial["history"]
        ]
        return pd.DataFrame(rows)

    def export(self) -> list[dict[str, Any]]:
        """Every trial that ended, as plain values, by arm, phase and number."""
        from slalom.report.export import export

        return export(self.spec, self.ended)

    def as_json(self) -> dict[str, Any]:
        """The object that `slalom run --json` prints."""
        from slalom.report.plain import as_json

        of_runs = {"versions": [*map(dict, self.versions)], "remarks": [*self.remarks]}
        return {**as_json(self.spec, self.summary, self.home.shown()), **of_runs}


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
    `task={"name": Rings, "noise": 0.3}`. Lanes read it from the file in which it is written, as the file is now. The
    study's folder, which travels to the nodes and where its other files are looked for, then is the one in which the
    imports of that file start.
    Raises StudyError where a rule is broken, or the class is in no file, as one that a notebook's cell defines.
    """
    return _study(document, Path.cwd())


def replace(study: StudySpec | str | Path, /, **changes: Any) -> StudySpec:
    """The study with other values of keys of a study file, such as `seed=1`: read and checked anew, of its own mark.

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

    One that only extends what the home holds, by trials, searches, confirm seeds or arms, goes on with what is there.

    anew: train it also where the home holds the study with other data, files or settings, which is kept beside it
    ray: a running cluster's address; without one a local Ray is started
    lanes: other lanes than Ray's
    watch: called as the study goes on. Without it progress is shown in a notebook and in a terminal, and nowhere else
    Raises StudyError or InputError before anything is started, Infrastructure where a part fails for good, and
    Interrupted on Ctrl-C; what had ended is kept.
    """
    from slalom.status.namesakes import extended
    from slalom.status.watch import watching

    place, spec = home_of(home), spec_of(study)
    if ray and ray != "auto" and not lanes and not place.has_trials:
        wiring.knock(ray)  # it does so again, but a wrong address should not leave a home behind
    with place.alone():
        store = wiring.store(spec, place)
        extends = {} if anew else extended(spec, store, place)
        if not _complete(store, place):
            try:
                with watching(watch) as told:
                    wiring.train(spec, place, store, lanes or partial(wiring.ray_lanes, address=ray), told, extends)
            except KeyboardInterrupt as exc:  # before the loop, or after it
                raise Interrupted("stopped; what had ended is kept") from exc
        result = _result(spec, place, store)
    _complain(result)
    return result


def show(study: StudySpec | str | Path, home: str | Path | Home = DEFAULT_FOLDER) -> Result:
    """What a study has found so far; InputError where nothing of it, or only with other data, is in this home."""
    place, spec = home_of(home), spec_of(study)
    return _result(spec, place, wiring.begun(spec, place))


def page(study: StudySpec | str | Path, home: str | Path | Home = DEFAULT_FOLDER) -> Page:
    """The page of what a study has found so far: `html()` is one file with all that it needs, `json` its numbers.

    Raises InputError as `show` does, and Infrastructure where the study's records cannot be read.
    """
    place, spec = home_of(home), spec_of(study)
    return pages.page(spec, place, wiring.begun(spec, place))


def pin(
    study: StudySpec | str | Path,
    home: str | Path | Home = DEFAULT_FOLDER,
    *,
    seeds: int | None = None,
    ray: str | None = None,
    lanes: Callable[[StudySpec], Lanes] | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Baseline:
    """Pin what a complete study found, in a value that `Baseline.write` writes, and in its records.

    seeds: confirm seeds of each search to pin, where they are more than the study's: the others are trained now
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
    """Train every search's choice again on today's code, and hold it against the baseline; recorded in MLflow.

    baseline: as `pin` gave it, or `Baseline.read` reads it
    retune: make the searches again, too
    margins: by metric, in its unit; of "cost" the share by which it may rise
    most: seeds of each search at most
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
    return night


def _complete(store: TrialStore, home: Home) -> bool:
    """Whether the study is finished, and recorded where its records are looked for."""
    return home.has_records and home.shown()["tracking_uri"] in Notes.read(store.notes()).recorded


def _result(spec: StudySpec, home: Home, store: TrialStore) -> Result:
    ended, notes = store.ended(), Notes.read(store.notes())
    summary = pages.standing(spec, home, ended, notes)
    return Result(spec, home, summary, ended, notes.versions, notes.remarks)


def _complain(result: Result) -> None:
    """A study in which no arm could be trained for the same reason has no verdict but an error."""
    failed = [ended.result for ended in result.ended.values() if ended.result.outcome is Outcome.FAILED]
    if failed and len(failed) == len(result.ended):
        raise Infrastructure(f"every trial failed, the first with: {failed[0].error}")


def spec_of(study: StudySpec | str | Path) -> StudySpec:
    """The study itself where it is given, else the one loaded by a name or a path."""
    return load(study) if isinstance(study, str | Path) else study


def home_of(home: str | Path | Home) -> Home:
    """The home itself where it is given, else the home in a folder."""
    return home if isinstance(home, Home) else Home(Path(home))
