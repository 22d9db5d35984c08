"""AlexNet's jitter: a colour is added to all pixels of a picture, along the principal components of the colours.

    sum_i p_i * alpha_i * lambda_i,    alpha_i normal with deviation sigma

p_i and lambda_i are the eigenvectors and eigen*values* (not their roots) of the covariance of the colours over all
pixels of the training part; alpha is drawn anew each time a picture is used. As lambda is in squares of the pixels'
unit, so is the jitter. The paper's sigma is .1.
Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks", 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slalom.wire.kinds import Number
from slalom_worker.augmentation.base import Augmentation
from slalom_worker.preprocessing.base import eigh, one_thread, product

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from torch import Tensor

    from slalom_worker.augmentation.base import Given


def learn(pictures: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
    """The jitter [channels, channels] at alpha 1: column i is p_i * lambda_i, its largest entry above 0."""
    with one_thread():
        sums, count = np.zeros(()), 0
        for part in pictures:
            colors = _colors(part)
            sums, count = sums + colors.sum(axis=0), count + len(colors)
        mean = sums / count
        covariance = np.zeros((len(mean), len(mean)))
        for part in pictures:
            colors = _colors(part) - mean
            covariance += product(colors.T, colors)
        values, axes = eigh(covariance / count)
    largest = np.abs(axes).argmax(axis=0)
    # the sign of an eigenvector is arbitrary
    found: NDArray[np.float64] = axes * np.sign(axes[largest, range(len(mean))]) * values
    return found


def _colors(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """The colours of all pixels [n * height * width, channels]."""
    return pictures.astype(np.float64).transpose(0, 2, 3, 1).reshape(-1, pictures.shape[1])


def change(pictures: Tensor, given: Given) -> Tensor:
    """The pictures with a colour added to each."""
    if given.learned is None:
        raise RuntimeError("the jitter is learned from training pictures, but nothing was learned")
    channels = pictures.shape[2]
    alphas = given.draws.normal(channels) * given.options["sigma"].unsqueeze(-1)
    # one component after the other: the rounding of a matrix product may depend on the number of matrices
    color = alphas[..., :1] * given.learned[:, None, :, 0]
    for component in range(1, channels):
        color = color + alphas[..., component, None] * given.learned[:, None, :, component]
    return pictures + color.to(pictures.dtype)[..., None, None]


COLOR_JITTER = Augmentation(change, {"sigma": Number(0.1, low=0.0)}, learn, colors=True)
