"""The named seeds of a trial, derived from what identifies the trial and from nothing else.

They are derived from the study's `seed`, the phase, the search and the trial's number. The names of study and arm take
no part: trial i of one arm gets the same initial weights, batches and masks as trial i of every other arm, so that the
arms' results are paired, and renaming or adding an arm changes no number of the others.
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
    # Phase.TUNE and "tune" are one key of the cache, so both must be spelled alike.
    words = (_spelled(seed), _spelled(stream), f"Phase:{phase}", _spelled(search), _spelled(number))
    return Seeds(*(_hashed(*words, _spelled(name)) for name in Seeds._fields))


def split_seed(seed: int, search: int) -> int:
    """The seed by which the examples are split in a search, the same in every arm."""
    return derive(seed, "split", search)


def _spelled(word: str | int) -> str:
    return f"{type(word).__name__}:{word}"


def _hashed(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("\x1f".join(words).encode()).digest()[:8], "big") >> 1
