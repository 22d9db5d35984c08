"""What a study says of nets of pictures: all that a search can come to must fit the task's inputs and the settings."""

import pytest

from slalom.errors import StudyError
from slalom.study import Inspected, Reading

MODEL = "model: {name: mlp, hidden: [32], activation: tanh}"
CONVNET = "model: {name: convnet, channels: [4, 6], full: [9, 7]"


@pytest.fixture
def pictures(reading):
    told = Inspected("0" * 64, shape=(1, 8, 8), outputs=10)
    return Reading(reading.folder, reading.catalogue, lambda *_: told)


REFUSED = {
    "vectors": ("", "", (2,), r"arm none: model convnet takes pictures, .* inputs are of shape \[2\]"),
    "the largest of what is searched": (
        ", padding: valid, kernels: {int: [2, 5]}",
        "",
        (1, 8, 8),
        "a patch of 5 x 5 must fit into the maps before it, but they have 2 x 2 pixels",
    ),
    "too many maps to be full": (
        ", connectivity: {choice: [shared, full]}, kernels: 3, pooling: none",
        "",
        (3, 64, 64),
        "model must have at most 100,000,000 weights",
    ),
    "dropout of full layers": (
        "",
        "hidden_dropout: [0.1, 0.2, 0.3, 0.4], ",
        (1, 8, 8),
        "each of 2 hidden layers, got 4",
    ),
    "dropout of all": (", dropout: all", "hidden_dropout: [0.1, 0.2], ", (1, 8, 8), "each of 4 hidden layers, got 2"),
    "rates of layers": ("", "layer_rates: [1, 2, 3], ", (1, 8, 8), "each of 5 layers, got 3"),
    "rates where batches are normalised": (
        ", normalisation: {choice: [none, batch]}",
        "layer_rates: [1, 2, 3, 4, 5], ",
        (1, 8, 8),
        "each of 7 layers, got 5",
    ),
    "recorded curvature": (
        ", normalisation: {choice: [none, lrn]}",
        "record: [curvature], ",
        (1, 8, 8),
        r"record: \[curvature\] estimates curvature, which is not known behind local response normalisation",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_net_that_cannot_be_is_refused_before_anything_is_started(case, edited, reading):
    model, training, shape, rule = REFUSED[case]
    told = Inspected("0" * 64, shape=shape, outputs=10)
    own = Reading(reading.folder, reading.catalogue, lambda *_: told)
    with pytest.raises(StudyError, match=rule):
        edited((MODEL, f"{CONVNET}{model}}}"), ("training: {", f"training: {{{training}"), reading=own)


def test_curvature_is_refused_where_no_net_of_the_arm_has_one(edited, pictures):
    normal = (MODEL, f"{CONVNET}, normalisation: group}}")
    arm = ("none:     {momentum: 0.0}", "none: {optimizer: levenberg_marquardt}")
    with pytest.raises(StudyError, match=r"levenberg_marquardt estimates curvature, .* behind group normalisation"):
        edited(normal, arm, reading=pictures)
    plain = edited((MODEL, f"{CONVNET}, pooling: average}}"), arm, reading=pictures)
    assert plain.arms[0].settings["optimizer"] == "levenberg_marquardt"


@pytest.mark.parametrize(
    ("batches", "wrong"), [("batch_size: 8", True), ("batch_size: {int: [5, 12]}", True), ("batch_size: 7", False)]
)
def test_a_batch_of_one_example_cannot_be_normalised_where_maps_are_one_pixel(batches, wrong, edited, reading):
    """33 examples: the last of batches of 8 has one, and of batches of 7 five."""
    told = Inspected("0" * 64, shape=(1, 8, 8), outputs=10, examples=33)
    own = Reading(reading.folder, reading.catalogue, lambda *_: told)
    net = (
        MODEL,
        "model: {name: convnet, channels: [4], kernels: 8, padding: valid, pooling: none, normalisation: batch}",
    )
    sized = ("batch_size: 32", batches)
    if not wrong:
        edited(net, sized, reading=own)
        return
    with pytest.raises(StudyError, match="the last batch has one where 33 examples come in batches of 8"):
        edited(net, sized, reading=own)
    edited(net, ("batch_size: 32", f"{batches}, drop_last: true"), reading=own)
    edited(net, sized, ("kernels: 8", "kernels: 7"), reading=own)


OPTIONS = {
    "channels": "{int: [2, 5]}",
    "layers": "{int: [1, 2]}",
    "growth": "{uniform: [1, 2]}",
    "kernels": "{int: [1, 3]}",
    "strides": "{int: [1, 2]}",
    "padding": "{choice: [same, valid]}",
    "pooling": "{choice: [max, none]}",
    "pool_sizes": "{int: [1, 2]}",
    "pool_strides": "{choice: [1, 2, 3]}",
    "normalisation": "{choice: [none, batch]}",
    "full": "{int: [8, 64]}",
    "dropout": "{choice: [full, all]}",
    "activation": "{choice: [relu, tanh]}",
    "connectivity": "{choice: [shared, local]}",
}


@pytest.mark.parametrize("half", [0, 1])
def test_all_of_a_convnet_can_be_searched(half, edited, reading):
    chosen = dict(list(OPTIONS.items())[half::2])
    told = Inspected("0" * 64, shape=(1, 28, 28), outputs=10)
    given = f"model: {{name: convnet, channels: 4, {', '.join(f'{name}: {value}' for name, value in chosen.items())}}}"
    given = given.replace("channels: 4, channels", "channels")
    study = edited((MODEL, given), reading=Reading(reading.folder, reading.catalogue, lambda *_: told))
    assert {f"model.{name}" for name in chosen} <= study.arms[0].space.keys()


def test_every_option_of_a_convnet_is_searched_here(reading):
    assert OPTIONS.keys() == reading.catalogue.models["convnet"].keys()
