"""The page's plots by name, for a notebook: the same values, drawn by the same functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.report.page.data.choices import chosen
from slalom.report.page.data.curves import curves
from slalom.report.page.data.effort import effort
from slalom.report.page.data.forest import forest
from slalom.report.page.drawing import choices as drawn_choices
from slalom.report.page.drawing import curves as drawn_curves
from slalom.report.page.drawing import effort as drawn_effort
from slalom.report.page.drawing import forest as drawn_forest
from slalom.report.page.drawing.canvas import style
from slalom.report.page.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.search.choice import Results
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import Summary


@dataclass(frozen=True)
class Plots:
    """A study's plots. Each call draws anew; where a study has nothing to show yet, the Figures are empty."""

    spec: StudySpec
    summary: Summary
    results: Results

    def differences(self) -> Figures:
        """Each arm's difference from the baseline, with its interval and the margin: one figure."""
        with style():
            return Figures(tuple(drawn_forest.draw(forest(self.spec, self.summary), self._places)))

    def curves(self) -> Figures:
        """Learning curves, the mean over the searches with its band: a figure for each arm."""
        found = curves(self.spec, self.summary, self.results)
        with style():
            return Figures(tuple(drawn_curves.draw(found, self._places, self.spec.compare.baseline)))

    def effort(self) -> Figures:
        """The best validation value of a search against its trials, and against their cost: two figures."""
        found = effort(self.spec, self.summary, self.results)
        with style():
            return Figures(tuple(drawn_effort.draw(found, self._places)), tuple(self._places))

    def choices(self) -> Figures:
        """What the searches chose along each range: a figure for each hyperparameter."""
        with style():
            return Figures(tuple(drawn_choices.draw(chosen(self.spec, self.summary), self._places)))

    @property
    def _places(self) -> Mapping[str, int]:
        """The number of each arm in the study, which is that of its colour."""
        return {arm.name: place for place, arm in enumerate(self.spec.arms)}
