"""What may befall the training code overnight: nothing but chance, or a fault. Each is a context in which it holds.

A fault is put where the code has a seam: in the tables of methods, in what the pack asks for its examples and its
decay, in what an objective measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from slalom.wire.seeds import derive
from slalom_worker.net.examples import Examples, SideBySide
from slalom_worker.net.objective import Objective
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.regularizers.decay import decay_factor
from slalom_worker.training import stack, streams
from slalom_worker.training.slot import Slot

Injection = Callable[[Objective, int], AbstractContextManager[object]]
"""Given the objective that is trained, and its batches' size."""

REAL_ORDER = streams.order


def _ordered(change: Callable[..., Tensor]) -> AbstractContextManager[object]:
    return patch.object(streams, "order", change)


def unchanged(_: Objective, __: int) -> AbstractContextManager[object]:
    """The code as it is."""
    return nullcontext()


def float_order(_: Objective, size: int) -> AbstractContextManager[object]:
    """Every batch holds the same examples in another order, so that sums round otherwise."""

    def order(seed: int, epoch: int, *rest: Any) -> Tensor:
        found = REAL_ORDER(seed, epoch, *rest)
        generator = torch.Generator().manual_seed(derive(seed, epoch, "within batches"))
        return torch.cat([part[torch.randperm(len(part), generator=generator)] for part in found.split(size)])

    return _ordered(order)


def other_stream(_: Objective, __: int, night: int = 0) -> AbstractContextManager[object]:
    """Examples are shuffled as well as before, but from other seeds."""
    return _ordered(lambda seed, *rest: REAL_ORDER(derive(seed, "another stream", night), *rest))


def unshuffled(_: Objective, __: int) -> AbstractContextManager[object]:
    """Examples come in the order of the data, epoch after epoch."""
    return _ordered(lambda seed, epoch, count, *_: torch.arange(count))


def class_dropped(_: Objective, __: int) -> AbstractContextManager[object]:
    """No batch holds an example of the last class: its places are taken by others of the slot's split."""
    real = Slot.examples

    def examples(self: Slot, order: Tensor) -> Tensor:
        found, labels = real(self, order), self.split.train.labels.cpu()
        kept = (labels != labels.max()).nonzero().squeeze(1)
        return torch.where(labels[found] == labels.max(), kept[found % len(kept)], found)

    return patch.object(Slot, "examples", examples)


def momentum_lost(_: Objective, __: int) -> AbstractContextManager[object]:
    """Every update starts from a velocity of zero."""
    return patch.dict(OPTIMIZERS, {name: _forgetful(name) for name in ("momentum", "sgd")})


def _forgetful(name: str) -> object:
    method = OPTIMIZERS[name]

    def update(slots: object) -> None:
        slots.state["velocity"].zero_()  # type: ignore[attr-defined]
        method.update(slots)  # type: ignore[arg-type]

    return replace(method, update=update)


def decay_halved(_: Objective, __: int) -> AbstractContextManager[object]:
    """The penalty is lambda / 2 * w^2 where it was lambda * w^2, as happens between two conventions."""
    real = decay_factor
    return patch.object(stack, "decay_factor", lambda decay, examples: real(decay, examples) / 2)


@contextmanager
def dropout_at_evaluation(objective: Objective, _: int) -> Iterator[None]:
    """Half of the hidden units are dropped while the net is measured, too."""
    generator = torch.Generator().manual_seed(0)

    def evaluate(
        self: Objective, parameters: Tensor, part: Examples | SideBySide, _state: Mapping[str, Tensor]
    ) -> Mapping[str, Tensor]:
        nets, count = len(parameters), len(part)
        masks = {
            name: (torch.rand(nets, count, *call.shape, generator=generator) >= 0.5).float() * 2
            for name, call in self.forward.dropouts.items()
            if call.layer.setting == "hidden_dropout"
        }
        inputs, labels = part.chunk(0, count)
        if isinstance(part, Examples):
            inputs, labels = (one.expand(nets, *one.shape) for one in (inputs, labels))
        (outputs,) = self.way.over_slots(self.forward.in_training, {**self.views(parameters), **masks}, inputs)
        error = part.mean(outputs.mT.max(-2).indices != labels)
        loss = part.mean(self.loss.each(outputs, labels, self.work.loss))
        return {"loss": loss, "error": error, "accuracy": 1 - error}

    with patch.object(Objective, "evaluate", evaluate):
        yield
