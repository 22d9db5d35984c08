"""Rules of `augmentation` and `evaluation`, which are for pictures: where a task's inputs are others, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.study.ranges import Choices, IntRange, values
from slalom.wire.evaluation import seen_shape
from slalom.wire.kinds import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.study.inspected import Inspected
    from slalom.wire.kinds import Catalogue
    from slalom.wire.trial import Settings

FRAMES = {"shift": "pixels", "crop": "pad"}
"""By each augmentation that moves pictures, its option that says by how many pixels."""


def of_pictures(settings: Settings, inspected: Inspected, catalogue: Catalogue) -> Iterator[str]:
    """The rules, as messages, that an arm breaks by `augmentation`, or by an `evaluation` of a part of a picture."""
    parts = [part for part in parts_of(settings["augmentation"], "method") if part["method"] != "none"]
    evaluation = settings["evaluation"]
    used = [f"augmentation {part['method']}" for part in parts]
    used += [] if evaluation["by"] == "whole" else [f"evaluation {evaluation['by']}"]
    if not used:
        return
    if len(inspected.shape) not in (2, 3):
        yield (
            f"{used[0]} is of pictures, [channels, height, width] or [height, width], but the task's inputs are of "
            f"shape {list(inspected.shape)}"
        )
        return
    if inspected.whole:
        yield f"{used[0]} is of real numbers, and the task's inputs are whole"
    for name in values(settings["preprocess"]):
        if not catalogue.preprocessing[name].keeps_places:
            yield f"{used[0]} is of pictures, and preprocess {name} leaves none; take another preprocess"
    yield from _evaluated(settings, inspected.shape, catalogue)
    for part in parts:
        yield from _augmented(part, settings, inspected.shape, catalogue)


def _evaluated(settings: Settings, shape: tuple[int, ...], catalogue: Catalogue) -> Iterator[str]:
    by, size = settings["evaluation"]["by"], settings["evaluation"].get("size")
    height, width = shape[-2:]
    if size is not None and (size > min(height, width) or size == height == width):
        yield f"evaluation {by}: size must be smaller than the pictures, {height} x {width} pixels, got {size}"
    loss = settings["loss"]["name"]
    if by == "ten_crop" and loss not in catalogue.averaged:
        known = ", ".join(sorted(catalogue.averaged))
        yield f"evaluation ten_crop averages the predictions of one of the losses {known}, got {loss}"


def _augmented(part: Settings, settings: Settings, shape: tuple[int, ...], catalogue: Catalogue) -> Iterator[str]:
    name = part["method"]
    if name in catalogue.colored:
        channels = shape[0] if len(shape) == 3 else 1
        if channels < 2:
            yield f"augmentation {name} is of pictures in colours, but the task's have 1 channel"
        for preprocess in values(settings["preprocess"]):
            if not catalogue.preprocessing[preprocess].keeps_units:
                kept = [other for other, one in catalogue.preprocessing.items() if one.keeps_units]
                yield (
                    f"augmentation {name} adds to pixels as the task gives them, and preprocess {preprocess} scales "
                    f"them; take one of {', '.join(kept)}"
                )
    if name in FRAMES:
        option, most = FRAMES[name], _largest(part[FRAMES[name]])
        height, width = shape[-2:]
        if most >= min(height, width):
            sides = f"{height} x {width} pixels"
            yield f"augmentation {name}: {option} must be smaller than the pictures, {sides}, got {most}"
        if name == "crop" and most == 0 and seen_shape(shape, settings["evaluation"]) == shape:
            yield (
                "augmentation crop has one place to crop from: set its pad, or an evaluation by crops that are smaller "
                f"than the pictures, {height} x {width} pixels; got pad 0"
            )


def _largest(value: Any) -> int:
    """The largest value of a number of pixels, searched or not."""
    if isinstance(value, IntRange):
        return value.high
    return int(max(value.options) if isinstance(value, Choices) else value)
