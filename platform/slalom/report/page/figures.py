"""Plots of the page as they stand in a notebook: HTML with colours of its own, light and dark."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.report.page.section import arm_name, legend_html, plots_html
from slalom.report.page.style_sheets import plots_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.report.page.drawing.canvas import Plot

FRAME = "slalom-plots"
"""The class of the element around the plots, within which the style sheet holds."""


@dataclass(frozen=True)
class Figures:
    """Some plots of the page.

    plots: as the page has them, each with its `title`, what it tells (`about`) and its `svg`
    arms: the arms in the order of their colours, where the plots do not name them
    """

    plots: tuple[Plot, ...]
    arms: Sequence[str] = ()

    def __len__(self) -> int:
        """How many plots there are."""
        return len(self.plots)

    def __repr__(self) -> str:
        """What the plots show, for a terminal."""
        return f"<{len(self.plots)} plots: {'; '.join(plot.title for plot in self.plots)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: nothing outside it is needed."""
        if not self.plots:
            return "<p>There is nothing to show yet.</p>"
        legend = legend_html([arm_name(arm, place) for place, arm in enumerate(self.arms)])
        drawn = plots_html([_with_own_names(plot) for plot in self.plots])
        return f'<div class="{FRAME}"><style>{plots_style(f".{FRAME}")}</style>{legend}{drawn}</div>'


def _with_own_names(plot: Plot) -> str:
    """The plot's SVG, whose names differ from those of other plots that a notebook shows, of another study for one."""
    own = f"p{hashlib.sha256(plot.svg.encode()).hexdigest()[:10]}-{plot.name}-"
    return re.sub(
        rf'(id="|href="#|url\(#|aria-labelledby="|(?<=-title) ){re.escape(plot.name)}-', rf"\g<1>{own}", plot.svg
    )
