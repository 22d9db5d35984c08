"""An arm's confirm values, search by search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.verdict.arrays import FloatArray


@dataclass(frozen=True)
class SearchValues:
    """The metric values of an arm's confirm trainings.

    values: [searches, seeds], one metric value for each training; NaN where the training diverged. Search r of every
        arm has the same split and the same seeds, so arms are compared search by search.
    Raises ValueError where there is no value, where searches have different numbers of seeds, or where a value is
    infinite: an infinite loss is a divergence, and is written as NaN.
    """

    values: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        seeds = sorted({len(search) for search in self.values})
        if len(seeds) != 1 or not seeds[0]:
            raise ValueError(f"every search must have the same number of seeds, at least one (got {seeds})")
        if any(math.isinf(value) for search in self.values for value in search):
            raise ValueError("a value must be finite, or NaN for a training that diverged (got infinity)")

    @classmethod
    def of(cls, table: Sequence[Sequence[float]]) -> SearchValues:
        """The values from any table [searches, seeds]."""
        return cls(tuple(tuple(map(float, search)) for search in table))

    @property
    def number(self) -> int:
        """How many searches there are."""
        return len(self.values)

    @property
    def trainings(self) -> int:
        """How many confirm trainings there are, over all searches."""
        return self.number * len(self.values[0])

    def first(self, number: int) -> SearchValues:
        """The values of the first `number` searches."""
        return SearchValues(self.values[:number])

    def table(self) -> FloatArray:
        """The values as an array [searches, seeds]."""
        return np.array(self.values, dtype=np.float64)

    def diverged(self) -> FloatArray:
        """The share of each search's trainings that diverged: [searches]."""
        shares: FloatArray = np.isnan(self.table()).mean(axis=1)
        return shares

    def means(self, worst: float) -> FloatArray:
        """The value of each search, the mean over its seeds: [searches]; a diverged training counts as `worst`."""
        table = self.table()
        means: FloatArray = np.where(np.isnan(table), worst, table).mean(axis=1)
        return means
