"""The news are posted to a real server, which may be ill at first."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slalom.errors import Infrastructure, InputError
from slalom.regression.webhook import WAITS, check, post


@pytest.fixture
def server():
    """A server that answers with `codes` in turn, the last one from then on, and keeps what it was told."""
    told = []

    class Handler(BaseHTTPRequestHandler):
        codes = (200,)

        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(self.codes[min(len(told), len(self.codes)) - 1])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/secret", Handler, told
        running.shutdown()
        thread.join()


def test_it_is_told_again_while_the_server_is_ill(server):
    url, handler, told = server
    handler.codes, waits = [503, 429, 200], []
    post(url, {"text": "hello"}, waits.append)
    assert told == [{"text": "hello"}] * 3
    assert waits == list(WAITS[:2])


@pytest.mark.parametrize(("code", "tries"), [(500, 1 + len(WAITS)), (404, 1)])
def test_what_does_not_pass_is_an_error_that_keeps_the_address_secret(server, code, tries):
    url, handler, told = server
    handler.codes = [code]
    with pytest.raises(Infrastructure, match=f"127.0.0.1 did not take the news: HTTP status {code}") as raised:
        post(url, {"text": "hello"}, lambda _: None)
    assert len(told) == tries
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example/hidden",
        "hidden:///etc/passwd",
        "http://",
        "https://hooks.example:hidden/x",
        "https://hooks.example:0/hidden",
        "https://me:hidden@hooks.example/x",
        "https://hooks.example/hid den",
        "https://hooks.example/hidden\n",
        "https://hooks.example/hidden-\u00fc",
        "https://[hidden/x",
    ],
)
def test_what_cannot_be_posted_to_is_refused_and_not_shown(url):
    with pytest.raises(InputError, match="--webhook must be") as refused:
        check(url)
    assert "hid" not in str(refused.value)
