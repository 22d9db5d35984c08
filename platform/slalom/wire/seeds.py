"""Named seeds for a trial, from what the trial is and nothing else.

They come of the study's `seed`, the phase, the search and the trial's number. Neither arm nor study takes part by its
name: trial i of one arm meets the same initial weights, batches and masks as trial i of every other arm, so that the
arms' results are paired, and what is renamed or added changes no number of the others.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple


class Seeds(NamedTuple):
    """Seeds of a trial's random streams, each in [0, 2**63)."""

    weights: int
    batches: int
    dropout: int


def derive(*words: str | int) -> int:
    """A seed in [0, 2**63) from words, by SHA-256 over their unambiguous spelling."""
    return _hashed(*map(_spelled, words))


@lru_cache(maxsize=4096)
def trial_seeds(seed: int, stream: str, phase: str, search: int, number: int) -> Seeds:
    """The seeds of trial `number` of a search's phase, the same in every arm that draws from the same stream."""
    # A phase and its text are one key of the cache, so they must be one word, too.
    words = (_spelled(seed), _spelled(stream), f"Phase:{phase}", _spelled(search), _spelled(number))
    return Seeds(*(_hashed(*words, _spelled(name)) for name in Seeds._fields))


def split_seed(seed: int, search: int) -> int:
    """The seed by which the examples are split in a search, the same in every arm."""
    return derive(seed, "split", search)


def _spelled(word: str | int) -> str:
    return f"{type(word).__name__}:{word}"


def _hashed(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("\x1f".join(words).encode()).digest()[:8], "big") >> 1
