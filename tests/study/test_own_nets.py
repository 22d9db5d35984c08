"""What a study says of a net that its task brings, or of one that is too large."""

import pytest

from slalom.errors import InputError, StudyError
from slalom.study import Inspected, Reading

MODEL = "model: {name: mlp, hidden: [32], activation: tanh}\n"
RATES = ("training: {", "training: {layer_rates: [1, 2, 4], ")


def inspecting(reading, **told):
    return Reading(reading.folder, reading.catalogue, lambda *_: Inspected("0" * 64, **told))


def test_layers_are_counted_in_the_own_net_alone(edited, reading):
    three = inspecting(reading, has_model=True, layers=lambda _: 3)
    assert edited((MODEL, ""), RATES, reading=three).arms[0].settings["layer_rates"] == {"1": 1.0, "2": 2.0, "3": 4.0}
    with pytest.raises(StudyError, match="layer_rates must list a number for each of 3 layers, got 2"):
        edited((MODEL, ""), ("training: {", "training: {layer_rates: [1, 2], "), reading=three)
    with pytest.raises(StudyError, match="layer_rates must list a number for each of 2 layers, got 3"):
        edited(RATES)


def test_a_net_that_no_lane_holds_is_refused(edited, reading):
    large = ("hidden: [32]", "hidden: [65536, 65536]")
    with pytest.raises(StudyError, match=r"model must have at most 100,000,000 weights, .* got 4,299,948,042"):
        edited(large, reading=inspecting(reading, shape=(64,), outputs=10))
    searched = ("hidden: [32]", "hidden: {int: [8, 65536]}")
    with pytest.raises(StudyError, match="model must have at most 100,000,000 weights"):
        edited(searched, reading=inspecting(reading, shape=(10_000,), outputs=10))


def test_an_own_net_is_tried_with_the_programs_of_every_arm(edited, reading):
    tried = []
    own = inspecting(reading, has_model=True, layers=lambda _: 2, rehearse=tried.extend)
    arm = ("none:     {momentum: 0.0}", "none: {momentum: 0.0, batch_size: {choice: [8, 16, 24]}}")
    edited((MODEL, ""), arm, reading=own)
    assert {trial.id.arm for trial in tried} == {"none", "constant", "rising", "tuned"}
    assert {trial.work.batch_size for trial in tried} == {8, 16, 24, 32}


def test_why_an_own_net_is_refused_is_told_at_the_task(edited, reading):
    def refuse(_trials):
        raise InputError("model: no")

    own = inspecting(reading, has_model=True, layers=lambda _: 2, rehearse=refuse)
    with pytest.raises(StudyError, match=r"^study\.yaml:3:7: model: no$"):
        edited((MODEL, ""), reading=own)
