"""Studies written in Python: the same checks, with dotted paths for places."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slalom.errors import StudyError
from slalom.study import Inspected, Reading, read_study, study_from
from slalom.study.document import from_python


def put(document, path, value):
    """The document with a value put at a path of keys."""
    changed = deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def test_a_document_and_its_file_are_the_same_study(document, edited, reading):
    assert replace(study_from(document, reading), text="") == replace(edited(), text="")


def test_a_document_s_text_reads_as_the_same_study(document, reading):
    study = study_from(document, reading)
    assert read_study(study.text, "study.yaml", reading) == study


@pytest.mark.parametrize(
    ("path", "value", "place", "words"),
    [
        (("arms", "rising", "momentum"), 1.5, "arms.rising.momentum", "[0, 1), got 1.5"),
        (("arms", "rising", "momentum", "strat"), 0.5, "arms.rising.momentum.strat", "did you mean 'start'?"),
        (("arms", "tuned", "momentum", "uniform"), [0, 1], "arms.tuned.momentum.uniform[1]", "[0, 1), got 1"),
        (("arms", "bad name"), {}, "arms.bad name", "letters, digits"),
        (("model", "hidden"), [[3]], "model.hidden", "whole numbers in [1, 65536], at most 100 of them, got [[3]]"),
        (("confirm", "seeds"), 0, "confirm.seeds", "in [1, 10000], got 0"),
        (("confirm", 5), 3, "confirm", "a key must be a text, got 5"),
        (("tunes",), {}, "tunes", "did you mean 'tune'?"),
        (("training", "epochs"), 2**2000, "training.epochs", "1024 bits, got 2001"),
        (("training", "epochs"), None, "training.epochs", "got nothing"),
        (("training", "epochs"), {1, 2}, "training.epochs", "must be a number, a text"),
        (("training", "epochs"), np.bool_(True), "training.epochs", "must be a number, a text"),
    ],
)
def test_a_refusal_names_the_dotted_path(path, value, place, words, document, reading, inspector):
    with pytest.raises(StudyError) as refusal:
        study_from(put(document, path, value), reading)
    assert str(refusal.value).startswith(f"{place}: ")
    assert words in str(refusal.value)
    assert inspector.seen == []


def test_a_missing_key_is_told_of_the_whole_study(document, reading):
    del document["name"]
    with pytest.raises(StudyError, match=r"^study: the study needs 'name'"):
        study_from(document, reading)


def test_numbers_of_numpy_and_paths_do(document, reading):
    changed = put(document, ("training", "epochs"), np.int64(40))
    changed = put(changed, ("arms", "constant", "momentum"), np.float32(0.5))
    changed = put(changed, ("task",), {"name": "files", "data": Path("here")})
    study = study_from(changed, reading)
    assert study.epochs == 40
    assert study.arm("constant").settings["momentum"]["value"] == 0.5
    assert study.task["data"] == "here"
    assert read_study(study.text, "study.yaml", reading) == study


def test_a_list_that_holds_itself_is_refused():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(StudyError, match="nested deeper than 32"):
        from_python({"key": endless})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def read_or_refused(document, reading):
    """The study, or None where it is refused."""
    try:
        return study_from(document, reading)
    except StudyError:
        return None


def paths(value, path=()):
    """Every path of keys in a document."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*path, key))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_anything_anywhere_is_read_or_refused(document, catalogue, data):
    path = data.draw(st.sampled_from(paths(document)))
    reading = Reading(Path(), catalogue, lambda *_: Inspected("0" * 64))
    study = read_or_refused(put(document, path, data.draw(ANYTHING)), reading)
    assert study is None or read_study(study.text, "study.yaml", reading) == study
