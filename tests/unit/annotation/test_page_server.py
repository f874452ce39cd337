import errno
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from spinepose.annotation.page import PageServer, serve
from spinepose.annotation.project import Project
from spinepose.errors import OutputError, UsageError
from tests.unit.annotation.page_project import write_project

HOSTILE = ("../../project.json", "a/b?c#d", "<img src=x onerror=alert(1)>\n\u2028é")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_project(tmp_path / "project")


@pytest.fixture
def server(project: Project) -> Iterator[PageServer]:
    with serve(project, "anna") as running:
        yield running


class Browser:
    """Sends requests as they are, however wrong."""

    def __init__(self, server: PageServer) -> None:
        self.address = urlsplit(server.url)

    def ask(
        self, path: str, body: Any = None, method: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """Return status and body of a path below the token."""
        status, _, data = self.raw(self.address.path + path, body, method, headers)
        return status, json.loads(data)

    def raw(
        self, path: str, body: Any = None, method: str | None = None, headers: Any = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(self.address.netloc, timeout=10)
        try:
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
                headers = {"Content-Type": "application/json"} | (headers or {})
            how = method or ("GET" if body is None else "POST")
            connection.request(how, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture
def browser(server: PageServer) -> Browser:
    return Browser(server)


def agreed(view: dict[str, Any]) -> dict[str, Any]:
    points = view["guess"]["keypoints"]
    return {
        "keypoints": points,
        "visibility": [0 if point is None else 2 for point in points],
        "seconds": 1.0,
        "rejected": False,
        "revision": view["revision"],
    }


def test_only_this_machine_can_reach_it(server: PageServer) -> None:
    assert urlsplit(server.url).hostname == "127.0.0.1"
    assert server._server.socket.getsockname()[0] == "127.0.0.1"


def test_save_and_show_again(browser: Browser, project: Project) -> None:
    status, view = browser.ask("api/items/aaa")
    assert status == 200
    said = agreed(view)
    said["keypoints"][0] = [12.5, 30.0]
    answer = {"revision": 1, "changed": False, "state": "done"}
    assert browser.ask("api/items/aaa", said) == (200, answer)
    assert browser.ask("api/items/aaa", said) == (200, answer | {"revision": 2, "changed": True})
    assert project.corrections("anna")["aaa"].keypoints[0].tolist() == [12.5, 30.0]
    again = browser.ask("api/items/aaa")[1]
    assert again["correction"]["keypoints"][0] == [12.5, 30.0]
    assert again["revision"] == 2
    overview = browser.ask("api/overview")[1]
    assert [task["state"] for task in overview["tasks"]] == ["done", "open", "open"]


@pytest.mark.parametrize(
    ("asset", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_the_page_may_load_nothing_from_elsewhere(browser: Browser, asset: str, kind: str) -> None:
    status, headers, data = browser.raw(browser.address.path + asset)
    assert status == 200
    assert headers["Content-Type"] == kind
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Python" not in headers["Server"]
    assert b"http://" not in data.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in data


def test_every_script_that_is_imported_is_served(browser: Browser) -> None:
    folder = Path(__file__).parents[3] / "src/spinepose/annotation/page/assets"
    for path in folder.iterdir():
        name = "" if path.name == "page.html" else path.name
        status, _, data = browser.raw(browser.address.path + name)
        assert (status, data) == (200, path.read_bytes())


def test_pictures_may_be_kept_and_the_rest_not(browser: Browser, project: Project) -> None:
    place = browser.address.path
    _, headers, data = browser.raw(f"{place}api/items/aaa/picture")
    assert headers["Content-Type"] == "image/png"
    assert headers["Cache-Control"] == "private, max-age=86400, immutable"
    assert data == (project.root / "pictures" / "0.png").read_bytes()
    assert browser.raw(f"{place}api/items/aaa")[1]["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/api/overview", "/wrong/", "/wrong/api/items/aaa", "//", "*"]
)
def test_nothing_without_the_token(browser: Browser, path: str) -> None:
    status, headers, data = browser.raw(path)
    assert status == 403
    assert "open the address" in json.loads(data)["error"]
    assert "Content-Security-Policy" in headers
    assert browser.raw(path, {})[0] == 403


def test_tokens_differ(project: Project, server: PageServer) -> None:
    with serve(project, "anna") as other:
        token = urlsplit(other.url).path
        assert len(token) > 20
        assert token != urlsplit(server.url).path
        assert Browser(server).raw(token)[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "", "[::1", "0.0.0.0"]
)
def test_other_names_of_the_host_are_refused(browser: Browser, host: str) -> None:
    status, answer = browser.ask("api/overview", Host=host)
    assert (status, answer["error"]) == (403, "this server is not known by that name")


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:1", "[::1]:80", "LOCALHOST"])
def test_a_tunnel_may_have_another_port(browser: Browser, host: str) -> None:
    assert browser.ask("api/overview", Host=host)[0] == 200


def test_other_pages_cannot_write(browser: Browser, project: Project) -> None:
    said = agreed(browser.ask("api/items/aaa")[1])
    assert browser.ask("api/items/aaa", said, Origin="http://evil.example")[0] == 403
    assert browser.ask("api/items/aaa", said, Origin="null")[0] == 403
    form = {"Content-Type": "text/plain"}
    status, _, _ = browser.raw(f"{browser.address.path}api/items/aaa", said, None, form)
    assert status == 415
    assert project.annotators() == []
    own = f"http://{browser.address.netloc}"
    assert browser.ask("api/items/aaa", said, Origin=own)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "api/items/zzz",
        "api/items/",
        "api/items/..%2f..%2fproject.json",
        "api/items/../../project.json/picture",
        "../project.json",
        "%2e%2e/project.json",
        "page.html",
        "server.py",
        "assets/page.js",
        "/etc/passwd",
        "api/overview/",
        "api/items/aaa/picture/x",
        "api/items/%00",
    ],
)
def test_paths_are_no_paths_of_files(browser: Browser, path: str) -> None:
    assert browser.ask(path)[0] == 404
    assert browser.ask(path, {})[0] == 404


def test_hostile_names_of_items_are_only_names(tmp_path: Path) -> None:
    project = write_project(tmp_path, HOSTILE, HOSTILE)
    with serve(project, "anna") as server:
        browser = Browser(server)
        tasks = browser.ask("api/overview")[1]["tasks"]
        assert [(task["item"], task["reason"]) for task in tasks] == [
            *zip(HOSTILE, HOSTILE, strict=True)
        ]
        for name in HOSTILE:
            place = f"api/items/{quote(name, safe='')}"
            status, view = browser.ask(place)
            assert (status, view["item"]) == (200, name)
            assert browser.ask(place, agreed(view))[0] == 200
    assert set(project.corrections("anna")) == set(HOSTILE)
    assert [path.name for path in (tmp_path / "corrections").iterdir()] == ["anna.jsonl"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 60000, b"[]", b"null", b'{"a": 1}'])
def test_bodies_that_are_nothing(browser: Browser, project: Project, body: bytes) -> None:
    json_type = {"Content-Type": "application/json"}
    status, _, data = browser.raw(f"{browser.address.path}api/items/aaa", body, "POST", json_type)
    assert status == 400
    assert json.loads(data)["error"]
    assert project.annotators() == []


def test_bodies_that_are_too_long_are_not_read(browser: Browser) -> None:
    path = f"{browser.address.path}api/items/aaa"
    for length, status in ((str(1 << 17), 413), ("9" * 5000, 413), ("-1", 411), ("²", 411)):
        with socket.create_connection((browser.address.hostname, browser.address.port), 10) as line:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            line.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode("latin-1"))
            answer = b"".join(iter(lambda line=line: line.recv(4096), b""))
        assert answer.split(b" ", 2)[1] == str(status).encode()
        assert b"Connection: close" in answer


def test_other_methods(browser: Browser) -> None:
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert browser.raw(f"{browser.address.path}api/items/aaa", None, method)[0] == 501


def test_a_full_disk_is_told_and_the_server_lives_on(
    browser: Browser, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = agreed(browser.ask("api/items/aaa")[1])

    def full(*_: Any) -> None:
        raise OutputError("cannot write anna.jsonl: No space left on device") from OSError(
            errno.ENOSPC, "No space left on device"
        )

    with monkeypatch.context() as patch:
        patch.setattr(Project, "add_corrections", full)
        status, answer = browser.ask("api/items/aaa", said)
        assert status == 500
        assert "No space left" in answer["error"]
    assert browser.ask("api/items/aaa", said)[0] == 200


def test_a_closed_server_is_gone(project: Project) -> None:
    server = serve(project, "anna")
    browser = Browser(server)
    held = http.client.HTTPConnection(browser.address.netloc, timeout=10)
    held.request("GET", browser.address.path)
    assert held.getresponse().read()
    server.close()
    # Not even for those who hold a connection open.
    with pytest.raises(ConnectionError):  # noqa: PT012
        held.request("GET", browser.address.path)
        held.getresponse()
    held.close()
    server.wait()
    with pytest.raises(ConnectionRefusedError):
        browser.ask("api/overview")


def test_ports(project: Project, server: PageServer) -> None:
    port = urlsplit(server.url).port
    assert port
    with pytest.raises(UsageError, match=f"cannot listen on port {port}: .*; take another"):
        serve(project, "anna", port=port)
    with pytest.raises(UsageError, match="cannot listen on port 70000"):
        serve(project, "anna", port=70000)


def test_the_browser_is_opened_if_wanted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with serve(project, "anna", open_browser=True) as server:
        assert opened == [server.url]
