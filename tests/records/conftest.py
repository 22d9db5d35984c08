"""An empty SQLite file of MLflow's for each test."""

from pathlib import Path

import pytest

from tests.support.mlflow_tables import database


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return database(tmp_path)
