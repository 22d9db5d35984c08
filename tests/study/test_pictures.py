"""`augmentation` and `evaluation` in a study: lists, searches, and what the task's inputs must be for them."""

import pytest

from slalom.errors import StudyError
from slalom.study import Inspected, Reading
from slalom.study.ranges import IntRange
from slalom.wire.evaluation import EVALUATIONS, seen_shape
from slalom.wire.kinds import parts_of

NET = "model: {name: mlp, hidden: [32], activation: tanh}"
CONVNET = "model: {name: convnet, channels: [4, 6], full: [9, 7]}"


def read(edited, reading, training, shape=(3, 32, 32), whole=False, net=CONVNET):
    told = Inspected("0" * 64, shape=shape, outputs=10, whole=whole)
    own = Reading(reading.folder, reading.catalogue, lambda *_: told)
    return edited((NET, net), ("training: {", f"training: {{{training}, "), reading=own)


def test_augmentations_are_named_listed_and_searched(edited, reading):
    found = read(edited, reading, "augmentation: mirror").arms[0]
    assert found.settings["augmentation"] == {"method": "mirror", "share": 0.5}
    assert found.settings["evaluation"] == {"by": "whole"}
    listed = "augmentation: [{method: crop, pad: {int: [0, 4]}}, mirror, {method: color_jitter, sigma: 0.2}]"
    found = read(edited, reading, listed).arms[0]
    assert found.space["augmentation.1.pad"] == IntRange(0, 4)
    assert parts_of(found.settings["augmentation"], "method") == (
        {"method": "crop", "pad": IntRange(0, 4)},
        {"method": "mirror", "share": 0.5},
        {"method": "color_jitter", "sigma": 0.2},
    )
    assert read(edited, reading, "order: once").arms[0].settings["augmentation"] == {"method": "none"}


def test_the_size_that_a_net_sees_is_a_part_of_its_program(edited, reading):
    whole, centers, crops = (
        read(edited, reading, f"evaluation: {one}")
        for one in ("whole", "{by: center, size: 24}", "{by: ten_crop, size: 24}")
    )
    programs = [study.work("none", study.arms[0].settings, 0) for study in (whole, centers, crops)]
    assert [one.evaluation.get("size") for one in programs] == [None, 24, 24]
    assert len({one.key for one in programs}) == 3
    sizes = [study.nets.size(one) for study, one in zip((whole, centers, crops), programs, strict=True)]
    assert sizes[1] == sizes[2]
    assert sizes[0].parameters > sizes[1].parameters
    assert seen_shape((3, 32, 30), {"by": "center", "size": 24}) == (3, 24, 24)
    assert list(EVALUATIONS) == ["whole", "center", "ten_crop"]


REFUSED = {
    "no pictures": (
        "augmentation: mirror",
        {"shape": (64,), "net": NET},
        r"arm none: augmentation mirror is of pictures, .* the task's inputs are of shape \[64\]",
    ),
    "no pictures to crop": (
        "evaluation: {by: ten_crop, size: 4}",
        {"shape": (64,), "net": NET},
        r"evaluation ten_crop is of pictures, .* the task's inputs are of shape \[64\]",
    ),
    "words": (
        "augmentation: mirror",
        {"whole": True},
        "augmentation mirror is of real numbers, and the task's inputs are whole",
    ),
    "no pictures after preprocessing": (
        "augmentation: mirror, preprocess: {choice: [none, pca_whiten]}",
        {},
        "augmentation mirror is of pictures, and preprocess pca_whiten leaves none",
    ),
    "grey pictures": (
        "augmentation: [mirror, color_jitter]",
        {"shape": (1, 28, 28)},
        "augmentation color_jitter is of pictures in colours, but the task's have 1 channel",
    ),
    "grey pictures without channels": (
        "augmentation: color_jitter",
        {"shape": (28, 28)},
        "augmentation color_jitter is of pictures in colours, but the task's have 1 channel",
    ),
    "colours in other units": (
        "augmentation: color_jitter, preprocess: standardize",
        {},
        "preprocess standardize scales them; take one of none, center",
    ),
    "crops as large as the pictures": (
        "evaluation: {by: center, size: 32}",
        {},
        "evaluation center: size must be smaller than the pictures, 32 x 32 pixels, got 32",
    ),
    "crops that do not fit": (
        "evaluation: {by: ten_crop, size: 30}",
        {"shape": (3, 40, 28)},
        "evaluation ten_crop: size must be smaller than the pictures, 40 x 28 pixels, got 30",
    ),
    "no mean": (
        "evaluation: {by: ten_crop, size: 24}, loss: squared_error",
        {},
        "ten_crop averages the predictions of one of the losses cross_entropy, got squared_error",
    ),
    "a crop of everything": ("augmentation: crop", {}, "augmentation crop has one place to crop from"),
    "shifted away": (
        "augmentation: {method: shift, pixels: {int: [1, 32]}}",
        {},
        "augmentation shift: pixels must be smaller than the pictures, 32 x 32 pixels, got 32",
    ),
    "a searched method": (
        "augmentation: {method: {choice: [none, mirror]}}",
        {},
        "method of augmentation cannot be searched",
    ),
    "an unknown method": ("augmentation: [mirror, corp]", {}, "'corp' is unknown; did you mean 'crop'"),
    "a share of a list": ("augmentation: [{method: crop, pad: 1, share: 0.5}, mirror]", {}, "unknown key 'share'"),
    "a searched size": (
        "evaluation: {by: center, size: {int: [20, 24]}}",
        {},
        "size of center cannot be searched",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_the_pictures_are_not_for_are_refused(case, edited, reading):
    training, told, rule = REFUSED[case]
    with pytest.raises(StudyError, match=rule):
        read(edited, reading, training, **told)


ALLOWED = [
    ("augmentation: crop, evaluation: {by: center, size: 28}", (3, 40, 28)),
    ("augmentation: {method: crop, pad: {choice: [0, 4]}}", (3, 32, 32)),
    ("augmentation: [shift, distort]", (28, 28)),
    ("augmentation: color_jitter, preprocess: center", (3, 32, 32)),
    ("augmentation: mirror, preprocess: zca_whiten", (3, 32, 32)),
]


@pytest.mark.parametrize(("training", "shape"), ALLOWED)
def test_settings_that_the_pictures_are_for_are_read(training, shape, edited, reading):
    training = training.replace("shift", "{method: shift, pixels: 1}")
    assert read(edited, reading, training, shape).fingerprint
