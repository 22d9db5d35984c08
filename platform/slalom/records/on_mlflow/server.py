"""The app `slalom` of MLflow's server: MLflow itself, whose web pages open on studies at a browser's first visit.

MLflow's pages keep in the browser whether they show traces or training, and how each list of runs is filtered, ordered
and cut into columns; the server has no setting for any of it (3.17). So the app adds a script to MLflow's start page,
which writes what the browser has not kept yet: a choice that a person has made stays. The entry point in
`pyproject.toml` lets `mlflow server --app-name slalom` find it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from slalom.records.on_mlflow.pages.view import EXPERIMENT, view
from slalom.records.on_mlflow.trial_runs.base import KIND

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_STUDIES = 1000
"""How many experiments open on their studies; of more experiments, those that changed last."""

CONDITIONAL = {b"if-none-match", b"if-modified-since"}
DATED = {b"content-length", b"etag", b"last-modified", b"cache-control"}

HEAD = b"<head>"

KEPT_BY_ALL = {"mlflow.workflowType_v1": "machine_learning", "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True}
"""What MLflow's pages keep for all lists: that they show training, and that the assistant has opened by itself."""

SCRIPT = (
    "<script>for (const [name, kept] of {}) localStorage.getItem(name) ?? localStorage.setItem(name, kept)</script>"
)


class StudiesFirst:
    """An ASGI app: MLflow's, with a script in its start page."""

    def __init__(self, app: App, studies: Callable[[], list[str]]) -> None:
        """studies: gives the ids of the experiments that hold studies; may wait for a database."""
        self._app = app
        self._studies = studies

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].endswith("/"):
            await self._app(scope, receive, send)
            return
        # the whole page, whatever the browser has of it: its script may be another by now
        headers = [(name, value) for name, value in scope["headers"] if name not in CONDITIONAL]
        answer = _Answer()
        await self._app({**scope, "headers": headers}, receive, answer.take)
        if answer.is_page:
            answer.add(script(await asyncio.to_thread(self._studies)))
        await answer.give(send)


class _Answer:
    """An answer that is held back until it is whole."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = dict(message)
        else:
            self._body += message.get("body", b"")

    @property
    def is_page(self) -> bool:
        return HEAD in self._body and dict(self._start["headers"]).get(b"content-type", b"").startswith(b"text/html")

    def add(self, part: str) -> None:
        """Add a part to the page's head, before the page's own scripts."""
        self._body = self._body.replace(HEAD, HEAD + part.encode(), 1)
        kept = [(name, value) for name, value in self._start["headers"] if name.lower() not in DATED]
        length = (b"content-length", str(len(self._body)).encode())
        self._start["headers"] = [*kept, length, (b"cache-control", b"no-store")]

    async def give(self, send: Send) -> None:
        await send(self._start)
        await send({"type": "http.response.body", "body": self._body})


def script(experiments: list[str]) -> str:
    """The script that has these experiments open on their studies."""
    kept = {name: json.dumps(value) for name, value in KEPT_BY_ALL.items()}
    kept |= {
        f'MLflowLocalStorage-1.1-ExperimentPage-["{experiment}"]-ReactComponentState': json.dumps(view())
        for experiment in experiments
    }
    return SCRIPT.format(json.dumps([*kept.items()]))


def studies() -> list[str]:
    """The ids of the experiments that hold studies, by the server's own store."""
    from mlflow.server.handlers import _get_tracking_store

    found = _get_tracking_store().search_experiments(
        max_results=MOST_STUDIES,
        filter_string=f"tags.`{KIND}` = '{EXPERIMENT}'",
        order_by=["last_update_time DESC"],
    )
    return [str(experiment.experiment_id) for experiment in found]


def create() -> StudiesFirst:
    """The app, for MLflow's server."""
    # the command that starts the server's process imports this module, too, and has no use for MLflow's app
    from mlflow.server.fastapi_app import app as mlflow_app

    return StudiesFirst(mlflow_app, studies)
