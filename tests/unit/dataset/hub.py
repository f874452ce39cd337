"""A hub on this machine, with the answers that its client needs, and a small SpineTrack on it."""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

REPOSITORY = "saifkhichi96/spinetrack"
COMMIT = "0123456789abcdef" * 2 + "01234567"
SPLITS = ("train-real-coco", "train-real-yoga", "train-unreal", "val2017")


@dataclass
class Hub:
    """What the hub has, how it behaves, and what it was asked."""

    files: dict[str, bytes]
    commit: str = COMMIT
    url: str = ""
    storage_url: str = ""
    lfs: bool = True
    """Large files lie elsewhere, on another origin, and their sha256 is known."""
    ranges: bool = True
    cut_at: int | None = None
    """Bytes of a file at which every connection that comes by breaks off."""
    status: int | None = None
    """Answer of the storage to everything."""
    login_page: bool = False
    wrong_sha256: bool = False
    authorizations: list[str | None] = field(default_factory=list)
    storage_authorizations: list[str | None] = field(default_factory=list)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, file, and the range."""
    sent: int = 0

    def ranges_of(self, name: str) -> list[str | None]:
        """Return the ranges that were asked of a file's storage."""
        return [asked for method, file, asked in self.asked if (method, file) == ("GET", name)]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _start(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _answer(self) -> None:
        if self.hub.login_page:
            page = b"<html>please log in</html>"
            self._start(200, Content_Type="text/html", Content_Length=len(page))
            if self.command == "GET":
                self.wfile.write(page)
            return
        stored = re.fullmatch(r"/storage/(.+)", self.path)
        if stored:
            self.hub.storage_authorizations.append(self.headers.get("Authorization"))
            self._send(stored[1])
            return
        match = re.fullmatch(rf"/datasets/{REPOSITORY}/resolve/([^/]+)/([^/]+)", self.path)
        if match is None:
            self._start(404, X_Error_Code="RepoNotFound", Content_Length=0)
            return
        self.hub.authorizations.append(self.headers.get("Authorization"))
        if match[1] not in ("main", self.hub.commit):
            self._start(404, X_Error_Code="RevisionNotFound", Content_Length=0)
        elif match[2] not in self.hub.files:
            self._start(404, X_Error_Code="EntryNotFound", Content_Length=0)
        else:
            self._resolve(match[2])

    def _resolve(self, name: str) -> None:
        content = self.hub.files[name]
        if not self.hub.lfs:
            etag = f'"{hashlib.sha1(content).hexdigest()}"'
            if self.command == "GET":
                self._send(name)
            else:
                self._start(
                    200, X_Repo_Commit=self.hub.commit, ETag=etag, Content_Length=len(content)
                )
            return
        sha256 = "0" * 64 if self.hub.wrong_sha256 else hashlib.sha256(content).hexdigest()
        self._start(
            302,
            X_Repo_Commit=self.hub.commit,
            X_Linked_Size=len(content),
            X_Linked_ETag=f'"{sha256}"',
            Location=f"{self.hub.storage_url}/storage/{name}",
            Content_Length=0,
        )

    def _send(self, name: str) -> None:
        hub, content = self.hub, self.hub.files[name]
        asked = self.headers.get("Range")
        hub.asked.append((self.command, name, asked))
        if hub.status is not None:
            self._start(hub.status, Content_Length=0)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and hub.ranges else 0
        if asked and hub.ranges:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._start(206, Content_Range=span, Content_Length=len(content) - start)
        else:
            self._start(200, Content_Length=len(content))
        cut = hub.cut_at is not None and start <= hub.cut_at
        stop = min(hub.cut_at, len(content)) if cut else len(content)
        for place in range(start, stop, 1 << 16):
            piece = content[place : min(place + (1 << 16), stop)]
            try:
                self.wfile.write(piece)
            except OSError:
                return
            hub.sent += len(piece)


@contextmanager
def serve(files: dict[str, bytes], **behaviour: Any) -> Iterator[Hub]:
    """Run a hub and its storage, which has another address as the real one's has."""
    hub = Hub(files, **behaviour)
    handler = type("Handler", (_Handler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        for server in servers
    ]
    for thread in threads:
        thread.start()
    hub.url, hub.storage_url = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
        for thread in threads:
            thread.join()
        for server in servers:
            server.server_close()


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip archive."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as writer:
        for name, content in members.items():
            writer.writestr(name, content)
    return packed.getvalue()


def picture(name: str, size: int) -> bytes:
    """Return bytes that do not compress, the same for the same name."""
    return random.Random(name).randbytes(size)


def small_spinetrack(
    pictures: int = 3, size: int = 3000, top: str = "", tail: int = 0
) -> dict[str, bytes]:
    """Return the two archives, with so many pictures of so many bytes in each split.

    `tail` more bytes of pictures of nobody follow: an archive goes on after what one wants.
    """
    labels = {
        f"{top}annotations/person_keypoints_{split}.json": json.dumps({"images": [split]}).encode()
        for split in SPLITS
    }
    images = {f"{top}images/": b""}
    for split in ("train-real-coco", "val2017", "train-real-yoga", "train-unreal"):
        for number in range(pictures):
            images[f"{top}images/{split}/{number:03}.jpg"] = picture(f"{split}{number}", size)
    if tail:
        images[f"{top}images/other/big.jpg"] = picture("tail", tail)
    return {
        "annotations.zip": archive(labels, zipfile.ZIP_DEFLATED),
        "images.zip": archive(images),
    }
