"""The scope of a verdict: a way of training or one search's choice, on resampled splits or on a fixed one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from slalom.verdict.search_values import SearchValues
from slalom.verdict.stages import Looks
from slalom.verdict.wording import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.study.model import StudySpec


@dataclass(frozen=True)
class Scope:
    """The unit over which arms are compared, and the conditions under which the answer holds.

    searches: how many each arm has; seeds: confirm trainings of each search
    tuned: whether any arm searches something
    resampled: whether every search has a split of its own
    data: the task's name; for a training function the name of its file
    """

    searches: int
    seeds: int
    tuned: bool
    resampled: bool
    data: str

    @classmethod
    def of(cls, spec: StudySpec, searches: int) -> Scope:
        """The scope of a verdict over so many searches."""
        tuned = any(arm.space for arm in spec.arms)
        file, _, name = str(spec.task.get("name", "the data")).rpartition(":")
        data = PurePath(file).stem if spec.own_training else name
        return cls(searches, spec.confirm_seeds, tuned, spec.resampled and searches > 1, data)

    @property
    def over_seeds(self) -> bool:
        """Whether the seed is the unit: searches differ in nothing but their seeds, or there is one search."""
        return self.searches == 1 or not (self.tuned or self.resampled)

    @property
    def about(self) -> str:
        """What is compared: "way", or "choice" where all holds only for the settings that one search found."""
        return "choice" if self.over_seeds and self.tuned else "way"

    @property
    def split(self) -> str:
        """How the searches are split: "resampled" or "fixed"."""
        return "resampled" if self.resampled else "fixed"

    @property
    def number(self) -> int:
        """How many units, searches or seeds, each arm has."""
        return self.searches * self.seeds if self.over_seeds else self.searches

    @property
    def noun(self) -> str:
        """What several units are called."""
        return "seeds" if self.over_seeds else "searches"

    @property
    def unit(self) -> str:
        """What the values are counted in, such as "10 searches"."""
        return count(self.number, "paired seed") if self.over_seeds else f"{self.searches} searches"

    def conditions(self, stages: Sequence[int]) -> str:
        """The conditions of the answer in words, such as "Over 10 searches of each arm, all on this split of digits".

        stages: the numbers of searches at which the study is judged; with several, an arm may have fewer than others
        """
        where = f"on this split of {self.data}"
        if self.about == "choice":
            return f"Of these settings, as one search found them, over {self.unit} {where}"
        if self.over_seeds:
            return f"Over {self.unit} {where}"
        if self.resampled and not self.tuned and len(stages) == 1:
            return f"Over {self.searches} splits of {self.data}"
        number = f"all {self.searches}" if self.searches == stages[-1] else f"{self.searches} of at most {stages[-1]}"
        searches = f"Over {self.searches} searches of each arm" if len(stages) == 1 else f"After {number} searches"
        return f"{searches}, each on its own split of {self.data}" if self.resampled else f"{searches}, all {where}"

    def looks(self, stages: Sequence[int]) -> Looks | None:
        """The looks at which the study is judged, counted in units; None for once, at the end."""
        if len(stages) == 1:
            return None
        return Looks(tuple(stage * self.seeds for stage in stages) if self.over_seeds else tuple(stages))

    def units(self, values: SearchValues) -> SearchValues:
        """An arm's values, one row for each unit of the comparison: where the unit is the seed, each seed is a row."""
        if not self.over_seeds:
            return values
        return SearchValues(tuple((value,) for search in values.values for value in search))
