"""The MLflow runs of one study, by MLflow's search."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 1000
"""Runs in one answer of MLflow's."""


def search(client: MlflowClient, experiment: str, fingerprint: str, *conditions: str) -> Iterator[Run]:
    """The runs of a study that were not deleted and that meet all conditions, oldest first.

    experiment: the experiment's id
    conditions: in MLflow's filter language, such as "tags.`slalom.kind` = 'trial'"
    Raises MlflowException where MLflow does not answer.
    """
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
