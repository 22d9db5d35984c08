"""The example notebook is run cell by cell, in this process, and what its cells end with is held against the page."""

from __future__ import annotations

import ast
import json

import pytest

from slalom import wiring
from slalom.report.page.figures import Figures
from tests.repository.tree import ROOT
from tests.support.mlflow_tables import database

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def cells():
    """The code of each code cell, by the cell's name."""
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in found if cell["cell_type"] == "code"}


def last_value(code, names):
    """Run a cell; what its last line is worth, None where that is a statement."""
    body = ast.parse(code).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), NOTEBOOK.name, "exec"), names)
    return eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names) if last else None


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What each cell of the notebook ends with."""
    folder = tmp_path_factory.mktemp("notebook")
    database(folder / "slalom-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
        patch.chdir(folder)
        names = {"__name__": "__main__"}
        values = {name: last_value(code, names) for name, code in cells().items()}
    return {**values, "page file": (folder / "notebook.html").read_text()}


def test_every_cell_runs_and_the_study_has_a_verdict(shown):
    assert "Over 7 searches of each arm, each on its own split of digits" in shown["answer"]
    assert {arm for arm, *_ in shown["comparisons"]} == {"momentum", "adam"}
    assert shown["answer"] in shown["run"]._repr_html_()
    assert shown["trials"]["adam", "tune"] == 42
    assert list(shown["history"].columns) == list(range(1, 7))


@pytest.mark.parametrize(("cell", "plots"), [("differences", 1), ("curves", 3), ("effort", 2), ("choices", 1)])
def test_its_plots_are_those_of_the_page(shown, cell, plots):
    figures = shown[f"plot-{cell}"]
    assert isinstance(figures, Figures)
    assert len(figures) == plots
    assert all(plot.svg in shown["page file"] for plot in figures.plots)
    assert figures._repr_html_().count("<svg") == plots


def test_the_notebook_holds_no_output():
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in found["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]] == []
