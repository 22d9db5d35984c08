"""Draws which examples go to which split, the same in every version of numpy.

Only the raw words of PCG64 are used, whose stream numpy promises to keep (NEP 19); the methods of
numpy's Generator carry no such promise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray


def random_words(count: int, seed: int) -> NDArray[np.uint64]:
    """Random words [count], one for each example; sorting examples by their words shuffles them."""
    return np.random.PCG64(seed).random_raw(count)


def stratified(labels: NDArray[Any], shares: Sequence[int], seed: int) -> tuple[NDArray[np.int64], ...]:
    """An array of ascending indices for each share: together all of `labels` [n], each once.

    Each array holds its share, relative to the sum of shares, of the examples of every class, to within one example.
    """
    keys = random_words(len(labels), seed)
    parts: list[list[NDArray[np.int64]]] = [[] for _ in shares]
    ends, total = np.cumsum(shares)[:-1], sum(shares)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(keys[members], kind="stable")]
        # whole numbers throughout: floor(x + 1/2) of a float could fall either way
        cuts = (2 * len(members) * ends + total) // (2 * total)
        for part, piece in zip(parts, np.split(members, cuts), strict=True):
            part.append(piece)
    return tuple(np.sort(np.concatenate(part)) for part in parts)


def divided(classes: NDArray[Any], first: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two arrays of ascending indices of `classes` [n]: the first holds `first` indices, the second the rest.

    Each array holds its share of the examples of every class, to within one example.
    """
    keys = random_words(len(classes), seed)
    found, counts = np.unique(classes, return_counts=True)
    sizes, rests = np.divmod(counts * first, len(classes))
    # the largest remainders are rounded up, those of lower classes first
    sizes[np.argsort(-rests, kind="stable")[: first - sizes.sum()]] += 1
    chosen = np.zeros(len(classes), dtype=bool)
    for label, size in zip(found, sizes, strict=True):
        members = np.flatnonzero(classes == label)
        chosen[members[np.argsort(keys[members], kind="stable")][:size]] = True
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def thinned(labels: NDArray[Any], rare: Collection[int], fraction: float, seed: int) -> NDArray[np.int64]:
    """Ascending indices of `labels` [n] that are kept when each class in `rare` keeps `fraction`, at least one example.

    A smaller fraction keeps a subset of what a larger one keeps.
    """
    keys = random_words(len(labels), seed)
    keep = np.ones(len(labels), dtype=bool)
    for label in set(rare):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(keys[members], kind="stable")]
        keep[members[max(1, round(fraction * len(members))) :]] = False
    return np.flatnonzero(keep)
