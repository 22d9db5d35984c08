"""The passes over the training examples to a target: counted by a trial's reports, and decided by in a study."""

from __future__ import annotations

import pytest

import slalom
from slalom import wiring
from slalom.errors import InputError
from slalom_worker.metrics.passes import passes
from tests.support.tiers import few

STUDY = """
name: passes
question: Which unit learns faster?
task: digits
model: {name: mlp, hidden: [16]}
training: {epochs: 4, batch_size: 32, optimizer: sgd%s}
metric: {name: passes, to: 0.12}
search:
  learning_rate: {log: [1e-3, 1.0]}
arms:
  tanh: {model: {activation: tanh}}
  relu: {model: {activation: relu}}
tune: {trials: 5, searches: 2, pick: none}
confirm: {seeds: 2}
compare: {baseline: tanh}
resources: {pack_width: 16}
"""


@pytest.mark.parametrize(
    ("epoch", "error", "before", "found"),
    [
        (3, 0.30, (2, 0.4), None),
        (1, 0.25, None, 1.0),
        (3, 0.25, (2, 0.5), 3.0),
        (3, 0.20, (2, 0.30), 2.5),
        (8, 0.10, (4, 0.85), 7.2),
    ],
)
def test_a_target_is_met_on_the_line_between_two_reports(epoch, error, before, found):
    assert passes(0.25, epoch, error, before) == (found if found is None else pytest.approx(found))


@pytest.mark.parametrize("more", few([", early_stopping: 1", ", report_every: 3", ""]))
def test_every_trial_of_a_study_has_the_passes_that_its_reports_tell(more, tmp_path):
    """Whether it was pruned, parked and gone on with, or met the target; on each part the same."""
    (tmp_path / "passes.yaml").write_text(STUDY % more)
    result = slalom.run(tmp_path / "passes.yaml", tmp_path, lanes=wiring.local_lanes)
    met = 0
    for trial in result.export():
        before = found = None
        for report in trial["history"]:
            epoch, error = report["epoch"], report["train.error"]
            found = passes(0.12, epoch, error, before) if found is None else found
            before = epoch, error
            assert report["validation.passes"] == (epoch + error if found is None else found)
        met += found is not None
        if trial["phase"] == "confirm":
            assert trial["metrics"]["test.passes"] == trial["metrics"]["validation.passes"]
        else:
            assert not [name for name in trial["metrics"] if name.startswith("test.")]
    assert 0 < met < len(result.export())
    assert "passes to training error 0.12: " in result.verdict.sentence


def test_passes_to_another_target_are_another_study(tmp_path):
    found = []
    for target in ("0.12", "0.2"):
        (tmp_path / "passes.yaml").write_text((STUDY % "").replace("0.12", target))
        found.append(slalom.load(tmp_path / "passes.yaml").fingerprint)
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("{name: passes, to: 1.0}", r"to of passes must be a number in \[0, 1\), got 1.0"),
        ("{name: error, to: 0.1}", "to"),
        ("{name: error, record: [passes]}", "passes"),
    ],
)
def test_a_target_that_is_none_is_refused(metric, told, tmp_path):
    """Passes can decide, but are not measured beside what decides."""
    (tmp_path / "passes.yaml").write_text((STUDY % "").replace("{name: passes, to: 0.12}", metric))
    with pytest.raises(InputError, match=told):
        slalom.load(tmp_path / "passes.yaml")
