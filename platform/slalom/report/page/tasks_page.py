"""The page of several studies with the same arms: one HTML file with all that it needs, and its numbers as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.errors import listing
from slalom.report.page.document import document
from slalom.report.page.drawing.canvas import style
from slalom.report.page.sections import tasks
from slalom.report.page.told import Told
from slalom.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.verdict.tasks.several import Several

ORDER = (tasks.by_rank, tasks.by_value, tasks.by_probability, tasks.by_factor, tasks.conditions, tasks.studies)
"""The parts of the page; one that has nothing to show is left out."""

QUESTION = "Which arm is best over several tasks?"


@dataclass(frozen=True)
class TasksPage:
    """The page of several studies.

    found: what they say together
    json: every number of the page: the object that `slalom compare --json` prints
    """

    found: Several
    json: Mapping[str, Any]

    @classmethod
    def of(cls, found: Several) -> TasksPage:
        """The page of what several studies say."""
        return cls(found, plain(found))

    def __repr__(self) -> str:
        """The sentence."""
        return f"<{self.found.sentence}>"

    @property
    def sentence(self) -> str:
        """The answer, to quote."""
        return self.found.sentence

    def html(self) -> str:
        """The page: no script, no address of anything outside it."""
        compared = tasks.Compared(self.found, Told(self.json))
        with style():
            sections = [section for part in ORDER if (section := part(compared)) is not None]
        names = listing([task.study for task in self.found.tasks])
        return document(names, QUESTION, self.sentence, sections, place="sentence")
