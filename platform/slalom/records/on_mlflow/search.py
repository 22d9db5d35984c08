"""A study's runs, as MLflow finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 1000
"""Runs in an answer."""


def search(client: MlflowClient, experiment: str, fingerprint: str, *conditions: str) -> Iterator[Run]:
    """The study's active runs that meet the conditions, oldest first."""
    mine = f"tags.`slalom.fingerprint` = '{fingerprint}'"
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment],
            " AND ".join((mine, *conditions)),
            max_results=PAGE,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return
