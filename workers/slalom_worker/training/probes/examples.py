"""Probes a user's own emphasizing scheme in states that training examples can come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.errors import InputError
from slalom_worker.emphasis import ExampleState
from slalom_worker.training.presentation import weights_of
from slalom_worker.training.probes.answers import again, shown, untouched
from slalom_worker.training.probes.schedules import spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from slalom_worker.emphasis import Emphasis

MOST_EPOCHS = 8


def probe_emphasis(name: str, scheme: Emphasis, emphasis: Mapping[str, Any], labels: NDArray[Any], epochs: int) -> None:
    """Raise InputError where examples can be neither drawn nor weighted by what a scheme returns.

    emphasis: a trial's setting `emphasis`
    labels: the training examples' labels [n]
    """
    if scheme.weights is None:
        return
    place = f"{name}: weights"
    for state in _states(labels, epochs, reads_net=scheme.reads_net):
        try:
            untouched(place, scheme.weights, state=_copy(state), parameters=dict(emphasis))
            found = weights_of(scheme, emphasis, _copy(state))
            again(place, found, weights_of(scheme, emphasis, _copy(state)), "the same weights for the same state")
        except InputError as exc:
            options = {key: value for key, value in emphasis.items() if key not in ("scheme", "by")}
            raise InputError(f"{exc}, in epoch {state.epoch + 1} of {epochs}{shown(options)}") from exc


def _states(labels: NDArray[Any], epochs: int, *, reads_net: bool) -> Iterator[ExampleState]:
    """States at the beginning of epochs: no example missed, some missed for some epochs, all missed in every epoch."""
    draws = np.random.default_rng(0)
    for epoch in spread(epochs, MOST_EPOCHS).long().tolist():
        yield ExampleState(labels, np.zeros(len(labels)), epoch)
        if reads_net:
            yield ExampleState(labels, draws.integers(0, epoch + 2, len(labels)).astype(np.float64), epoch)
            yield ExampleState(labels, np.full(len(labels), epoch + 1.0), epoch)


def _copy(state: ExampleState) -> ExampleState:
    return ExampleState(state.labels.copy(), state.misses.copy(), state.epoch)
