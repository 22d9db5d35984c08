"""Named seeds for a trial, from what the trial is and nothing else.

The arm takes no part: trial i of one arm meets the same initial weights, batches and masks as trial i
of every other arm, so that the arms' results are paired.
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
    text = "\x1f".join([f"{type(word).__name__}:{word}" for word in words])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@lru_cache(maxsize=4096)
def trial_seeds(fingerprint: str, phase: str, number: int) -> Seeds:
    """The seeds of trial `number` of a phase, the same in every arm of the study."""
    return Seeds(*(derive(fingerprint, phase, number, name) for name in Seeds._fields))
