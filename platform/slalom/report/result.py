"""What a study has found so far, as a value to program with; a notebook shows its verdict and its plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from slalom.home import Home
    from slalom.report.plots import Plots
    from slalom.study.model import StudySpec
    from slalom.verdict.summary import ArmSummary, Summary, Verdict
    from slalom.wire.trial import Ended, TrialId


@dataclass(frozen=True)
class Result:
    """What a study has found so far.

    versions: what its runs were made with (Slalom's code, Python and the packages), each combination once
    remarks: what lanes had to tell, such as that a checkpoint was not usable
    """

    spec: StudySpec
    home: Home
    summary: Summary
    ended: Mapping[TrialId, Ended]
    versions: tuple[Mapping[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """The study's name and the verdict's sentence, in a line."""
        from slalom.report.tables import answer

        return f"<{self.spec.name}: {answer(self.spec, self.summary)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict's table and its sentence."""
        from slalom.report.tables import html

        return html(self.spec, self.summary)

    @property
    def verdict(self) -> Verdict | None:
        """The answer; None until every arm is confirmed."""
        return self.summary.verdict

    @property
    def arms(self) -> tuple[ArmSummary, ...]:
        """What each arm reached."""
        return self.summary.arms

    @property
    def plot(self) -> Plots:
        """The plots of the study's page: `curves()`, `differences()`, `effort()` and `choices()`."""
        from slalom.report.plots import Plots

        return Plots(self.spec, self.summary, self.ended)

    def trials(self) -> pd.DataFrame:
        """Every trial that ended, a row each: `export`'s columns, parameters and metrics by dotted name."""
        import pandas as pd

        rows = [
            {
                **{name: value for name, value in trial.items() if name not in ("params", "metrics", "history")},
                **{f"params.{name}": value for name, value in trial["params"].items()},
                **trial["metrics"],
            }
            for trial in self.export()
        ]
        return pd.DataFrame(rows)

    def history(self) -> pd.DataFrame:
        """The curves of every trial that ended: a row for each report, with arm, search, phase, number and epoch."""
        import pandas as pd

        names = ("arm", "search", "phase", "number")
        rows = [
            {**{name: trial[name] for name in names}, **report}
            for trial in self.export()
            for report in trial["history"]
        ]
        return pd.DataFrame(rows)

    def export(self) -> list[dict[str, Any]]:
        """Every trial that ended, as plain values, by arm, search, phase and number."""
        from slalom.report.export import export

        return export(self.spec, self.ended)

    def as_json(self) -> dict[str, Any]:
        """The object that `slalom run --json` prints."""
        from slalom.report.plain import as_json

        of_runs = {"versions": [*map(dict, self.versions)], "remarks": [*self.remarks]}
        return {**as_json(self.spec, self.summary, self.home.shown()), **of_runs}
