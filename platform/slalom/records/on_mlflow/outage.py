"""Which errors of MLflow are those of a server that does not answer for now."""

from __future__ import annotations

from slalom.database import passing

FAILED = 500
"""The least HTTP status of a server's own failure; MLflow's client gives such a one for a server out of reach, too."""


def is_outage(error: Exception) -> bool:
    """Whether an error says that the tracking server, or the database at a tracking URI, does not answer for now."""
    from mlflow.exceptions import MlflowException

    if passing(error):
        return True
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code()) >= FAILED
    # the errors of the HTTP client are OSErrors without errno; those of this machine's disk have one
    return isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno is None)
