"""The client against servers that misbehave; tests/integration has a real one."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from spinepose.annotation.exchange.label_studio_server import LabelStudio, pull, push
from spinepose.errors import InputError, UsageError
from tests.unit.annotation.labelled_people import make_project

TOKEN = "0123456789abcdef"
Answer = tuple[int, bytes]
Serve = Callable[[Callable[[str, str], Answer]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return the address of a server that answers (path, authorization) as asked."""
    running: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[str, str], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = answer(self.path, self.headers.get("Authorization") or "")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_a_server_that_is_down(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    project = make_project(tmp_path)
    for work in (push, pull):
        with pytest.raises(InputError, match="cannot be reached: is Label Studio") as caught:
            work(LabelStudio(url, TOKEN), project, "title")
        assert TOKEN not in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b"<html>Sign in</html>", "answered 200: is it a Label Studio"),
        (404, b"<html></html>", "answered 404: is it a Label Studio"),
        (302, b"", "answered 302"),
        (500, b'{"detail": "too\\n busy"}', "answered 500: too busy"),
        (400, b'{"validation_errors": {"title": ["long"]}}', r"answered 400: .*title.*long"),
        (400, b'{"detail": "Token 0123456789abcdef is odd"}', r"Token \.\.\. is odd"),
        (400, b'["odd"]', "odd"),
        (200, b"{}", "does not answer as a Label Studio does"),
        (200, b"[]", "does not answer as a Label Studio does"),
    ],
)
def test_answers_that_are_none(
    serve: Serve, tmp_path: Path, status: int, body: bytes, reason: str
) -> None:
    url = serve(lambda path, who: (status, body))
    with pytest.raises(InputError, match=reason) as caught:
        pull(LabelStudio(url, TOKEN), make_project(tmp_path), "title")
    assert TOKEN not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token(serve: Serve, tmp_path: Path, status: int) -> None:
    url = serve(lambda path, who: (status, b'{"detail": "Invalid token."}'))
    with pytest.raises(UsageError, match="does not accept the token") as caught:
        pull(LabelStudio(url, TOKEN), make_project(tmp_path), "title")
    assert TOKEN not in str(caught.value)


def test_tokens_and_addresses_that_are_none() -> None:
    for token in ("", "two words", "line\nbreak", "schlüssel"):
        with pytest.raises(UsageError, match="is not one: copy all of it"):
            LabelStudio("http://localhost:1", token)
    with pytest.raises(UsageError, match="is no address"):
        LabelStudio("localhost:8080", TOKEN)


def test_an_access_token_is_renewed_when_its_minutes_are_over(serve: Serve) -> None:
    bought: list[str] = []

    def answer(path: str, who: str) -> Answer:
        if path == "/api/token/refresh/":
            bought.append(who)
            return 200, json.dumps({"access": f"short{len(bought)}"}).encode()
        return (200, b'{"ok": 1}') if who == "Bearer short2" else (401, b"{}")

    server = LabelStudio(serve(answer), "aaa.bbb.ccc")
    assert server.get("/api/anything") == {"ok": 1}
    # The long one is in the body, and no other beside it.
    assert bought == ["", ""]


def test_pages_end_where_the_server_says(serve: Serve) -> None:
    asked: list[str] = []

    def answer(path: str, who: str) -> Answer:
        asked.append(path)
        # Another page would be an error, as Label Studio has it.
        if len(asked) > 2:
            return 404, b'{"detail": "Invalid page."}'
        return 200, json.dumps({"tasks": [{"id": i} for i in range(100)], "total": 200}).encode()

    server = LabelStudio(serve(answer), TOKEN)
    assert len(list(server.pages("/api/tasks/", "tasks", "total"))) == 200
