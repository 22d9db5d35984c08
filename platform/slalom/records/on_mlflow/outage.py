"""Which errors of MLflow are those of a server that does not answer for now."""

from __future__ import annotations

from slalom.database import passing
from slalom.errors import Infrastructure

FAILED = 500
"""The least HTTP status of a server's own failure; MLflow's client gives such a one for a server out of reach, too."""


def is_outage(error: Exception) -> bool:
    """Whether an error says that the tracking server, or the database at a tracking URI, does not answer for now.

    An Infrastructure says what its cause says; an OSError that caused one does, since a server that cannot be reached
    may be back.
    """
    from mlflow.exceptions import MlflowException

    if isinstance(error, Infrastructure):
        cause = error.__cause__
        return isinstance(cause, OSError) or (isinstance(cause, Exception) and is_outage(cause))
    if passing(error):
        return True
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code()) >= FAILED
    # the errors of the HTTP client are OSErrors without errno; those of this machine's disk have one
    return isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno is None)
