"""A study file, or a study written in Python -> a StudySpec, or a StudyError that says what is wrong and where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import InputError, StudyError
from slalom.study import folder as study_folder
from slalom.study.arms import Shared, read_arms
from slalom.study.document import Node, from_python
from slalom.study.fingerprint import fingerprint
from slalom.study.inspected import Inspected
from slalom.study.keys import ABOUT, CONFIRM, NAME, NAME_RULE, OPTIONAL, REQUIRED, SEED, task_table
from slalom.study.model import StudySpec
from slalom.study.own_code import closure
from slalom.study.own_methods import OpenMethod, OwnMethods, is_own, names_own, open_methods
from slalom.study.sections import read_compare, read_metric, read_resample, read_resources, read_training, read_tune
from slalom.study.sense import check_data
from slalom.study.task import read_task
from slalom.study.values import check_known, check_required, field, section
from slalom.study.yaml import read_yaml
from slalom.wire.trial import Settings

if TYPE_CHECKING:
    from slalom.study.task import NamedTask
    from slalom.wire.kinds import Catalogue

Inspect = Callable[[Settings, Path], Inspected]
"""Loads a task's data, given the task's settings and the folder where its relative paths start."""

Rehearse = Callable[[StudySpec, str], None]
"""Trains an arm of a study, given its name, for a moment."""


def _no_methods(key: str, name: str) -> Catalogue:
    raise InputError(f"{key} must be one of the package's, but got {name!r}")


def _no_rehearsal(spec: StudySpec, arm: str) -> None:
    """Take every arm as it is."""


OWN_MODEL: Settings = {"name": "task"}
"""An arm's model where the task brings its own."""


@dataclass(frozen=True)
class Reading:
    """What a study is read with.

    folder: where the study's relative paths start
    catalogue: every method of the package
    inspect: called when everything else has been found right; it may raise InputError
    open_method: opens a method of the user's own
    rehearse: called last, for each arm that names a method of the user's own: trains the arm for a moment, and raises
        InputError where what it names does not keep to what a method must
    """

    folder: Path
    catalogue: Catalogue
    inspect: Inspect
    open_method: OpenMethod = _no_methods
    rehearse: Rehearse = _no_rehearsal


def read_study(text: str, source: str, reading: Reading) -> StudySpec:
    """The study of a file's text; `source` is the file's name in messages.

    Raises StudyError, its text beginning with source:line:column, for the first rule that is broken.
    """
    return _read(read_yaml(text, source), text, reading)


def study_from(document: Mapping[str, object], reading: Reading) -> StudySpec:
    """The study of a document written in Python, with the keys of a study file; its `text` is JSON, so YAML too.

    Raises StudyError, its text beginning with a dotted path such as "arms.rising.momentum".
    """
    root = from_python(document)
    return _read(root, json.dumps(root.plain(), indent=2, ensure_ascii=False) + "\n", reading)


def _read(root: Node, text: str, reading: Reading) -> StudySpec:
    fields = root.fields()
    check_known(fields, (*REQUIRED, *OPTIONAL), root.name)
    check_required(root, REQUIRED)
    own = open_methods(fields, reading.folder, reading.catalogue, reading.open_method)
    catalogue = own.catalogue
    task = read_task(fields["task"], task_table(catalogue), reading.folder)
    training = read_training(fields["training"], catalogue)
    searched = fields["search"].fields() if "search" in fields else {}
    arms = read_arms(fields["arms"], Shared(training.shared, searched, fields.get("model")), catalogue)
    spec = StudySpec(
        name=_name(fields["name"]),
        question=fields["question"].text(),
        task=task.settings,
        precision=training.precision,
        epochs=training.epochs,
        report_every=training.report_every,
        record=training.record,
        metric=read_metric(fields.get("metric"), catalogue).judge,
        arms=arms,
        tune=read_tune(fields["tune"], arms),
        confirm_seeds=section(fields["confirm"], CONFIRM)["seeds"],
        compare=read_compare(fields["compare"], arms),
        resources=read_resources(fields.get("resources")),
        seed=field(fields.get("seed"), SEED),
        fingerprint="",
        folder=reading.folder.resolve(),
        code=_code(task, own, fields, reading),
        text=text,
        about=section(fields["about"], ABOUT) if "about" in fields else {},
    )
    spec = _inspected(spec, task, fields, replace(reading, catalogue=catalogue))
    _rehearse(spec, fields, reading)
    return spec


def _name(node: Node) -> str:
    name = node.text()
    if NAME.fullmatch(name) is None:
        raise node.error(f"name must be {NAME_RULE}, got {name!r}")
    return name


def _code(task: NamedTask, own: OwnMethods, fields: Mapping[str, Node], reading: Reading) -> tuple[Path, ...]:
    """The user's own files; StudyError where the folder that then travels is too large."""
    named = (*own.files, *((task.file,) if task.file else ()))
    try:
        if named:
            study_folder.travelling(reading.folder)
    except InputError as exc:
        raise fields["task" if task.file else "arms"].error(str(exc)) from exc
    return closure(reading.folder, named)


def _rehearse(spec: StudySpec, fields: Mapping[str, Node], reading: Reading) -> None:
    arms = fields["arms"].fields()
    for arm in spec.arms:
        if names_own(arm.settings) or (any(map(is_own, spec.metrics)) and arm is spec.arms[0]):
            try:
                reading.rehearse(spec, arm.name)
            except InputError as exc:
                raise arms[arm.name].head_error(f"arm {arm.name}: {exc}") from exc


def _inspected(spec: StudySpec, task: NamedTask, fields: Mapping[str, Node], reading: Reading) -> StudySpec:
    """The study with what its data tell: facts, whose model, splits, fingerprint."""
    split = read_resample(fields.get("resample"))
    try:
        inspected = reading.inspect(task.settings, reading.folder)
    except StudyError:
        raise
    except InputError as exc:
        raise fields["task"].error(str(exc)) from exc
    if inspected.has_model:
        _check_no_model(task, fields)
        arms = tuple(replace(arm, settings={**arm.settings, "model": OWN_MODEL}) for arm in spec.arms)
        spec = replace(spec, arms=arms)
    judge, measured = read_metric(
        fields.get("metric"), reading.catalogue, "numbers" if inspected.regression else "classes"
    )
    spec = replace(spec, metric=judge, metrics=measured)
    if inspected.regression:
        spec = _of_numbers(spec, fields, reading.catalogue)
    check_data(spec, inspected, fields)
    spec = _split(spec, split, inspected, fields)
    code = {
        file.as_posix(): hashlib.sha256((reading.folder / file).read_bytes()).hexdigest()
        for file in spec.code
        if file != task.file
    }
    mark = fingerprint(spec, inspected.data, task.digest, task.options, code)
    return replace(
        spec, facts=dict(inspected.facts), notes=inspected.notes, fingerprint=mark, data_digest=inspected.data
    )


def _of_numbers(spec: StudySpec, fields: Mapping[str, Node], catalogue: Catalogue) -> StudySpec:
    """The study with squared error as the loss of every arm for which the study names none."""
    if "loss" in fields["training"].fields():
        return spec
    loss = {"name": "squared_error"} | {name: kind.default for name, kind in catalogue.losses["squared_error"].items()}
    named = [name for name, arm in fields["arms"].fields().items() if "loss" in arm.fields()]
    arms = [arm if arm.name in named else replace(arm, settings={**arm.settings, "loss": loss}) for arm in spec.arms]
    return replace(spec, arms=tuple(arms))


def _split(spec: StudySpec, wanted: str | None, inspected: Inspected, fields: Mapping[str, Node]) -> StudySpec:
    """The study with the way its searches are split, which must be one that the task has."""
    if wanted == "each_search" and inspected.splits == "one":
        raise (
            fields["resample"]
            .fields()["split"]
            .error(
                f"split must be fixed where the task has one split alone, as {spec.task['name']} has, got each_search"
            )
        )
    resampled = wanted != "fixed" and inspected.splits != "one"
    return replace(spec, resampled=resampled, loads_splits=inspected.splits == "loaded")


def _check_no_model(task: NamedTask, fields: Mapping[str, Node]) -> None:
    arms = fields["arms"].fields().values()
    for holder in (fields, *(arm.fields() for arm in arms)):
        if "model" in holder:
            raise holder["model"].head_error(
                f"model must be left out where the task brings its own, as {task.settings['name']} does, "
                f"got {holder['model'].shown}"
            )
