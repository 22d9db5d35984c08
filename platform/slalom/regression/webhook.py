"""Telling somebody: a JSON body posted to an address, Slack's among them."""

from __future__ import annotations

import json
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from slalom.errors import Infrastructure, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE = 10.0
"""Seconds that an answer may take."""

WAITS = (1.0, 2.0, 4.0)
"""Seconds before each further try."""


def check(url: str) -> None:
    """InputError where it is no address that can be posted to."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--webhook must be http://... or https://..., got {parts.scheme or 'no scheme'!r}")


def post(url: str, body: Mapping[str, Any], wait: Callable[[float], None] = time.sleep) -> None:
    """Post it; tried again where there is no answer, or a server's own error or its plea to come later.

    Raises Infrastructure, which names the host alone: such an address is a secret.
    """
    data = json.dumps(body, allow_nan=False).encode()
    for pause in (*WAITS, None):
        try:
            request = Request(url, data, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 (checked)
            urlopen(request, timeout=PATIENCE).close()  # noqa: S310
        except (OSError, HTTPException) as exc:
            if isinstance(exc, HTTPError):
                exc.close()
            if pause is None or not _may_pass(exc):
                raise Infrastructure(f"the webhook at {urlsplit(url).hostname} did not take the news: {exc}") from exc
            wait(pause)
        else:
            return


def _may_pass(error: Exception) -> bool:
    return not isinstance(error, HTTPError) or error.code >= 500 or error.code == 429
