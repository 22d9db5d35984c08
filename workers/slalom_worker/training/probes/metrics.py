"""Probes a user's own metric on predictions such as trainings come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.errors import InputError
from slalom_worker.training.measures import value_of
from slalom_worker.training.probes.answers import untouched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from slalom_worker.metrics import Metric
    from slalom_worker.tasks.data import Data

SURE = 0.99
"""The probability of the right class in good predictions."""


def probe_metric(name: str, metric: Metric, data: Data) -> None:
    """Raise InputError where a metric gives no finite number, differs the second time, or changes its arguments."""
    if metric.value is None:
        return
    for part in (data.train, data.validation, data.test):
        labels = part.labels if data.classes is not None else part.labels.astype(np.float64)
        weights = np.full(len(labels), 1 / len(labels)) if part.weights is None else part.weights
        for what, predictions in _predictions(labels, data):
            given = {"labels": labels.copy(), "predictions": predictions, "weights": weights.copy()}
            try:
                found = [value_of(name, metric, (labels.copy(), predictions.copy(), weights.copy())) for _ in range(2)]
                untouched(f"metric {name}: value", metric.value, **given)
            except InputError as exc:
                raise InputError(f"{exc}, where predictions are {what}") from exc
            if found[0] != found[1]:
                raise InputError(
                    f"metric {name} must be the same of the same predictions, but was {found[0]}, then {found[1]}"
                )


def _predictions(labels: NDArray[Any], data: Data) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Predictions [n, k] float64, each with a name for messages: by chance, all alike as of a dead net, and good."""
    draws = np.random.default_rng(0)
    if data.classes is None:
        yield "by chance", draws.normal(size=labels.shape)
        yield "all alike", np.full(labels.shape, 0.5)
        yield "the labels", labels.copy()
        return
    shape = (len(labels), data.outputs)
    chances = np.exp(draws.normal(size=shape))
    yield "by chance", chances / chances.sum(1, keepdims=True)
    alike = np.full(shape, (1 - SURE) / max(data.outputs - 1, 1))
    good = alike.copy()
    alike[:, 0] = SURE
    good[np.arange(len(labels)), labels] = SURE
    yield "all alike", alike / alike.sum(1, keepdims=True)
    yield "good", good / good.sum(1, keepdims=True)
