"""Which errors of MLflow are those of a server that does not answer for now."""

from __future__ import annotations

from slalom.database import passing

FAILED = 500
"""HTTP's statuses from here on are a server's own failures; MLflow's client says so of a server out of reach, too."""


def is_outage(error: Exception) -> bool:
    """Whether the tracking server, or the database at a tracking URI, may do a little later what it did not now."""
    from mlflow.exceptions import MlflowException

    if passing(error):
        return True
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code()) >= FAILED
    # one of HTTP's client, which has no number, or of the network; others are of this machine's disk
    return isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno is None)
