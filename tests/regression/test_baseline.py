"""The pinned file: what it holds, that it reads back, and what is said of one that does not."""

import json

import pytest

from slalom.errors import InputError
from slalom.regression.baseline import Baseline, PinnedArm
from slalom.regression.changes import changes
from slalom.regression.replicates import Replicates
from tests.support.record_samples import study

FOUND = Replicates((0.1, 0.25), (3.0, 4.0), ("aa", "bb"))
CHOSEN = ({"learning_rate": 0.1}, {"learning_rate": 0.3})
ARMS = (PinnedArm("constant", CHOSEN, 0.2, FOUND, (1.5, 1.25)), PinnedArm("rising", ({}, {}), None, FOUND))
BASELINE = Baseline(
    "momentum",
    "f" * 64,
    7,
    "d" * 64,
    "error",
    "minimize",
    "cpu",
    {"torch": "2.1"},
    {"epochs": 4},
    ARMS,
    "name: momentum\n",
    {"cpu": {"0123456789abcdef": 64}},
)


ONE = json.loads(BASELINE.spelled())["arms"]["constant"]


def test_seeds_are_counted_in_each_search():
    assert (BASELINE.searches, BASELINE.seeds) == (2, 1)


def test_a_written_baseline_reads_back_and_is_sorted_with_a_line_for_each_list(tmp_path):
    file = tmp_path / "b.json"
    BASELINE.write(file)
    assert Baseline.read(file) == BASELINE
    text = file.read_text()
    assert text == Baseline.read(file).spelled()
    assert '"values": [0.1, 0.25]' in text
    names = list(json.loads(text))
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, "format must be 2, got 1"),
        ({"arms": {}}, "as many values"),
        ({"arms": {"constant": {**ONE, "params": []}}}, r"as many searches, each of as many seeds, got \[0\]"),
        ({"arms": {"constant": {**ONE, "params": [{}, {}, {}]}}}, "each of as many seeds"),
        ({"arms": {"constant": ONE, "rising": {**ONE, "params": [{}]}}}, r"as many searches, .* got \[1, 2\]"),
        ({"arms": {"constant": {"params": {}}}}, "no whole baseline"),
        ({"widths": {"cpu": {"ab": 0}}}, "widths must be whole numbers of slots, at least 1, got 0 for ab on 'cpu'"),
        ({"widths": {"cpu": 64}}, "no whole baseline"),
    ],
)
def test_another_file_is_refused_with_the_reason(tmp_path, change, message):
    file = tmp_path / "b.json"
    file.write_text(json.dumps({**json.loads(BASELINE.spelled()), **change}))
    with pytest.raises(InputError, match=message):
        Baseline.read(file)


def test_a_file_of_before_widths_were_pinned_has_none(tmp_path):
    file = tmp_path / "b.json"
    content = json.loads(BASELINE.spelled())
    del content["widths"]
    file.write_text(json.dumps(content))
    assert Baseline.read(file).widths == {}


@pytest.mark.parametrize(
    ("text", "message"), [(None, "there is no baseline"), ("{", "cannot be read"), ("{}", "format")]
)
def test_no_file_and_no_json_are_refused(tmp_path, text, message):
    file = tmp_path / "b.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=message):
        Baseline.read(file)


def test_changes_name_what_differs_and_nothing_else():
    spec = study()
    pinned = Baseline(**{**vars(BASELINE), "settings": {"epochs": 5, "gone": 1}})
    found = {
        one.name: one
        for one in changes(
            pinned, spec, {"torch": "2.2"}, "cpu", {"constant": [{"learning_rate": 0.1}, {}], "rising": [{}, {}]}
        )
    }
    assert (found["version.torch"].before, found["version.torch"].now) == ("2.1", "2.2")
    assert (found["study.epochs"].before, found["study.epochs"].now) == ("5", "4")
    assert found["study.gone"].now == "nothing"
    assert "device" not in found
    assert found["chosen.constant.1.learning_rate"].before == "0.3"
    assert "chosen.constant.0.learning_rate" not in found
