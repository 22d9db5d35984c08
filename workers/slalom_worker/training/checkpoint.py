"""A trial in training as bytes, and back: all that its numbers depend on after an epoch, bit for bit.

A checkpoint is a line with its kind and the SHA-256 of the rest, a line of facts as JSON, and the slots' tensors as
safetensors. It holds no generator's state, since every random stream of a trial is named by its seed and epoch
(streams.py), and nothing that follows from the trial's settings and seeds: a bag, a split, a schedule.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from safetensors.torch import load, save

from slalom.wire.trial import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom_worker.training.nets import TrainedTrial

KIND = b"slalom checkpoint 1 "

DIFFERENT = {
    "study": "is of another study",
    "trial": "is of another trial",
    "code": "was written by another version of Slalom",
    "packages": "was written with other versions of torch or numpy",
    "device": "was written on a device of another kind",
}
"""Why a checkpoint is not used, by the fact in which it differs."""


class Unusable(Exception):
    """A trial cannot go on from a checkpoint; the text says why, after the checkpoint's name."""


def freeze(trained: TrainedTrial, about: Mapping[str, str]) -> bytes:
    """The trial, after its last trained epoch, as bytes; `about` holds a value for each fact in DIFFERENT."""
    facts = {
        "about": dict(about),
        "epoch": trained.epoch,
        "nets": [{"loss": slot.loss, "recorded": slot.recorded} for slot in trained.slots],
        "reports": [[report.epoch, dict(report.metrics)] for report in trained.reports],
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _tensors(trained).items()}
    rest = json.dumps(facts).encode() + b"\n" + save(tensors)
    return KIND + _digest(rest) + b"\n" + rest


def thaw(trained: TrainedTrial, content: bytes, about: Mapping[str, str]) -> TrainedTrial:
    """Bring a trial that has not begun to the state in a checkpoint, and return it.

    about: the facts that the checkpoint must have
    Raises Unusable, and leaves the trial unchanged, where the checkpoint is damaged, differs in a fact, or holds other
    tensors.
    """
    head, _, rest = content.partition(b"\n")
    if head != KIND + _digest(rest):
        raise Unusable("was cut short or changed: its checksum is wrong")
    line, _, frozen = rest.partition(b"\n")
    facts = json.loads(line)
    for fact, what in DIFFERENT.items():
        if facts["about"].get(fact) != about[fact]:
            raise Unusable(what)
    _fill(_tensors(trained), load(frozen))
    for slot, known in zip(trained.slots, facts["nets"], strict=True):
        slot.epoch, slot.loss, slot.recorded = facts["epoch"], known["loss"], known["recorded"]
    trial = trained.trial
    trained.reports = [Report(trial.id, trial.attempt, epoch, metrics) for epoch, metrics in facts["reports"]]
    trained.saved = trained.epoch
    return trained.follow(trained.order)


def _fill(tensors: Mapping[str, Tensor], frozen: Mapping[str, Tensor]) -> None:
    if {name: _form(one) for name, one in tensors.items()} != {name: _form(one) for name, one in frozen.items()}:
        raise Unusable("holds other tensors than the trial has")
    for name, tensor in tensors.items():
        tensor.copy_(frozen[name])


def _tensors(trained: TrainedTrial) -> dict[str, Tensor]:
    """The tensors of all of the trial's slots, named by the slot's number and the tensor's name."""
    return {f"{n}.{name}": tensor for n, slot in enumerate(trained.slots) for name, tensor in slot.tensors.items()}


def _form(tensor: Tensor) -> tuple[Any, ...]:
    return (tensor.shape, tensor.dtype)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
