"""How MLflow's list of a study's runs is shown: the study on top, its arms beneath it, with the columns that matter.

MLflow's pages keep a person's choice of filter, order and columns in the browser, in the form that `view` has.
"""

from __future__ import annotations

from typing import Any

from slalom.records.on_mlflow.trial_runs.base import KIND

EXPERIMENT = "experiment"
"""The tag KIND of an experiment that holds studies; those of runs are in `page.identity`."""

ROW = "slalom.row"
"""The tag by which the list is ordered, the greatest first: newer studies above older ones, arms below their study."""

CONCLUSIONS = f"tags.`{KIND}` != 'trial'"
"""The filter for studies, arms and nights: MLflow lists a hundred runs, and trials would hide these."""

ORDER = f"tags.`{ROW}`"

COLUMNS = {"slalom.result": 200, "slalom.difference": 220, "slalom.p": 130, "slalom.better": 170}
"""The tags of an arm's run that are columns of the list, in their order, with their widths in pixels."""


def row(began: int, place: int) -> str:
    """The value of the tag ROW.

    began: when the study was first recorded, in milliseconds since the epoch
    place: 0 for the study's run, and 1, 2, ... for those of its arms
    """
    return f"{began:015d}.{9999 - place:04d}"


def view() -> dict[str, Any]:
    """What MLflow's pages keep of a list of runs, with this filter, this order and these columns."""
    columns = [f"tags.`{name}`" for name in COLUMNS]
    return {
        "searchFilter": CONCLUSIONS,
        "orderByKey": ORDER,
        "orderByAsc": False,
        "selectedColumns": columns,
        "columnOrder": columns,
        "columnWidths": dict(zip(columns, COLUMNS.values(), strict=True)),
    }
