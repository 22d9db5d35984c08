"""MLflow's tables in an SQLite file, without rows: made once by some fifty migrations, then copied.

For every test that is not about the making of the tables: a home in which `database` was called opens at once.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

FILE = "mlflow.db"


def database(folder: Path) -> str:
    """Lays the file into a folder, as `slalom run --home FOLDER` finds it; gives its tracking URI."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(_empty_tables())
    return f"sqlite:///{folder}/{FILE}"


@cache
def _empty_tables() -> bytes:
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory() as folder:
        MlflowClient(f"sqlite:///{folder}/{FILE}")
        return Path(folder, FILE).read_bytes()
