"""A study file, or a study written in Python -> a StudySpec, or a StudyError that says what is wrong and where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from slalom.errors import InputError, quoted
from slalom.study import folder as study_folder
from slalom.study.arms import Shared, read_arms
from slalom.study.document import Node, check_size, from_python
from slalom.study.fingerprint import fingerprint, identity
from slalom.study.free_names import check_options, lift
from slalom.study.inspected import Inspected
from slalom.study.keys import ABOUT, CONFIRM, NAME, NAME_RULE, OPTIONAL, OWN, REQUIRED, SEED, task_table
from slalom.study.model import StudySpec
from slalom.study.nets import Nets
from slalom.study.own_code import closure
from slalom.study.own_methods import OpenMethod, OwnMethods, is_own, names_own, open_methods
from slalom.study.own_training import Read, read_own_training
from slalom.study.sections import (
    read_checkpoint,
    read_compare,
    read_metric,
    read_resample,
    read_resources,
    read_training,
    read_tune,
)
from slalom.study.sense import check_plan
from slalom.study.task import read_task
from slalom.study.tasks_of_arms import digests_of_arms, told_of, try_tasks
from slalom.study.values import check_known, check_required, field, section
from slalom.study.yaml import read_yaml
from slalom.wire.signature import OwnCode
from slalom.wire.trial import Settings

if TYPE_CHECKING:
    from slalom.study.task import NamedTask
    from slalom.wire.kinds import Catalogue

Inspect = Callable[[Settings, Path], Inspected]
"""Loads a task's data, given the task's settings and the folder where its relative paths start."""

Look = Callable[[str, Path], OwnCode]
"""Tells what can be set of a user's own "file.py:name", given the folder where a relative path starts."""

Rehearse = Callable[[StudySpec, str], None]
"""Trains an arm of a study, given its name, for a moment."""


def _no_methods(key: str, name: str) -> Catalogue:
    raise InputError(f"{key} must be one of the package's, but got {quoted(name)}")


def _no_rehearsal(spec: StudySpec, arm: str) -> None:
    """Accept every arm without training it."""


OWN_MODEL: Settings = {"name": OWN}
"""An arm's model where the task brings its own."""

REHEARSED = "the task's net was trained here for two steps, alike alone and in packs, and as plain torch trains it"
"""The note of a study whose task's own net passed its rehearsal."""


@dataclass(frozen=True)
class Reading:
    """What a study is read with.

    folder: where the study's relative paths start
    catalogue: every method of the package
    inspect: called when everything else has been found right, unless a function of the user's trains; it may raise
        InputError
    own_code: imports a user's "file.py:name"; it may raise InputError. By default the user's code has no options
    open_method: opens a method of the user's own
    rehearse: called last, for each arm that names a method of the user's own: trains the arm for a moment, and raises
        InputError where what it names does not keep to what a method must
    """

    folder: Path
    catalogue: Catalogue
    inspect: Inspect
    own_code: Look = lambda *_: OwnCode()
    open_method: OpenMethod = _no_methods
    rehearse: Rehearse = _no_rehearsal


def read_study(text: str, source: str, reading: Reading) -> StudySpec:
    """The study in a file's text; `source` is the file's name in messages.

    Raises StudyError, its text beginning with source:line:column, for the first rule that is broken.
    """
    return _read(read_yaml(text, source), text, reading)


def study_from(document: Mapping[str, object], reading: Reading) -> StudySpec:
    """The study in a document written in Python, with the keys of a study file; `text` of the study is JSON, so YAML.

    Raises StudyError, its text beginning with a dotted path such as "arms.rising.momentum".
    """
    root = from_python(document)
    text = json.dumps(root.plain(), indent=2, ensure_ascii=False) + "\n"
    check_size(text, "study")
    return _read(root, text, reading)


def _read(root: Node, text: str, reading: Reading) -> StudySpec:
    fields = root.fields()
    check_known(fields, (*REQUIRED, *OPTIONAL), root.name)
    check_required(root, REQUIRED)
    catalogue = reading.catalogue
    task = read_task(fields["task"], task_table(catalogue), reading.folder)
    own = OwnCode() if task.file is None else _own_code(task, fields, reading)
    methods = OwnMethods((), catalogue)
    if own.training is None:
        methods = open_methods(fields, reading.folder, catalogue, reading.open_method)
        catalogue = methods.catalogue
    if task.file is None:
        read = _by_methods(fields, catalogue)
    elif own.training is None:
        check_options(fields["task"], own)
        read = _by_methods(*lift(fields, own, task.settings, catalogue))
    else:
        read = read_own_training(fields, own.training, catalogue)
    training, arms = read.training, read.arms
    spec = StudySpec(
        name=_name(fields["name"]),
        question=fields["question"].text(),
        task=task.settings if own.training is None else {"name": task.settings["name"]},
        precision=training.precision,
        epochs=training.epochs,
        report_every=training.report_every,
        record=training.record,
        metric=read.metric,
        arms=arms,
        tune=read_tune(fields["tune"], arms),
        confirm_seeds=section(fields["confirm"], CONFIRM)["seeds"],
        compare=read_compare(fields["compare"], arms),
        resources=read.resources,
        seed=field(fields.get("seed"), SEED),
        fingerprint="",
        folder=reading.folder.resolve(),
        code=_code(task, methods, fields, reading),
        text=text,
        about=section(fields["about"], ABOUT) if "about" in fields else {},
        own_training=own.training is not None,
        checkpoint_every=read_checkpoint(
            fields.get("checkpoint"), training.epochs, own_training=own.training is not None
        ),
    )
    check_plan(spec, fields["tune"])
    spec = _inspected(spec, task, fields, replace(reading, catalogue=catalogue))
    _rehearse(spec, fields, reading)
    return spec


def _own_code(task: NamedTask, fields: Mapping[str, Node], reading: Reading) -> OwnCode:
    """What can be set of the user's class or function, whose file is imported; StudyError where that fails."""
    try:
        return reading.own_code(task.settings["name"], reading.folder)
    except InputError as exc:
        raise fields["task"].error(str(exc)) from exc


def _by_methods(fields: Mapping[str, Node], catalogue: Catalogue) -> Read:
    """The sections of a study whose trials train in packs, by the catalogue's methods."""
    training = read_training(fields["training"], catalogue)
    searched = fields["search"].fields() if "search" in fields else {}
    return Read(
        training,
        read_metric(fields.get("metric"), catalogue).judge,
        read_arms(fields["arms"], Shared(training.shared, searched, fields.get("model")), catalogue),
        read_resources(fields.get("resources")),
    )


def _name(node: Node) -> str:
    name = node.text()
    if NAME.fullmatch(name) is None:
        raise node.error(f"name must be {NAME_RULE}, got {quoted(name)}")
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
    if spec.own_training:
        return
    arms = fields["arms"].fields()
    for arm in spec.arms:
        if names_own(arm.settings) or (any(map(is_own, spec.metrics)) and arm is spec.arms[0]):
            try:
                reading.rehearse(spec, arm.name)
            except InputError as exc:
                raise arms[arm.name].head_error(f"arm {arm.name}: {exc}") from exc


def _inspected(spec: StudySpec, task: NamedTask, fields: Mapping[str, Node], reading: Reading) -> StudySpec:
    """The study completed by what its data tell: metric, model, nets, splits, facts, notes and fingerprint."""
    split = read_resample(fields.get("resample"))
    if spec.own_training:
        inspected = Inspected(task.digest or "", splits="loaded")
        spec = _split(spec, split, inspected, fields)
        return _marked(spec, inspected.data, task, {})
    with told_of(fields["task"]):
        inspected = reading.inspect(task.settings, reading.folder)
    if inspected.has_model and any(arm.settings["model"]["name"] != OWN for arm in spec.arms):
        _check_no_model(task, fields)
        arms = tuple(replace(arm, settings={**arm.settings, "model": OWN_MODEL}) for arm in spec.arms)
        spec = replace(spec, arms=arms)
    judge, measured = read_metric(
        fields.get("metric"), reading.catalogue, "numbers" if inspected.regression else "classes"
    )
    spec = replace(spec, metric=judge, metrics=measured)
    if inspected.regression:
        spec = _of_numbers(spec, fields, reading.catalogue)
    spec = _split(spec, split, inspected, fields)
    told = try_tasks(spec, inspected, fields, reading.catalogue, reading.inspect)
    spec = replace(
        spec,
        nets=Nets(reading.catalogue.nets, inspected.shape, inspected.outputs).of_tasks(told),
        digests={key: one.data for key, one in told.items()},
        facts=dict(inspected.facts),
        notes=(*inspected.notes, *([REHEARSED] if inspected.rehearse is not None else [])),
    )
    return _marked(spec, inspected.data, task, digests_of_arms(spec, told))


def _marked(spec: StudySpec, data: str, task: NamedTask, of_arms: Mapping[str, str]) -> StudySpec:
    """The study with its identity and its fingerprint; data, of_arms: digests of the study's data and of its arms'."""
    known = identity(spec, data, task.digest, task.options, _digests(spec, task), of_arms)
    return replace(spec, identity=known, fingerprint=fingerprint(known), data_digest=data)


def _digests(spec: StudySpec, task: NamedTask) -> dict[str, str]:
    """SHA-256 of the user's files beside that of the task, by their places in the study's folder."""
    return {
        file.as_posix(): hashlib.sha256((spec.folder / file).read_bytes()).hexdigest()
        for file in spec.code
        if file != task.file
    }


def _of_numbers(spec: StudySpec, fields: Mapping[str, Node], catalogue: Catalogue) -> StudySpec:
    """The study with squared error as the loss of every arm for which the study names none."""
    if "loss" in fields["training"].fields():
        return spec
    loss = {"name": "squared_error"} | {name: kind.default for name, kind in catalogue.losses["squared_error"].items()}
    named = [name for name, arm in fields["arms"].fields().items() if "loss" in arm.fields()]
    arms = [arm if arm.name in named else replace(arm, settings={**arm.settings, "loss": loss}) for arm in spec.arms]
    return replace(spec, arms=tuple(arms))


def _split(spec: StudySpec, wanted: str | None, inspected: Inspected, fields: Mapping[str, Node]) -> StudySpec:
    """The study with its way of splitting; StudyError for each_search of a task that has one split alone."""
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
