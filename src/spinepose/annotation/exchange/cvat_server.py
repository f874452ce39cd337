"""A CVAT server, through its own library (cvat-sdk): push a task with guesses, pull corrections.

The server reads and writes the format of :mod:`.cvat_xml`, so that there is one way for files and
servers. Whatever broke off is gone on with by calling it again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spinepose.annotation.exchange.cvat_labels import PERSON, cvat_labels
from spinepose.annotation.exchange.cvat_xml import read_cvat, write_cvat
from spinepose.annotation.exchange.shown import picture_bytes, picture_name, shown_items
from spinepose.annotation.project import Project
from spinepose.annotation.records import Correction
from spinepose.errors import DataError, InputError, MissingExtraError, UsageError

__all__ = ["pull_cvat", "push_cvat"]

_IMPORT, _EXPORT = "CVAT 1.1", "CVAT for images 1.1"
_QUALITY = 95
"""Of the JPEG that people are shown."""


def push_cvat(
    url: str,
    token: str,
    project: Project,
    title: str,
    *,
    round: int | None = None,
    items: Sequence[str] | None = None,
    wait_s: float = 2.0,
) -> int:
    """Make a task with pictures and guesses.

    Parameters
    ----------
    url
        ``https://app.cvat.ai`` or one's own.
    token
        A personal access token (CVAT 2.39 or later), or ``USER:PASSWORD``. It never appears in a
        message.
    project
        Of any skeleton.
    title
        Of the task. If there is one without pictures or guesses, since it broke off, it is filled;
        one that is whole is left alone.
    round
        Whose guesses; the latest if `None`.
    items
        Ids in the order wanted; the round's queue if `None`, or all items if it has none.
    wait_s
        Between two looks whether the server is done.

    Returns
    -------
    int
        The task's number; ``URL/tasks/NUMBER`` shows it.

    Raises
    ------
    DataError
        A task of that title is there with other keypoints; a picture is gone or changed; an item is
        unknown.
    InputError
        The server cannot be reached or refuses something.
    UsageError
        There is nothing to correct, or token or password are wrong.
    MissingExtraError
        cvat-sdk is not installed.
    """
    shown = shown_items(project, round, items)
    with TemporaryDirectory() as folder, _signed_in(url, token, wait_s) as client:
        task = _find(client, project, title, url)
        if task is None:
            spec = {"name": title, "labels": cvat_labels(project.skeleton)}
            task = client.tasks.create(spec)
        if not task.size:
            pictures = {picture_name(one.item): one.item for one in shown}
            paths = [Path(folder) / name for name in pictures]
            for path, item in zip(paths, pictures.values(), strict=True):
                path.write_bytes(picture_bytes(project, item))
            order = {"sorting_method": "predefined", "image_quality": _QUALITY}
            task.upload_data(paths, params=order)
        if not task.get_annotations().shapes:
            file = Path(folder) / "annotations.xml"
            write_cvat(file, project, round=round, items=items)
            task.import_annotations(_IMPORT, file)
        return int(task.id)


def pull_cvat(
    url: str, token: str, project: Project, title: str, annotator: str, *, wait_s: float = 2.0
) -> list[Correction]:
    """Return what people corrected in a task.

    Parameters
    ----------
    url, token, project, title, wait_s
        See :func:`push_cvat`.
    annotator
        Who corrected; CVAT does not note it.

    Raises
    ------
    DataError
        There is no such task, or what it says makes no sense.
    InputError
        The server cannot be reached or refuses something.
    UsageError
        Token or password are wrong.
    MissingExtraError
        cvat-sdk is not installed.
    """
    with TemporaryDirectory() as folder, _signed_in(url, token, wait_s) as client:
        task = _find(client, project, title, url)
        if task is None:
            raise DataError(f"{url} has no task {title!r}; push items to it first")
        file = Path(folder) / f"CVAT task {task.id}.zip"
        task.export_dataset(_EXPORT, file, include_images=False)
        return read_cvat(file, project, annotator)


@contextlib.contextmanager
def _signed_in(url: str, token: str, wait_s: float) -> Iterator[Any]:
    """Give a client of cvat-sdk; what goes wrong in the block is told in one line."""
    try:
        from cvat_sdk.api_client.exceptions import ApiException, OpenApiException
        from cvat_sdk.core.client import AccessTokenCredentials, Client, Config
        from cvat_sdk.core.exceptions import CvatSdkException
        from urllib3.exceptions import HTTPError
    except ImportError as error:
        raise MissingExtraError("a CVAT server", "annotate") from error
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url!r} is no address of a CVAT: https://app.cvat.ai")
    user, colon, password = token.partition(":")
    inside = False
    try:
        config = Config(status_check_period=wait_s)
        with Client(url, config=config, check_server_version=False) as client:
            client.login((user, password) if colon else AccessTokenCredentials(token))
            inside = True
            yield client
    # Their messages repeat headers and what was sent: none is passed on, nor chained.
    except HTTPError:
        raise InputError(
            f"{url} cannot be reached: is CVAT running there? Nothing is lost, call it again later"
        ) from None
    except ApiException as error:
        if error.status in (401, 403) or not inside:
            raise UsageError(f"{url} does not accept the token or password") from None
        raise InputError(f"{url} answered {error.status} {error.reason or ''}".rstrip()) from None
    except (CvatSdkException, OpenApiException, AssertionError, TypeError) as error:
        # Answers that the library does not know end in any of these.
        raise InputError(
            f"{url} does not answer as cvat-sdk expects ({type(error).__name__}): is it a CVAT of "
            "about the version of cvat-sdk?"
        ) from error


def _find(client: Any, project: Project, title: str, url: str) -> Any:
    """Return the task of a title, if its keypoints are ours; `None` if there is none."""
    found = [task for task in client.tasks.list(name=title) if task.name == title]
    if not found:
        return None
    if len(found) > 1:
        raise DataError(f"{url} has {len(found)} tasks {title!r}; rename all but one")
    names = {
        part.name
        for label in found[0].get_labels()
        if label.name == PERSON
        for part in label.sublabels
    }
    if names != set(project.skeleton.keypoints):
        raise DataError(
            f"the task {title!r} of {url} has other keypoints than {project.skeleton.name}; choose "
            "another title"
        )
    return found[0]
