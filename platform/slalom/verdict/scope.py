"""What a verdict speaks of: a way of training or one search's choice, on drawn splits or on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.verdict.search_values import SearchValues
from slalom.verdict.wording import count

if TYPE_CHECKING:
    from slalom.study.model import StudySpec


@dataclass(frozen=True)
class Scope:
    """The unit over which arms are compared, and the conditions under which the answer holds.

    searches: how many there are of each arm
    tuned: an arm searches something
    resampled: every search has a split of its own
    """

    searches: int
    seeds: int
    tuned: bool
    resampled: bool

    @classmethod
    def of(cls, spec: StudySpec, searches: int) -> Scope:
        """The scope of a verdict over so many searches."""
        tuned = any(arm.space for arm in spec.arms)
        return cls(searches, spec.confirm_seeds, tuned, spec.resampled and searches > 1)

    @property
    def over_seeds(self) -> bool:
        """Whether the seed is the unit: one search is one draw of everything but the seeds."""
        return self.searches == 1

    @property
    def about(self) -> str:
        """What is compared: "way", or "choice" where all holds only for the settings that one search found."""
        return "choice" if self.over_seeds and self.tuned else "way"

    @property
    def split(self) -> str:
        """How the searches are split: "resampled" or "fixed"."""
        return "resampled" if self.resampled else "fixed"

    @property
    def unit(self) -> str:
        """What the values are counted in, such as "10 searches"."""
        return count(self.seeds, "paired seed") if self.over_seeds else f"{self.searches} searches"

    @property
    def conditions(self) -> str:
        """Under which conditions the answer holds; empty where it is of the way of training, over splits."""
        choice = "of these settings, as one search found them" if self.about == "choice" else ""
        return ", ".join(filter(None, (choice, "" if self.resampled else "on this split")))

    def units(self, values: SearchValues) -> SearchValues:
        """An arm's values by the unit of the comparison: with one search each seed stands alone."""
        if not self.over_seeds:
            return values
        return SearchValues(tuple((value,) for value in values.values[0]))
