"""A real Label Studio: a project made, guesses pushed, corrections of two people pulled.

Its server is a heavy install and no dependency of this package. Install it somewhere else
(``python -m venv ls && ls/bin/pip install label-studio``) and name it::

    SPINEPOSE_LABEL_STUDIO=ls/bin/label-studio pytest tests/integration/test_label_studio_server.py
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from spinepose.annotation.exchange.label_studio_server import LabelStudio, pull, push
from spinepose.annotation.exchange.said import take_over
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT, HIDDEN, SEEN
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import COCO17, SPINETRACK
from tests.unit.annotation.labelled_people import make_project

EXECUTABLE = os.environ.get("SPINEPOSE_LABEL_STUDIO") or shutil.which("label-studio")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        EXECUTABLE is None, reason="needs label-studio on PATH or in SPINEPOSE_LABEL_STUDIO"
    ),
]

START_S = 300
ANNA, BEN, PASSWORD = "anna@example.org", "ben@example.org", "correct horse 7"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
FIRST, SECOND, ALONE = (f"{number:016x}" for number in (10, 11, 12))


@dataclass(frozen=True)
class Running:
    url: str
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "HOME": str(folder),
        "DJANGO_DB": "sqlite",
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "LABEL_STUDIO_USERNAME": ANNA,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    command = [str(EXECUTABLE), "start", "--no-browser", "--data-dir", str(folder)]
    command += ["--internal-host", "127.0.0.1", "--port", str(port)]
    command += ["--username", ANNA, "--password", PASSWORD, "--user-token", TOKEN]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | settings, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_until_up(url, process, folder / "log.txt")
            tokens = {"anna": TOKEN, "ben": token_of_new_user(url), "anna's": access_token(url)}
            yield Running(url, tokens)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with contextlib.suppress(requests.exceptions.ConnectionError):
            if requests.get(f"{url}/health", timeout=10).ok:
                return
        if process.poll() is not None:
            break
        time.sleep(0.5)
    pytest.fail(f"Label Studio did not start: {log.read_text(errors='replace')[-2000:]}")


def signed_in(url: str, page: str, email: str) -> requests.Session:
    """Fill in a form as people do."""
    session = requests.Session()
    session.get(f"{url}/user/{page}/", timeout=30).raise_for_status()
    form = {"email": email, "password": PASSWORD, "allow_newsletters": "false"}
    form["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
    session.post(f"{url}/user/{page}/", data=form, timeout=30).raise_for_status()
    assert "sessionid" in session.cookies
    return session


def token_of_new_user(url: str) -> str:
    with signed_in(url, "signup", BEN) as session:
        return str(session.get(f"{url}/api/current-user/token", timeout=30).json()["token"])


def access_token(url: str) -> str:
    """Return a Personal Access Token, which is what new versions give to people."""
    with signed_in(url, "login", ANNA) as session:
        headers = {"X-CSRFToken": session.cookies["csrftoken"]}
        answer = session.post(f"{url}/api/token/", headers=headers, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["token"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def tasks(server: LabelStudio, title: str) -> dict[str, dict[str, Any]]:
    """Return the tasks of a project by item."""
    listed = server.get("/api/projects/", page_size=100)["results"]
    (number,) = (one["id"] for one in listed if one["title"] == title)
    found = server.get("/api/tasks/", project=number, fields="all")["tasks"]
    return {task["data"]["item"]: task for task in found}


def test_guesses_and_pictures_arrive_once(running: Running, project: Project) -> None:
    server = LabelStudio(running.url, running.tokens["anna"])
    seen: list[tuple[int, int]] = []
    assert push(server, project, "once", on_progress=lambda *done: seen.append(done)) == 3
    assert seen == [(3, 3)]
    there = tasks(server, "once")
    assert set(there) == {FIRST, SECOND, ALONE}
    results = there[FIRST]["predictions"][0]["result"]
    points = {r["value"]["keypointlabels"][0]: r for r in results if "keypointlabels" in r["value"]}
    assert len(points) == len(SPINETRACK) - 2
    x, _ = project.guesses(0)[FIRST].keypoints[SPINETRACK.index("spine_03")]
    assert points["spine_03"]["value"]["x"] == pytest.approx(100 * (x + 0.5) / 320)
    # What is of another model than the project's is not shown to annotators.
    model = server.get(f"/api/projects/{there[FIRST]['project']}/")["model_version"]
    assert {task["predictions"][0]["model_version"] for task in there.values()} == {model}
    picture = there[FIRST]["data"]["picture"]
    assert picture == there[SECOND]["data"]["picture"] != there[ALONE]["data"]["picture"]
    headers = {"Authorization": f"Token {running.tokens['anna']}"}
    shown = requests.get(running.url + picture, headers=headers, timeout=30)
    assert shown.content == project.picture(project.items()[FIRST]).read_bytes()

    number = there[FIRST]["project"]
    uploads = server.get(f"/api/projects/{number}/file-uploads", all="true")
    assert len(uploads) == 2
    assert push(server, project, "once") == 0
    # As if the last upload had broken off.
    url = f"{running.url}/api/tasks/{there[SECOND]['id']}/"
    requests.delete(url, headers=headers, timeout=30).raise_for_status()
    assert push(server, project, "once") == 1
    assert set(tasks(server, "once")) == {FIRST, SECOND, ALONE}
    assert server.get(f"/api/projects/{number}/file-uploads", all="true") == uploads


def test_two_people_correct_the_same_item(running: Running, project: Project) -> None:
    anna, ben = (LabelStudio(running.url, running.tokens[who]) for who in ("anna", "ben"))
    push(anna, project, "two")
    assert pull(anna, project, "two") == []
    task = tasks(anna, "two")[FIRST]
    result = task["predictions"][0]["result"]
    neck, wrist, nose = (
        next(r for r in result if r["value"].get("keypointlabels") == [name])
        for name in ("neck", "left_wrist", "nose")
    )
    guess = project.guesses(0)[FIRST].keypoints

    path = f"/api/tasks/{task['id']}/annotations/"
    ben.post(path, json={"result": result, "lead_time": 7.5})
    neck["value"] |= {"x": 50.0, "y": 25.0}
    hidden = {
        "id": wrist["id"],
        "from_name": "hidden",
        "to_name": "picture",
        "type": "choices",
        "value": {"choices": ["hidden"]},
    }
    corrected = [r for r in result if r is not nose] + [hidden]
    anna.post(path, json={"result": corrected, "lead_time": 20.25})

    found = {one.annotator: one for one in pull(anna, project, "two")}
    assert set(found) == {"anna.example.org", "ben.example.org"}
    indices = SPINETRACK.indices(["neck", "left_wrist", "nose"])
    hers, his = found["anna.example.org"], found["ben.example.org"]
    np.testing.assert_allclose(hers.keypoints[indices[0]], [159.5, 59.5])
    np.testing.assert_allclose(hers.keypoints[indices[1]], guess[indices[1]], atol=1e-6)
    assert hers.visibility[indices].tolist() == [SEEN, HIDDEN, ABSENT]
    assert np.flatnonzero(hers.moved).tolist() == sorted(indices[[0, 2]].tolist())
    assert (his.visibility[indices] == SEEN).all()
    assert not his.moved.any()
    assert (hers.seconds, his.seconds) == (20.25, 7.5)
    assert hers.round == his.round == 0
    assert not hers.rejected

    assert take_over(project, found.values()) == (2, 0, 0)
    assert take_over(project, pull(anna, project, "two")) == (0, 2, 0)
    assert set(project.annotators()) == set(found)


def test_no_person_and_skipped(running: Running, project: Project) -> None:
    server = LabelStudio(running.url, running.tokens["anna"])
    push(server, project, "verdict", items=[FIRST, SECOND])
    there = tasks(server, "verdict")
    verdict = {
        "from_name": "verdict",
        "to_name": "picture",
        "type": "choices",
        "value": {"choices": ["no person"]},
    }
    server.post(f"/api/tasks/{there[FIRST]['id']}/annotations/", json={"result": [verdict]})
    skipped = {"result": [], "was_cancelled": True}
    server.post(f"/api/tasks/{there[SECOND]['id']}/annotations/", json=skipped)
    (correction,) = pull(server, project, "verdict")
    assert (correction.item, correction.rejected) == (FIRST, True)
    assert (correction.visibility == ABSENT).all()


def test_more_tasks_than_a_page_has(running: Running, project: Project) -> None:
    from dataclasses import replace

    first = project.items()[FIRST]
    more = [replace(first, id=f"{number:016x}") for number in range(1000, 1197)]
    project.add_items(more)
    server = LabelStudio(running.url, running.tokens["anna"])
    assert push(server, project, "many") == 200
    assert push(server, project, "many") == 0


def test_an_access_token_signs_in(running: Running, project: Project) -> None:
    assert running.tokens["anna's"].count(".") == 2
    server = LabelStudio(running.url, running.tokens["anna's"])
    assert push(server, project, "access token") == 3
    # As after the minutes that the server allows.
    server._credential = "Bearer a.b.c"
    assert push(server, project, "access token") == 0


@pytest.mark.parametrize("wrong", ["f" * 40, "aaaa.bbbb.cccc"])
def test_a_wrong_token_is_not_repeated(running: Running, project: Project, wrong: str) -> None:
    with pytest.raises(UsageError, match="does not accept the token") as caught:
        push(LabelStudio(running.url, wrong), project, "wrong")
    assert wrong not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_project_with_other_keypoints(running: Running, project: Project, tmp_path: Path) -> None:
    server = LabelStudio(running.url, running.tokens["anna"])
    push(server, make_project(tmp_path / "coco", COCO17), "other keypoints")
    for work in (push, pull):
        with pytest.raises(DataError, match="has another labelling interface"):
            work(server, project, "other keypoints")
    with pytest.raises(DataError, match="has no project 'nowhere'"):
        pull(server, project, "nowhere")


def test_items_of_another_project(running: Running, project: Project, tmp_path: Path) -> None:
    server = LabelStudio(running.url, running.tokens["anna"])
    push(server, project, "foreign")
    task = tasks(server, "foreign")[FIRST]
    server.post(f"/api/tasks/{task['id']}/annotations/", json={"result": []})
    other = Project.create(tmp_path / "other", {})
    with pytest.raises(DataError, match="an item that the project does not have"):
        pull(server, other, "foreign")
