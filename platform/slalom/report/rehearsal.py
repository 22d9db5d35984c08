"""What `slalom check` found when it trained one epoch of each arm by the user's function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Rehearsal:
    """One epoch of each arm, on split 0.

    reproduced: whether the baseline arm gave the same numbers twice
    split_matters: whether that arm gave other numbers on split 1; None where the study has one split
    """

    reproduced: bool
    split_matters: bool | None

    def lines(self) -> Iterator[str]:
        """What a reader should know."""
        twice = "with the same numbers" if self.reproduced else "with OTHER numbers: not all comes of the seed"
        yield f"one epoch of each arm was trained here, and the baseline's twice, {twice}"
        if self.split_matters is False:
            yield (
                "splits 0 and 1 gave the SAME numbers: the function must divide its examples by trial.split, or the "
                "study say resample: {split: fixed}, for the verdict to speak of what was done"
            )
