"""A Label Studio server: make a project, push pictures and guesses, pull corrections.

Spoken over its HTTP interface (api.labelstud.io). Pictures are uploaded, which works with any
server as it comes. Whatever broke off is gone on with by calling it again: pictures and tasks that
are there already are not sent twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeVar

from spinepose.annotation.exchange.label_studio import (
    corrections_of,
    is_config_of,
    labeling_config,
    task_of,
)
from spinepose.annotation.exchange.shown import Shown, picture_bytes, picture_name, shown_items
from spinepose.annotation.project import Project
from spinepose.annotation.records import Correction, Item
from spinepose.errors import DataError, InputError, UsageError

__all__ = ["LabelStudio", "pull", "push"]

T = TypeVar("T")

_TIMEOUT_S = (10, 300)
"""To be connected, and for an answer."""
_TASKS, _PICTURES, _PAGE = 100, 20, 100
"""How many are sent, or asked for, at once."""
_LONGEST_ANSWER = 200
"""Characters of a server's complaint that are repeated."""


class LabelStudio:
    """A server and who we are there.

    Parameters
    ----------
    url
        ``http://localhost:8080``.
    token
        An access token of Label Studio 1.18 or later (Account & Settings, Personal Access Token),
        or a legacy token. It never appears in a message.

    Raises
    ------
    UsageError
        The address or the token is none, or the server does not accept the token.
    InputError
        The server cannot be reached.
    """

    def __init__(self, url: str, token: str) -> None:
        import requests

        if not url.startswith(("http://", "https://")):
            raise UsageError(f"{url!r} is no address of a Label Studio: http://localhost:8080")
        self.url, self._token = url.rstrip("/"), token.strip()
        if not re.fullmatch(r"[\w.-]+", self._token, re.ASCII):
            raise UsageError(
                "the token of Label Studio is not one: copy all of it, and nothing else"
            )
        self._credential = ""
        self._session = requests.Session()
        # As a header it would give way to a password file of the user's (.netrc).
        self._session.auth = self._signed
        self._sign_in()

    def get(self, path: str, **parameters: Any) -> Any:
        """Return what the server has there."""
        return self._ask("GET", path, params=parameters)

    def post(self, path: str, **sent: Any) -> Any:
        """Send something (`json`, `files`, `params`, as requests has it) and return the answer."""
        return self._ask("POST", path, **sent)

    def pages(
        self, path: str, key: str, total: str, **parameters: Any
    ) -> Iterator[Mapping[str, Any]]:
        """Yield all of a list that comes in pages, which say how many there are in `total`."""
        seen, page = 0, 1
        while True:
            answer = self.get(path, page=page, page_size=_PAGE, **parameters)
            if not isinstance(answer, dict) or not answer.keys() >= {key, total}:
                raise InputError(f"{self.url}{path} does not answer as a Label Studio does")
            yield from answer[key]
            seen, page = seen + len(answer[key]), page + 1
            if not answer[key] or seen >= answer[total]:
                return

    def _sign_in(self) -> None:
        """Take the token as the credential; one in three parts buys others that last minutes."""
        if self._token.count(".") != 2:
            self._credential = f"Token {self._token}"
            return
        self._credential = ""
        answer = self._send("POST", "/api/token/refresh/", json={"refresh": self._token})
        self._credential = f"Bearer {self._json(answer)['access']}"

    def _signed(self, request: Any) -> Any:
        if self._credential:
            request.headers["Authorization"] = self._credential
        return request

    def _ask(self, method: str, path: str, **sent: Any) -> Any:
        answer = self._send(method, path, **sent)
        if answer.status_code == 401 and self._token.count(".") == 2:
            self._sign_in()
            answer = self._send(method, path, **sent)
        return self._json(answer)

    def _send(self, method: str, path: str, **sent: Any) -> Any:
        import requests

        try:
            return self._session.request(
                method, self.url + path, timeout=_TIMEOUT_S, allow_redirects=False, **sent
            )
        except requests.exceptions.Timeout as error:
            raise InputError(f"{self.url} did not answer in time; call it again later") from error
        except requests.exceptions.RequestException:
            # The chained error could repeat what was sent.
            raise InputError(
                f"{self.url} cannot be reached: is Label Studio running there? Nothing is lost, "
                "call it again later"
            ) from None

    def _json(self, answer: Any) -> Any:
        status = answer.status_code
        if status in (401, 403):
            raise UsageError(
                f"{self.url} does not accept the token, or it may not do this: copy it again from "
                "Account & Settings (legacy tokens must be allowed there)"
            )
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not 200 <= status < 300 or body is None:
            raise InputError(f"{self.url} answered {status}: {self._complaint(body)}")
        return body

    def _complaint(self, body: Any) -> str:
        said = (
            body.get("validation_errors") or body.get("detail") if isinstance(body, dict) else body
        )
        text = " ".join(str(said or "is it a Label Studio?").split())
        return text.replace(self._token, "...")[:_LONGEST_ANSWER]


def push(
    server: LabelStudio,
    project: Project,
    title: str,
    *,
    round: int | None = None,
    items: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Send items and their guesses to the project of a server; what is there is not sent again.

    Parameters
    ----------
    server
        Where to.
    project
        Of any skeleton.
    title
        Of the project there; it is made if there is none.
    round
        Whose guesses; the latest if `None`.
    items
        Ids in the order wanted; the round's queue if `None`, or all items if it has none.
    on_progress
        Called with the items done and all those to do.

    Returns
    -------
    int
        How many tasks were added.

    Raises
    ------
    DataError
        The project there has other keypoints; a picture is gone or changed; an item is unknown.
    InputError
        The server cannot be reached or refuses something.
    UsageError
        There is nothing to correct, or the token is wrong.
    """
    shown = shown_items(project, round, items)
    number = _find(server, project, title) or _create(server, project, title)
    there = {str(task["data"].get("item")) for task in _tasks(server, number)}
    missing = [one for one in shown if one.item.id not in there]
    pictures, done = _uploaded(server, number), len(shown) - len(missing)
    for some in _batches(missing, _TASKS):
        _upload(server, number, project, some, pictures)
        tasks = [task_of(one, project.skeleton, pictures[picture_name(one.item)]) for one in some]
        server.post(f"/api/projects/{number}/import", json=tasks)
        done += len(some)
        on_progress(done, len(shown))
    return len(missing)


def pull(server: LabelStudio, project: Project, title: str) -> list[Correction]:
    """Return what people corrected in the project of a server.

    Raises
    ------
    DataError
        There is no such project, it has other keypoints, or what it says makes no sense.
    InputError
        The server cannot be reached or refuses something.
    UsageError
        The token is wrong.
    """
    number = _find(server, project, title)
    if number is None:
        raise DataError(f"{server.url} has no project {title!r}; push items to it first")
    users = {user["id"]: str(user["email"]) for user in server.get("/api/users/")}
    exported = server.get(f"/api/projects/{number}/export", exportType="JSON")
    source = f"{server.url}, project {title!r}"
    return corrections_of(exported, project, names=users, source=source)


def _find(server: LabelStudio, project: Project, title: str) -> int | None:
    """Return the number of the project there, if its keypoints are ours."""
    listed = list(server.pages("/api/projects/", "results", "count"))
    found = [one for one in listed if one["title"] == title]
    if not found:
        return None
    if len(found) > 1:
        raise DataError(f"{server.url} has {len(found)} projects {title!r}; rename all but one")
    if not is_config_of(str(found[0]["label_config"]), project.skeleton):
        raise DataError(
            f"the project {title!r} of {server.url} has another labelling interface than that of "
            f"{project.skeleton.name}; choose another title"
        )
    return int(found[0]["id"])


def _create(server: LabelStudio, project: Project, title: str) -> int:
    spec = {
        "title": title,
        "label_config": labeling_config(project.skeleton),
        "show_collab_predictions": True,
    }
    return int(server.post("/api/projects/", json=spec)["id"])


def _tasks(server: LabelStudio, number: int) -> Iterator[Mapping[str, Any]]:
    return server.pages("/api/tasks/", "tasks", "total", project=number)


def _uploaded(server: LabelStudio, number: int) -> dict[str, str]:
    """Return where the pictures that are there already lie, by name."""
    found = server.get(f"/api/projects/{number}/file-uploads", all="true")
    paths = [PurePosixPath(str(upload["file"])) for upload in found]
    # The server puts random letters and a dash before the name.
    return {path.name.partition("-")[2]: f"/data/{path}" for path in paths}


def _upload(
    server: LabelStudio,
    number: int,
    project: Project,
    shown: Sequence[Shown],
    pictures: dict[str, str],
) -> None:
    """Send the pictures that are not there yet, and note them in `pictures`."""
    wanted: dict[str, Item] = {picture_name(one.item): one.item for one in shown}
    missing = [(name, item) for name, item in wanted.items() if name not in pictures]
    for some in _batches(missing, _PICTURES):
        files = {name: (name, picture_bytes(project, item)) for name, item in some}
        # Only the files: each would become a task otherwise.
        path = f"/api/projects/{number}/import"
        server.post(path, files=files, params={"commit_to_project": "false"})
    pictures |= _uploaded(server, number) if missing else {}


def _batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
