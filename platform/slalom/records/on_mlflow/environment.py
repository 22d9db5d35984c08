"""How MLflow is to behave in this process.

It takes these settings from the environment only, so they are set there before it is imported. What the user has set
is left alone.
"""

from __future__ import annotations

import os

DEFAULTS = {
    # its news, and alembic's, about tables and migrations; errors are still told
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # two lines for each run that ends, on standard output, where a program's answer belongs
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # a study tells nobody outside that it was run
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # a server that is gone is given up after a minute or two (its own default is above four), and the study stops
    # with its state kept; one that is being restarted comes back within that
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
}


def teach() -> None:
    """Set what is not set."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
