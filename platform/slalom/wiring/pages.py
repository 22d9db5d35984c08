"""How a study stands, and its page, put together of its trials and its records."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from slalom.loop.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.home import Home
    from slalom.records.on_mlflow.study_record import StudyRecord
    from slalom.report.page.data.on_record import OnRecord
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
    return _page(spec, home, trials.ended(), Notes.read(trials.notes()))


def load() -> None:
    """Import what makes pages, which takes about a second, while something else is waited for."""
    import_module("slalom.report.page.page")


def put(spec: StudySpec, home: Home, ended: Results, notes: Notes) -> None:
    """Put a study's page beside its run in MLflow, through an outage too; Infrastructure where MLflow takes none."""
    from slalom.records.on_mlflow.waiting import through_outages

    def once() -> None:
        _study_record(spec, home).put(_page(spec, home, ended, notes).html())

    through_outages(home.tracking_uri, spec.resources.outage_limit, once)


def renew(spec: StudySpec, home: Home, store: Callable[[StudySpec, Home], TrialStore]) -> None:
    """Put a study's page beside its run again, as after a night; nothing where it is not on record as complete.

    store: opens the study's trials
    Whoever calls holds the home's lock (`home.alone`).
    """
    if not home.has_trials:
        return
    trials = store(spec, home)
    notes = Notes.read(trials.notes())
    if home.shown()["tracking_uri"] in notes.recorded:
        put(spec, home, trials.ended(), notes)


def _page(spec: StudySpec, home: Home, ended: Results, notes: Notes) -> Page:
    from slalom.report.page.page import Page

    return Page.of(spec, standing(spec, home, ended, notes), ended, notes.versions, _on_record(spec, home))


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
    return OnRecord(found.first_layers(), found.decisions(), found.trends())
