"""From a folder of photos and videos to the people in them: the items of a project."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spinepose.annotation.project import Project
from spinepose.annotation.records import Item
from spinepose.annotation.store import append_lines, read_lines_as
from spinepose.errors import InputError, UsageError
from spinepose.media import Frame, Source, VideoReader, read_image, resolve_sources, write_image
from spinepose.models.download import file_sha256

__all__ = ["Detector", "Gathered", "gather", "item_id", "relative_path", "source_content"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

EVERY_S = 0.5
LEAST_SIZE = 64.0
"""Of a person, px: with fewer a vertebra is not a pixel from the next."""

_SOURCES = "sources.jsonl"
_ID = 16
_SLACK = 1e-6
"""Seconds that times of frames are rounded by."""

logger = logging.getLogger(__name__)


class Detector(Protocol):
    """What finds people, such as :class:`~spinepose.inference.detector.PersonDetector`."""

    def detect(self, image: UInt8) -> tuple[Float32, Float32]:
        """Return boxes (N, 4) xyxy px and scores (N,) of the people in an RGB image (H, W, 3)."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one call of :func:`gather` did.

    Attributes
    ----------
    pictures
        That were looked at: photos, and frames of videos.
    items
        People that were added.
    small
        People that were too small.
    known
        Sources that were there already, perhaps under another name.
    broken
        Sources that cannot be read.
    """

    pictures: int = 0
    items: int = 0
    small: int = 0
    known: int = 0
    broken: int = 0

    def __add__(self, other: Gathered) -> Gathered:
        mine, theirs = asdict(self), asdict(other)
        return Gathered(**{name: mine[name] + theirs[name] for name in mine})


def gather(
    project: Project,
    inputs: Sequence[str | Path],
    detector: Detector,
    *,
    every_s: float = EVERY_S,
    least_size: float = LEAST_SIZE,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Gathered:
    """Add the people of photos and videos to a project.

    Photos stay where they are; frames of videos with people in them are written to ``pictures/``.
    Killed and called again, it goes on: sources that were finished are known by their content, and
    so are pictures of a video that was not. A photo or video that cannot be read is warned of and
    passed over.

    Parameters
    ----------
    project
        Grows.
    inputs
        Files, folders and patterns, see :func:`~spinepose.media.resolve_sources`.
    detector
        Finds the people.
    every_s
        Seconds from one frame of a video to the next that is taken.
    least_size
        Pixels of the longer side of the box, below which a person is left out.
    on_progress
        Called with the sources done and all there are.

    Raises
    ------
    UsageError
        An input is a camera or a stream, or a setting makes no sense.
    InputError
        An input is missing, or neither image nor video.
    OutputError
        The project cannot be written.
    """
    if not every_s > 0 or not least_size >= 0:
        raise UsageError(f"every_s must be positive and least_size not negative: {every_s}")
    sources = resolve_sources(inputs)
    live = [source.location for source in sources if source.path is None]
    if live:
        raise UsageError(f"{live[0]} is live and gives other pictures each time: record it first")
    visit = _Visit(project, detector, every_s, least_size)
    total = Gathered()
    for number, source in enumerate(sources, start=1):
        try:
            total += visit.source(source)
        except InputError as error:
            logger.warning("%s; it is passed over", error)
            total += Gathered(broken=1)
        on_progress(number, len(sources))
    return total


def item_id(sha256: str, box: npt.ArrayLike) -> str:
    """Return the id of a person: of the picture's content and of the box (4,), to the pixel."""
    corners = np.round(np.asarray(box, np.float64)).astype(int)
    text = f"{sha256} {' '.join(map(str, corners))}"
    return hashlib.sha256(text.encode()).hexdigest()[:_ID]


class _Visit:
    """One call of :func:`gather`: the settings, and what the project has already."""

    def __init__(
        self, project: Project, detector: Detector, every_s: float, least_size: float
    ) -> None:
        self._project, self._detector = project, detector
        self._every_s, self._least_size = every_s, least_size
        items = project.items().values()
        self._contents = {item.sha256 for item in items}
        self._pictures = {item.picture for item in items}
        self._done = set(read_lines_as(project.root / _SOURCES, _key))

    def source(self, source: Source) -> Gathered:
        """Add the people of a source, and remember that it is done."""
        path = Path(source.location)
        video = source.kind == "video"
        content = source_content(path)
        key = (content, self._every_s if video else 0.0)
        if key in self._done:
            return Gathered(known=1)
        found = self._video(source, content) if video else self._photo(path, content)
        line = {"name": source.name, "sha256": key[0], "every_s": key[1], **asdict(found)}
        append_lines(self._project.root / _SOURCES, [line])
        self._done.add(key)
        return found

    def _photo(self, path: Path, content: str) -> Gathered:
        if content in self._contents:  # added before the kill, or under another name
            return Gathered(known=1)
        image = read_image(path)
        boxes, small = self._people(image)
        self._add(relative_path(path, self._project.root), content, image, boxes, content[:_ID])
        return Gathered(pictures=1, items=len(boxes), small=small)

    def _video(self, source: Source, content: str) -> Gathered:
        total = Gathered()
        group = f"{source.name}-{content[:8]}"
        with VideoReader(source.location) as video:
            for frame in _every(video, self._every_s):
                total += self._frame(frame, group)
        return total

    def _frame(self, frame: Frame, group: str) -> Gathered:
        picture = f"pictures/{group}-{frame.index:06d}.jpg"
        if picture in self._pictures:
            return Gathered()
        boxes, small = self._people(frame.image)
        if len(boxes):
            path = self._project.root / picture
            write_image(path, frame.image)
            content = file_sha256(path)
            if content in self._contents:  # nothing moved since an earlier frame
                path.unlink()
                return Gathered(pictures=1)
            self._add(picture, content, frame.image, boxes, group, frame.index, frame.time_s)
        return Gathered(pictures=1, items=len(boxes), small=small)

    def _people(self, image: UInt8) -> tuple[Float64, int]:
        """Return the boxes (N, 4) of people large enough, and how many are not."""
        boxes = self._detector.detect(image)[0].astype(np.float64)
        large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0.0) >= self._least_size
        return boxes[large], int((~large).sum())

    def _add(
        self,
        picture: str,
        content: str,
        image: UInt8,
        boxes: Float64,
        group: str,
        frame: int = 0,
        time_s: float = 0.0,
    ) -> None:
        """Add the people of one picture, all at once: a kill leaves all of them or none."""
        size = (image.shape[1], image.shape[0])
        items = {
            (name := item_id(content, box)): Item(
                name, picture, content, size, box, group, frame, time_s
            )
            for box in boxes
        }
        self._project.add_items(items.values())
        self._contents.add(content)
        self._pictures.add(picture)


def _key(values: Mapping[str, Any]) -> tuple[str, float]:
    return str(values["sha256"]), float(values["every_s"])


def source_content(path: Path) -> str:
    """Return the SHA-256 of a source."""
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def relative_path(path: Path, root: Path) -> str:
    """Return the way from the project's folder to a picture; absolute from another drive."""
    path, root = path.resolve(), root.resolve()
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:
        return path.as_posix()


def _every(video: VideoReader, every_s: float) -> Iterator[Frame]:
    """Yield the first frame at or after each multiple of a time."""
    due = 0.0
    for frame in video:
        if frame.time_s >= due - _SLACK:
            yield frame
            due = (np.floor((frame.time_s + _SLACK) / every_s) + 1) * every_s
