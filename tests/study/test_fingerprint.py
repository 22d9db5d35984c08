from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slalom.study import PROTOCOL, Inspected, Reading, study_from

FUZZ = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def mark(document, catalogue, data="0" * 64, folder=Path()):
    return study_from(document, Reading(folder, catalogue, lambda *_: Inspected(data))).fingerprint


@st.composite
def shuffled(draw, value):
    """The same mapping with the keys of every level in another order."""
    if not isinstance(value, dict):
        return value
    return {key: draw(shuffled(value[key])) for key in draw(st.permutations(list(value)))}


@FUZZ
@given(st.data())
def test_the_order_of_keys_and_arms_does_not_matter(document, catalogue, data):
    assert mark(data.draw(shuffled(document)), catalogue) == mark(document, catalogue)


@pytest.mark.parametrize(
    "replacement",
    [
        ("name: momentum-schedules", "name: another"),
        ("question: Does", "question: So does"),
        ("# a bundled task, or my_task.py:Cats", "# another comment"),
        ("lanes: auto, gpus_per_lane: 1, pack_width: auto", "lanes: 7, gpus_per_lane: 0.5, pack_width: 3"),
        ("resources: {lanes: auto, gpus_per_lane: 1, pack_width: auto}\n", ""),
        ("metric: {name: error, goal: minimize}\n", ""),
        ("model: {name: mlp, hidden: [32], activation: tanh}\n", ""),
        ("batch_size: 32, ", ""),
        ("task: digits", "task: {name: digits, rare: []}"),
        ("1e-3, 1.0", "0.001, 1"),
        ("constant: {momentum: 0.9}", "constant: {momentum: {schedule: constant, value: 0.9}}"),
        ("none:     {momentum: 0.0}", "none:     {}"),
        ("epochs: 40", "epochs: 40, record: [gradient, curvature]"),
        ("pruner: successive_halving", "pruner: {name: successive_halving, factor: 3}, generation: 8"),
        ("trials: 32", "trials: 32, searches: 10, pick: {best: 4, seeds: 3}"),
        ("trials: 32", "trials: 32, searches: {at_least: 10, at_most: 10, until: decided}"),
        ("confirm:", "seed: 0\nconfirm:"),
        ("confirm:", "resample: {split: each_search}\nconfirm:"),
        ("alpha: 0.05", "alpha: 0.05, margin: none"),
        ("confirm:", "checkpoint: {every: 2}\nconfirm:"),
    ],
)
def test_what_leaves_the_numbers_as_they_are_does_not_matter(replacement, edited):
    assert edited(replacement).fingerprint == edited().fingerprint


@pytest.mark.parametrize(
    "replacement",
    [
        ("task: digits", "task: {name: digits, rare: [3]}"),
        ("task: digits", "task: files"),
        ("hidden: [32]", "hidden: [33]"),
        ("activation: tanh", "activation: relu"),
        ("epochs: 40", "epochs: 41"),
        ("epochs: 40", "epochs: 40, report_every: 2"),
        ("epochs: 40", "epochs: 40, precision: float64"),
        ("epochs: 40", "epochs: 40, hidden_dropout: 0.1"),
        ("batch_size: 32", "batch_size: all"),
        ("metric: {name: error, goal: minimize}", "metric: loss"),
        ("{log: [1e-3, 1.0]}", "{uniform: [1e-3, 1.0]}"),
        ("{log: [1e-3, 1.0]}", "{choice: [1e-3, 1.0]}"),
        ("1e-3", "2e-3"),
        ("constant: {momentum: 0.9}", "constant: {momentum: 0.8}"),
        ("rising:", "growing:"),
        ("trials: 32", "trials: 33"),
        ("sampler: tpe", "sampler: random"),
        ("pruner: successive_halving", "pruner: none"),
        ("pruner: successive_halving", "generation: 16"),
        ("seeds: 30", "seeds: 31"),
        ("baseline: constant", "baseline: none"),
        ("alpha: 0.05", "alpha: 0.01"),
        ("alpha: 0.05", "alpha: 0.05, margin: 0.002"),
        ("trials: 32", "trials: 32, searches: 11"),
        ("trials: 32", "trials: 32, searches: {until: decided}"),
        ("trials: 32", "trials: 32, pick: none"),
        ("trials: 32", "trials: 32, pick: {best: 3}"),
        ("trials: 32", "trials: 32, pick: {seeds: 4}"),
        ("confirm:", "seed: 1\nconfirm:"),
        ("confirm:", "resample: {split: fixed}\nconfirm:"),
    ],
)
def test_what_changes_the_numbers_changes_the_fingerprint(replacement, edited):
    assert edited(replacement).fingerprint != edited().fingerprint


@FUZZ
@given(one=st.floats(0, 0.99, exclude_min=True), other=st.floats(0, 0.99, exclude_min=True))
def test_two_values_share_a_fingerprint_only_where_they_are_equal(document, catalogue, one, other):
    def with_momentum(value):
        document["arms"]["none"] = {"momentum": value}
        document["arms"]["constant"] = {"weight_decay": 0.5}
        return mark(document, catalogue)

    assert (with_momentum(one) == with_momentum(other)) == (one == other)


def test_the_data_s_digest_stands_for_their_place(document, catalogue):
    here, there = ({**document, "task": {"name": "files", "data": data}} for data in ("here", "there"))
    assert mark(here, catalogue) == mark(there, catalogue)
    assert mark(here, catalogue) != mark(here, catalogue, data="1" * 64)


def test_a_user_s_file_counts_by_what_it_holds(document, catalogue, tmp_path):
    def with_file(name, text):
        (tmp_path / name).write_text(text)
        return mark({**document, "task": {"name": f"{name}:Cats", "data": "here"}}, catalogue, folder=tmp_path)

    first = with_file("cats.py", "class Cats: ...")
    assert with_file("moved.py", "class Cats: ...") == first
    assert with_file("cats.py", "class Cats: pass") != first
    other_option = {**document, "task": {"name": "moved.py:Cats", "data": "there"}}
    assert mark(other_option, catalogue, folder=tmp_path) != first


def test_another_protocol_is_another_fingerprint(edited, monkeypatch):
    before = edited().fingerprint
    monkeypatch.setattr("slalom.study.fingerprint.PROTOCOL", PROTOCOL + 1)
    assert edited().fingerprint != before
