"""MLflow's settings in this process.

MLflow reads these settings from environment variables alone, some of them while it is imported. So they are set before
MLflow is imported. A variable that the user has set keeps its value.
"""

from __future__ import annotations

import os

DEFAULTS = {
    # no messages of MLflow and alembic about tables and migrations; errors are still logged
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # not two lines for each run that ends: standard output is for the program's own answer
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # no report to anybody that a study was run
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # a server that does not answer is given up after a minute or two, by default after more than four; the study then
    # stops with its state kept, while a server that is only being restarted is back within that time
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
}


def set_defaults() -> None:
    """Set those of the environment variables in DEFAULTS that are not set; call it before MLflow is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
