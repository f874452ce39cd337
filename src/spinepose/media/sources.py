"""From what a user typed to the images, videos, streams and cameras that it means."""

from __future__ import annotations

import difflib
import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from spinepose.errors import InputError
from spinepose.media.camera import camera_index
from spinepose.media.container import is_url
from spinepose.media.headers import SNIFF_BYTES, image_kind, video_kind

__all__ = ["IMAGE_SUFFIXES", "VIDEO_SUFFIXES", "Source", "SourceKind", "resolve_sources"]

SourceKind: TypeAlias = Literal["image", "video", "stream", "camera"]

IMAGE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .avif .jp2 .ppm .pgm .pnm".split()  # noqa: SIM905
)
"""Suffixes of images, for files whose first bytes do not tell."""

VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .wmv .flv .mpg .mpeg .ts .mts .m2ts .3gp .ogv .mxf".split()  # noqa: SIM905
)
"""Suffixes of videos, for files whose first bytes do not tell."""

_GLOB_CHARACTERS = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to find people in.

    Parameters
    ----------
    kind
        ``image``, ``video`` (files), ``stream`` (an address) or ``camera``.
    location
        What :func:`read_image` or :class:`VideoReader` takes.
    name
        For naming outputs; no two sources of one call have the same.
    path
        The file, or `None` for streams and cameras.
    """

    kind: SourceKind
    location: str
    name: str
    path: Path | None = None


def resolve_sources(inputs: Sequence[str | Path]) -> list[Source]:
    """Return the sources that the inputs mean, in their order.

    Parameters
    ----------
    inputs
        Each one a file (an image or video by its first bytes, else by its suffix), a folder
        (its images and videos, not those of its sub-folders, in natural order: 2 before 10;
        hidden files are left out), a glob pattern, an address (``rtsp://``, ``http://`` ...),
        ``webcam``, or the number of a camera. Something that exists wins over a pattern or
        camera of the same name.

    Raises
    ------
    InputError
        If an input is missing, matches nothing, or is neither image nor video.
    """
    found = [source for text in inputs for source in _resolve(str(text))]
    if not found:
        raise InputError("no input: give an image, a video, a folder, an address or 'webcam'")
    return _with_unique_names(found)


def _resolve(text: str) -> list[Source]:
    """Return the sources of one input."""
    if is_url(text):
        return [Source("stream", text, _name_of_url(text))]
    if "\0" in text or not text:
        raise InputError(f"{text!r} is no input: give an image, a video, a folder or an address")
    try:
        path = Path(text).expanduser()
        if path.is_dir():
            return _in_folder(path)
        if path.exists():
            return [_of_file(path)]
    except (OSError, RuntimeError) as error:  # A name too long, or an unknown ~user.
        raise InputError(f"cannot look for {text}: {error}") from error
    index = camera_index(text)
    if index is not None:
        name = "webcam" if text.lower() == "webcam" else f"camera{index}"
        return [Source("camera", f"camera:{index}", name)]
    if _GLOB_CHARACTERS & set(text):
        return _matching(path)
    raise InputError(f"{text} does not exist{_hint(path)}")


def _in_folder(folder: Path) -> list[Source]:
    """Return the images and videos in a folder."""
    try:
        files = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
    except OSError as error:
        raise InputError(f"cannot list {folder}: {error.strerror}") from error
    sources = _media_among(files)
    if not sources:
        raise InputError(f"{folder} has no images or videos (its sub-folders are not searched)")
    return sources


def _matching(pattern: Path) -> list[Source]:
    """Return the images and videos that match a pattern."""
    matches = [Path(name) for name in glob.glob(str(pattern), recursive=True)]
    if not matches:
        raise InputError(f"{pattern} matches no file")
    sources = _media_among([path for path in matches if path.is_file()])
    if not sources:
        raise InputError(f"{pattern} matches {len(matches)} paths, but no image or video")
    return sources


def _media_among(files: list[Path]) -> list[Source]:
    """Return the images and videos among files, in natural order."""
    kinds = [(path, _kind(path)) for path in sorted(files, key=_natural)]
    return [Source(kind, str(path), path.stem, path) for path, kind in kinds if kind]


def _of_file(path: Path) -> Source:
    """Return the source for a file that somebody named outright."""
    kind = _kind(path)
    if kind is None:
        raise InputError(f"{path} is neither an image nor a video")
    return Source(kind, str(path), path.stem, path)


def _kind(path: Path) -> Literal["image", "video"] | None:
    """Tell images from videos by their first bytes, else by their suffix."""
    suffix = path.suffix.lower()
    head = b""
    # Reading a pipe would take from it what the decoder needs.
    if path.is_file():
        try:
            with path.open("rb") as file:
                head = file.read(SNIFF_BYTES)
        except OSError:
            pass  # Opening it later fails with the better message.
    if image_kind(head):
        return "image"
    if video_kind(head) or suffix in VIDEO_SUFFIXES:
        return "video"
    return "image" if suffix in IMAGE_SUFFIXES else None


def _natural(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sorting key that puts ``frame2`` before ``frame10``."""
    parts = re.split(r"([0-9]+)", str(path).casefold())
    key = [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
    return key, str(path)


def _name_of_url(url: str) -> str:
    """Return a file name for an address, without its user, password and query."""
    rest = re.sub(r"^\w+://(?:[^/@]*@)?", "", url).split("?")[0].split("#")[0].rstrip("/")
    last = rest.rsplit("/", 1)[-1]
    stem = last.rsplit(".", 1)[0] if "/" in rest else last
    return re.sub(r"[^\w.-]+", "_", stem).strip("._") or "stream"


def _hint(path: Path) -> str:
    """Return a suggestion for a path that does not exist."""
    parent = path.parent
    if not parent.is_dir():
        return f": there is no folder {parent}"
    try:
        names = [entry.name for entry in parent.iterdir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    near = near or [name for name in names if Path(name).stem == path.stem][:1]
    return f": did you mean {parent / near[0]}?" if near else ""


def _with_unique_names(sources: list[Source]) -> list[Source]:
    """Rename sources whose outputs would overwrite each other: ``a.jpg``, ``a.png``, ``x/a.png``.

    The suffix is added first (``a_jpg``), a number then (``a_png_2``).
    """
    counts: dict[str, int] = {}
    for source in sources:
        counts[source.name.casefold()] = counts.get(source.name.casefold(), 0) + 1
    taken: set[str] = set()
    unique = []
    for source in sources:
        name = source.name
        if counts[name.casefold()] > 1 and source.path is not None and source.path.suffix:
            name = f"{name}_{source.path.suffix[1:]}"
        candidate, number = name, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate.casefold())
        unique.append(replace(source, name=candidate))
    return unique
