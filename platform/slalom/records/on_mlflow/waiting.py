"""Work that is done again while MLflow's server does not answer; loads no MLflow."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from slalom.database import reason_of
from slalom.records.on_mlflow.outage import is_outage
from slalom.records.on_mlflow.sqlite import sqlite_file
from slalom.records.on_mlflow.write_behind import Patience, patiently
from slalom.urls import showable

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger("slalom")

R = TypeVar("R")


def through_outages(tracking_uri: str, limit: float, work: Callable[[], R]) -> R:
    """Do the work, again while a server does not answer, for `limit` seconds at most; returns what the work returns."""
    shown = f"MLflow at {showable(tracking_uri)}"
    patience = Patience(
        is_outage if sqlite_file(tracking_uri) is None else lambda _: False,
        limit,
        began=lambda exc: LOG.warning("slalom: %s does not answer: %s; the record waits", shown, reason_of(exc)),
        over=lambda seconds: LOG.warning("slalom: %s answers again after %.0f s", shown, seconds),
    )
    return patiently(work, patience)
