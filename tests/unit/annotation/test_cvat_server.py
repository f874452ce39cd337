"""cvat-sdk against a small stand-in for CVAT, which keeps what it gets and gives it back.

It knows the addresses that cvat-sdk calls (cvat-sdk 2.80): it does not know how CVAT itself reads
the format, so that these tests are about the conversation, not about CVAT.
"""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("cvat_sdk")

from spinepose.annotation.exchange.cvat_labels import cvat_labels
from spinepose.annotation.exchange.cvat_server import pull_cvat, push_cvat
from spinepose.annotation.project import Project
from spinepose.errors import DataError, InputError, UsageError
from spinepose.skeleton import COCO17, SPINETRACK
from tests.unit.annotation.labelled_people import make_project

TOKEN, PASSWORD = "secret-token", "secret-password"
FIRST = f"{10:016x}"


class StandIn:
    """What a CVAT has: tasks with labels, the files that were sent, annotations."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.labels: list[dict[str, Any]] = []
        self.pictures: list[str] = []
        self.annotations = b""
        self.calls: list[str] = []
        self.break_at = ""

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        self.calls.append(f"{method} {path}")
        if path == "/api/auth/login":
            if json.loads(body)["password"] != PASSWORD:
                said = "Unable to log in with provided credentials."
                return 400, {"non_field_errors": [said]}, {}
            return 200, {"key": "k"}, {"Set-Cookie": "sessionid=s", "Set-Cookie2": "csrftoken=c"}
        if headers.get("Authorization") != f"Bearer {TOKEN}" and "sessionid" not in str(
            headers.get("Cookie")
        ):
            return 401, {"detail": "Invalid token secret-token"}, {}
        if self.break_at and self.break_at in f"{method} {path}":
            return 500, {"detail": "too busy"}, {}
        routes = {
            r"GET /api/tasks": self.list_tasks,
            r"POST /api/tasks": self.create,
            r"GET /api/tasks/1": lambda *_: (200, self.tasks[0], {}),
            r"POST /api/tasks/1/data/?": self.upload_pictures,
            r"GET /api/requests/\w+": self.request,
            r"GET /api/labels": lambda *_: (200, listed(self.labels), {}),
            r"GET /api/tasks/1/annotations/?": self.shapes,
            r"(POST|PATCH) /api/tasks/1/annotations/?(tus)?": self.upload_annotations,
            r"POST /api/tasks/1/dataset/export": lambda *_: (202, {"rq_id": "export"}, {}),
            r"GET /file": lambda *_: (200, self.exported(), {}),
        }
        for pattern, route in routes.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                return route(query, headers, body)
        return 404, {"detail": f"no {method} {path}"}, {}

    def list_tasks(self, query: dict[str, list[str]], *_: Any) -> tuple[int, Any, dict[str, str]]:
        # CVAT's filter finds parts of names too.
        found = [task for task in self.tasks if query["name"][0] in task["name"]]
        return 200, listed(found), {}

    def create(self, _: Any, __: Any, body: bytes) -> tuple[int, Any, dict[str, str]]:
        spec = json.loads(body)
        jobs = {"count": 1, "completed": 0, "validation": 0}
        nothing = {"organization": None, "target_storage": None, "labels": {"url": ""}}
        self.tasks.append({"id": 1, "name": spec["name"], "size": 0, "jobs": jobs} | nothing)
        self.labels = [
            {"id": 1, "name": label["name"], "sublabels": label["sublabels"], "type": "skeleton"}
            for label in spec["labels"]
        ]
        return 201, self.tasks[0], {}

    def upload_pictures(self, _: Any, headers: Any, body: bytes) -> tuple[int, Any, dict[str, str]]:
        if "Upload-Multiple" in headers:
            self.pictures += re.findall(rb'filename="([^"]+)"', body)
            return 200, {}, {}
        if "Upload-Finish" in headers:
            self.tasks[0]["size"] = len(self.pictures)
            return 202, {"rq_id": "data"}, {}
        return 202, {}, {}

    def upload_annotations(
        self, query: dict[str, list[str]], headers: Any, body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        if "Upload-Start" in headers:
            return 202, {}, {}
        if "Upload-Finish" in headers:
            assert query["format"] == ["CVAT 1.1"]
            return 202, {"rq_id": "annotations"}, {}
        if "Upload-Length" in headers:
            place = f"http://{headers['Host']}/api/tasks/1/annotations/tus"
            return 201, {}, {"Location": place, "Upload-Filename": "annotations.xml"}
        self.annotations += body
        return 204, None, {"Upload-Offset": str(len(self.annotations))}

    def shapes(self, *_: Any) -> tuple[int, Any, dict[str, str]]:
        count = self.annotations.count(b"<skeleton")
        shape = {"type": "skeleton", "label_id": 1, "frame": 0}
        return 200, {"version": 1, "tags": [], "shapes": [shape] * count, "tracks": []}, {}

    def request(self, *_: Any) -> tuple[int, Any, dict[str, str]]:
        url = f"{self.url}/file"
        answer = {"status": "finished", "id": "1", "message": "", "result_url": url}
        operation = {"type": "export", "target": "task"}
        return 200, answer | {"operation": operation, "created_date": "2026-11-27T10:00:00Z"}, {}

    def exported(self) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("annotations.xml", self.annotations)
        return packed.getvalue()

    url = ""


def listed(results: list[Any]) -> dict[str, Any]:
    return {"count": len(results), "next": None, "previous": None, "results": results}


@pytest.fixture
def cvat() -> Iterator[StandIn]:
    known = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            status, answer, headers = known.answer(
                self.command, parts.path, query, self.headers, body
            )
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            content = b"" if answer is None else content
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key.removesuffix("2"), value)
            if not isinstance(answer, bytes):
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_HEAD = handle_any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def test_push_and_pull(cvat: StandIn, project: Project) -> None:
    assert push_cvat(cvat.url, TOKEN, project, "spines", wait_s=0) == 1
    assert len(cvat.pictures) == 2
    assert cvat.annotations.count(b"<skeleton") == 3
    (label,) = cvat.labels
    assert [part["name"] for part in label["sublabels"]] == list(SPINETRACK.keypoints)
    assert pull_cvat(cvat.url, TOKEN, project, "spines", "anna", wait_s=0) == []
    cvat.annotations = cvat.annotations.replace(b'"state">open<', b'"state">done<', 1)
    (correction,) = pull_cvat(cvat.url, TOKEN, project, "spines", "anna", wait_s=0)
    assert (correction.item, correction.annotator) == (FIRST, "anna")


def test_a_name_and_a_password_sign_in_too(cvat: StandIn, project: Project) -> None:
    assert push_cvat(cvat.url, f"anna:{PASSWORD}", project, "spines", wait_s=0) == 1


def test_a_whole_task_is_left_alone(cvat: StandIn, project: Project) -> None:
    push_cvat(cvat.url, TOKEN, project, "spines", wait_s=0)
    cvat.calls.clear()
    push_cvat(cvat.url, TOKEN, project, "spines", wait_s=0)
    assert not [call for call in cvat.calls if not call.startswith("GET")]


@pytest.mark.parametrize("where", ["POST /api/tasks/1/data", "POST /api/tasks/1/annotations"])
def test_what_broke_off_is_gone_on_with(cvat: StandIn, project: Project, where: str) -> None:
    cvat.break_at = where
    with pytest.raises(InputError, match="answered 500") as caught:
        push_cvat(cvat.url, TOKEN, project, "spines", wait_s=0)
    assert TOKEN not in str(caught.value)
    cvat.break_at = ""
    push_cvat(cvat.url, TOKEN, project, "spines", wait_s=0)
    assert len(cvat.tasks) == 1
    assert len(cvat.pictures) == 2
    assert cvat.annotations.count(b"<skeleton") == 3


@pytest.mark.parametrize("token", ["wrong-token", "anna:wrong-password"])
def test_a_wrong_token_is_not_repeated(cvat: StandIn, project: Project, token: str) -> None:
    with pytest.raises(UsageError, match="does not accept the token or password") as caught:
        push_cvat(cvat.url, token, project, "spines", wait_s=0)
    assert "wrong" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_task_with_other_keypoints(cvat: StandIn, project: Project, tmp_path: Path) -> None:
    push_cvat(cvat.url, TOKEN, make_project(tmp_path / "coco", COCO17), "spines", wait_s=0)
    assert len(cvat_labels(COCO17)[0]["sublabels"]) == len(cvat.labels[0]["sublabels"])
    with pytest.raises(DataError, match="has other keypoints than spinetrack"):
        push_cvat(cvat.url, TOKEN, project, "spines", wait_s=0)
    with pytest.raises(DataError, match="has no task 'spine'"):
        pull_cvat(cvat.url, TOKEN, project, "spine", "anna", wait_s=0)


def test_a_server_that_is_down(project: Project) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(InputError, match="cannot be reached: is CVAT running there") as caught:
        push_cvat(url, TOKEN, project, "spines", wait_s=0)
    assert "\n" not in str(caught.value)


def test_an_address_that_is_none(project: Project) -> None:
    with pytest.raises(UsageError, match="is no address of a CVAT"):
        push_cvat("localhost:8080", TOKEN, project, "spines")
