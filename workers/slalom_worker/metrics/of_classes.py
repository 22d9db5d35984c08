"""Metrics of classes, by the definitions of scikit-learn's functions of the same name.

Of several equally likely classes the first counts as the predicted one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def balanced_accuracy(labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]) -> float:
    """The mean, over the classes that occur, of the share of their examples that are predicted right."""
    found, true, _ = _counts(labels, predictions, weights)
    return float((found[true > 0] / true[true > 0]).mean())


def macro_f1(labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]) -> float:
    """The mean of F1 = 2 found / (true + said) over the classes that occur or are predicted, each counting alike."""
    found, true, said = _counts(labels, predictions, weights)
    occurs = (true > 0) | (said > 0)
    return float((2 * found[occurs] / (true[occurs] + said[occurs])).mean())


def auc(labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]) -> float:
    """The area under the ROC curve; for more than two classes the mean over each against the rest (macro, ovr).

    Raises InputError where a class has no example: the area is not defined then, nor is scikit-learn's.
    """
    classes = predictions.shape[1]
    missing = sorted(set(range(classes)) - set(np.unique(labels).tolist()))
    if missing:
        raise InputError(f"auc needs examples of every class in every part of a split, but class {missing[0]} has none")
    if classes == 2:
        return _area(labels == 1, predictions[:, 1], weights)
    return float(np.mean([_area(labels == one, predictions[:, one], weights) for one in range(classes)]))


def log_loss(labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]) -> float:
    """The mean of -log of the probability of an example's class; probabilities are clipped to 2.2e-16 from 0 and 1."""
    import torch  # its logarithm is the same on every machine, and numpy's is not

    least = np.finfo(np.float64).eps
    own = predictions[np.arange(len(labels)), labels].clip(least, 1 - least)
    return float(-(torch.as_tensor(own).log().numpy() * weights).sum())


def _counts(
    labels: NDArray[Any], predictions: NDArray[Any], weights: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """For each class, the weight of examples predicted right, of examples in it, and of examples predicted as it."""
    likeliest, classes = predictions.argmax(1), predictions.shape[1]
    found = np.bincount(labels, weights * (likeliest == labels), classes)
    return found, np.bincount(labels, weights, classes), np.bincount(likeliest, weights, classes)


def _area(positive: NDArray[Any], scores: NDArray[Any], weights: NDArray[Any]) -> float:
    """The weighted share of pairs in which a positive example scores higher than a negative one; ties count half."""
    _, place = np.unique(scores, return_inverse=True)
    above = np.bincount(place, weights * positive)
    below = np.bincount(place, weights * ~positive)
    before = below.cumsum() - below / 2
    return float((above * before).sum() / (above.sum() * below.sum()))
