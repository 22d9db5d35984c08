"""The webhook: a JSON body that is posted to an address, such as one of Slack's."""

from __future__ import annotations

import json
import re
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
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
    """Raise InputError where a URL cannot be posted to; the message shows nothing of the URL, since it is a secret."""
    rule = "--webhook must be an address such as https://HOST/PATH, but"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # of the host or the port; its text would show the address
        raise InputError(f"{rule} its host or port is none") from None
    if parts.scheme not in ("http", "https"):
        raise InputError(f"{rule} got {'another scheme' if parts.scheme else 'no scheme'}")
    if not parts.hostname or port == 0:
        raise InputError(f"{rule} its host or port is none")
    if not re.fullmatch("[!-~]+", url):
        raise InputError(f"{rule} it holds a space or another character that must be written as %XX")
    if "@" in parts.netloc:
        raise InputError(f"{rule} it names a user, which cannot be sent")


def post(url: str, body: Mapping[str, Any], wait: Callable[[float], None] = time.sleep) -> None:
    """Post a JSON body; tried again where there is no answer, or one with the status 429 or one from 500.

    Raises Infrastructure, whose message names the host alone, since the URL is a secret.
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
                raise Infrastructure(
                    f"the webhook at {urlsplit(url).hostname} did not take the news: {_why(exc)}"
                ) from exc
            wait(pause)
        else:
            return


def _why(error: Exception) -> str:
    """What went wrong, without the text of the error, which may hold the URL."""
    if isinstance(error, HTTPError):
        return f"HTTP status {error.code}"
    reason = error.reason if isinstance(error, URLError) else error
    return (reason.strerror if isinstance(reason, OSError) else None) or type(reason).__name__


def _may_pass(error: Exception) -> bool:
    return not isinstance(error, HTTPError) or error.code >= 500 or error.code == 429
