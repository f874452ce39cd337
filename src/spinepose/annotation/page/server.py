"""The page's server: for browsers of this machine only, and only for who was told the address.

It listens on 127.0.0.1. The address holds a random token, without which nothing is answered, so
that neither other users of the machine nor pages of the internet can read or write. Names in
``Host`` other than this machine's are refused, since a page of the internet may give its own name
the address 127.0.0.1. No path of a request ever becomes a path of a file.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import secrets
import socket
import socketserver
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from spinepose.annotation.page.sitting import RefusedError, Sitting
from spinepose.annotation.project import Project
from spinepose.errors import SpinePoseError, UsageError

__all__ = ["PageServer", "serve"]

_HOST = "127.0.0.1"
_OWN_NAMES = (_HOST, "localhost", "::1")
_LONGEST_BODY = 1 << 16
"""Bytes; 37 keypoints take 2000."""
_PATIENCE_S = 30.0
"""For a browser that begins a request and does not end it."""
_CLOSING_S = 0.05
"""How long closing may take."""

_JSON = "application/json"
_ASSETS = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
    **{
        name: (name, "text/javascript; charset=utf-8")
        for name in ("page.js", "labels.js", "panel.js", "spine.js", "store.js", "view.js")
    },
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    kind: str
    body: bytes
    caching: str = "no-store"


class PageServer:
    """A running server; close it, or use it in a ``with`` block.

    Attributes
    ----------
    url
        What to open; keep it secret.
    """

    def __init__(self, sitting: Sitting, port: int) -> None:
        token = secrets.token_urlsafe(16)
        try:
            self._server = _Server((_HOST, port), sitting, token)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"cannot listen on port {port}: {reason}; take another") from error
        self.url = f"http://{_HOST}:{self._server.server_address[1]}/{token}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_CLOSING_S,), daemon=True
        )
        self._thread.start()

    def wait(self) -> None:
        """Wait until the server is closed, or the program interrupted."""
        # Not without a limit: on Windows, waiting cannot be interrupted.
        while self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def close(self) -> None:
        """Stop; everything that was saved is on the disk already."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def serve(
    project: Project,
    annotator: str,
    *,
    round: int | None = None,
    items: Sequence[str] | None = None,
    port: int = 0,
    open_browser: bool = False,
    blind: bool = False,
) -> PageServer:
    """Serve the page for one annotator; returns at once.

    Parameters
    ----------
    project, annotator, round, items, blind
        See :class:`~spinepose.annotation.page.sitting.Sitting`.
    port
        0 takes a free one. With the same port as last time, work that a browser could not save
        because the server was gone is found and saved when the page is opened again.
    open_browser
        Open the page.

    Raises
    ------
    DataError
        The round has no guesses, or a file is broken.
    UsageError
        There is nothing to correct, the annotator's name is not fit for a file name, or the port
        cannot be had.
    """
    sitting = Sitting(project, annotator, round=round, items=items, blind=blind)
    server = PageServer(sitting, port)
    if open_browser:
        webbrowser.open(server.url)
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], sitting: Sitting, token: str) -> None:
        self.sitting, self.token = sitting, token
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # Without asking for this machine's name, which takes seconds on some.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        # A connection that a browser holds open would otherwise be served on.
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        # Browsers break off what they no longer want.
        if not isinstance(error, ConnectionError | TimeoutError):
            logger.error("a request failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "spinepose", ""
    timeout = _PATIENCE_S

    def do_GET(self) -> None:
        self._reply(self._get)

    def do_POST(self) -> None:
        self._reply(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: addresses hold the token."""

    def _reply(self, method: Any) -> None:
        """Answer with what a method gives, or say why not."""
        try:
            answer, status = method(self._path()), HTTPStatus.OK
        except RefusedError as error:
            answer, status = _json({"error": str(error)}), error.status
        except SpinePoseError as error:
            answer, status = _json({"error": str(error)}), HTTPStatus.INTERNAL_SERVER_ERROR
        self.send_response(status)
        if status != HTTPStatus.OK:
            # A body may be left unread.
            self.close_connection = True
            self.send_header("Connection", "close")
        headers = {
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            "Cache-Control": answer.caching,
        }
        for name, value in (headers | _HEADERS).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def _path(self) -> list[str]:
        """Return the parts of the path behind the token, if the request may come in."""
        host = self.headers.get("Host", "")
        if _host_name(host) not in _OWN_NAMES:
            raise RefusedError(HTTPStatus.FORBIDDEN, "this server is not known by that name")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise RefusedError(HTTPStatus.FORBIDDEN, "another page asked")
        token, slash, rest = self.path.partition("?")[0].removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise RefusedError(
                HTTPStatus.FORBIDDEN, "open the address that the program told when it was started"
            )
        return [unquote(part) for part in rest.split("/")] if slash else []

    def _get(self, path: list[str]) -> _Answer:
        sitting = self.server.sitting
        match path:
            case ["api", "overview"]:
                return _json(sitting.overview())
            case ["api", "items", item]:
                return _json(sitting.view(item))
            case ["api", "items", item, "picture"]:
                # The token makes the address new each time, and the item its content.
                return _Answer(*sitting.picture(item), "private, max-age=86400, immutable")
            case [name] if name in _ASSETS:
                return _asset(name)
        raise RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _post(self, path: list[str]) -> _Answer:
        said = self._body()
        match path:
            case ["api", "items", item]:
                return _json(self.server.sitting.save(item, said))
        raise RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _body(self) -> Any:
        # No form of another page can send this type without asking first.
        if self.headers.get_content_type() != _JSON:
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_JSON}")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "say how long it is")
        if len(length) > 9 or int(length) > _LONGEST_BODY:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "that is too long")
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "that is no JSON") from error


def _host_name(host: str) -> str | None:
    """Return the name in a ``Host`` header, without the port; a tunnel may change the port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _json(value: Any) -> _Answer:
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    return _Answer(_JSON, text.encode("utf-8", errors="replace"))


@cache
def _asset(name: str) -> _Answer:
    file, kind = _ASSETS[name]
    return _Answer(kind, (files(__package__) / "assets" / file).read_bytes())
