"""Importing Slalom and asking the command line for help load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"mlflow", "numpy", "optuna", "pandas", "ray", "scipy", "sklearn", "sqlalchemy", "torch"}

HELP = """
from slalom.cli.main import main
try:
    main(["--help"])
except SystemExit as exc:
    assert exc.code == 0
"""


def loaded(code):
    """The top packages that are loaded after `code` has run in a process of its own."""
    # The last line: the code may print lines of its own.
    code += "\nimport sys\nprint(*sorted({name.split('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(ran.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("code", ["import slalom", HELP], ids=["import", "help"])
def test_nothing_heavy(code):
    modules = loaded(code)
    assert "slalom" in modules
    assert modules & HEAVY == set()


def test_tables_of_methods_load_without_torch():
    modules = loaded("from slalom_worker.catalogue import CATALOGUE\nassert CATALOGUE.optimizers")
    assert modules & (HEAVY - {"numpy"}) == set()
