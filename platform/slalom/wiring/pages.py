"""How a study stands, and its page, put together of its trials and its records."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.loop.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from slalom.home import Home
    from slalom.records.on_mlflow.study_record import StudyRecord
    from slalom.report.page.data.on_record import OnRecord, Plane
    from slalom.report.page.page import Page
    from slalom.search.base import TrialStore
    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary


def standing(spec: StudySpec, home: Home, ended: Results, notes: Notes) -> Summary:
    """How a study stands, given its trials and its notes."""
    from slalom.verdict.compare import summarise

    summary = summarise(spec, ended, notes.standing(home, time.time()), notes.throughput)
    arms = tuple(replace(arm, reproduced=notes.reproduced.get(arm.name)) for arm in summary.arms)
    return replace(summary, arms=arms)


def page(spec: StudySpec, home: Home, trials: TrialStore) -> Page:
    """The page of a study as it stands, with what its records hold of it."""
    from slalom.report.page.page import Page

    ended, notes = trials.ended(), Notes.read(trials.notes())
    return Page.of(spec, standing(spec, home, ended, notes), ended, notes.versions, _on_record(spec, home))


def put(spec: StudySpec, home: Home, trials: TrialStore) -> None:
    """Put a study's page beside its run in MLflow, through an outage too; Infrastructure where MLflow takes none."""
    from slalom.records.on_mlflow.waiting import through_outages

    def once() -> None:
        _study_record(spec, home).put(page(spec, home, trials).html())

    through_outages(home.tracking_uri, spec.resources.outage_limit, once)


def renew(spec: StudySpec, home: Home, store: Callable[[StudySpec, Home], TrialStore]) -> None:
    """Put a study's page beside its run again, as after a night; nothing where it is not on record as complete.

    store: opens the study's trials
    Whoever calls holds the home's lock (`home.alone`).
    """
    if not home.has_trials:
        return
    trials = store(spec, home)
    if home.shown()["tracking_uri"] in Notes.read(trials.notes()).recorded:
        put(spec, home, trials)


def _study_record(spec: StudySpec, home: Home) -> StudyRecord:
    """A study's records in MLflow, to read them; InputError or Infrastructure where they cannot be reached."""
    from slalom.records.on_mlflow.address import check
    from slalom.records.on_mlflow.environment import set_defaults

    check(home.tracking_uri)
    set_defaults()
    from slalom.records.on_mlflow.study_record import StudyRecord

    return StudyRecord(home.tracking_uri, spec)


def _on_record(spec: StudySpec, home: Home) -> OnRecord:
    from slalom.report.page.data.on_record import OnRecord

    if not home.has_records:
        return OnRecord()
    found = _study_record(spec, home)
    return OnRecord(found.first_layers(), _plane(spec, found), found.trends())


def _plane(spec: StudySpec, found: StudyRecord) -> Plane | None:
    """The decisions of the kept nets over the plane; None where inputs are no points of it, or no net is kept."""
    from slalom.report.page.data.on_record import Decision, Plane
    from slalom_worker.tasks import open_task
    from slalom_worker.tasks.plane import grid, is_plane, training_points

    kept = found.kept() if spec.nets.shape == (2,) else {}
    if not kept:
        return None
    task = open_task(spec.task, spec.folder)
    data = task.load()
    if data.classes is None or not is_plane(data):
        return None
    places, arms = grid(data), []
    for arm, net in kept.items():
        said = found.predicted(net, places.points()).reshape(len(places.ys), len(places.xs), -1)
        loaded = net.search if spec.resampled and spec.loads_splits else None
        train = training_points(task, data, spec.split(net.search), loaded)
        points = zip(*train.inputs.T.tolist(), train.labels.tolist(), strict=True)
        probability = _rounded(said[..., 1]) if data.classes == 2 else None
        likeliest = _likeliest(said) if data.classes > 2 else None
        arms.append(Decision(arm, probability, likeliest, tuple((x, y, int(label)) for x, y, label in points)))
    best = None if places.best is None else _rounded(places.best)
    return Plane(data.classes, tuple(places.xs.tolist()), tuple(places.ys.tolist()), best, tuple(arms))


def _rounded(probabilities: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, probabilities.round(4).tolist()))


def _likeliest(probabilities: NDArray[np.float64]) -> tuple[tuple[int, ...], ...]:
    """The class of the greatest probability, the first of several: [ys, xs], from [ys, xs, classes]."""
    return tuple(map(tuple, probabilities.argmax(axis=-1).tolist()))
