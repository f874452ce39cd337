"""SpinePose's own JSON: one document for an image, a stream of lines for a video."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.errors import DataError, OutputError
from spinepose.export.openpose import frame_dict, frame_skeleton
from spinepose.export.provenance import Provenance
from spinepose.files import (
    atomic_write,
    errors_for,
    output_error,
    prepare_target,
    temporary_beside,
)
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import SKELETONS, Skeleton

__all__ = [
    "JsonArrayWriter",
    "JsonLinesWriter",
    "read_poses",
    "read_provenance",
    "write_image_document",
]

FORMAT = "spinepose"
FORMAT_VERSION = 1


def _header(provenance: Provenance, skeleton: Skeleton) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "provenance": provenance.to_dict(),
        "skeleton": {
            "name": skeleton.name,
            "keypoints": list(skeleton.keypoints),
            "bones": skeleton.bone_indices.tolist(),
            "spine": skeleton.spine_indices.tolist() if skeleton.spine else [],
        },
    }


def _dump(values: dict[str, Any]) -> str:
    return json.dumps(values, allow_nan=False, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    """Return what JSON can hold for a setting that a caller gave as a numpy number or a path."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_image_document(path: Path, poses: Poses, provenance: Provenance) -> None:
    """Write the people of one image as one document, which OpenPose readers understand too.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    document = _header(provenance, poses.skeleton) | frame_dict(poses)
    with atomic_write(path) as temporary:
        temporary.write_text(_dump(document) + "\n", encoding="utf-8")


class _Stream:
    """Counts and writes frames into an open file; errors name the target."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames = 0
        self._tracks: set[int] = set()
        self._file: FileIO | None = None

    def _open(self, target: Path) -> None:
        # Unbuffered: a run that dies has lost nothing, and a full disk is told at once.
        self._file = target.open("wb", buffering=0)

    def _put(self, text: str) -> None:
        if self._file is None:
            raise OutputError(f"{self.path} is closed already")
        rest = memoryview(text.encode())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._abandon()
            raise output_error(self.path, error) from error

    def _abandon(self) -> None:
        """Let go of a file that cannot be written any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _count(self, poses: Poses) -> None:
        self._frames += 1
        self._tracks.update(int(i) for i in poses.track_ids if i != NO_TRACK)

    def _footer(self, complete: bool) -> dict[str, Any]:
        return {"complete": complete, "frame_count": self._frames, "tracks": len(self._tracks)}

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        with errors_for(self.path):
            file.close()


class JsonLinesWriter(_Stream):
    """Writes a header, one line a frame, and a footer, each line at once.

    Parameters
    ----------
    path
        The file; it is written in place, so that nothing is lost when the run dies.
    provenance
        Who made it.
    skeleton
        Names the keypoints of every frame.

    Raises
    ------
    OutputError
        It cannot be written; from every method.
    """

    def __init__(self, path: Path, provenance: Provenance, skeleton: Skeleton) -> None:
        super().__init__(path)
        header = _dump(_header(provenance, skeleton))
        with errors_for(path):
            self._open(prepare_target(path))
        self._put(header + "\n")

    def write(self, poses: Poses) -> None:
        """Write one frame."""
        self._put(_dump(frame_dict(poses)) + "\n")
        self._count(poses)

    def close(self, *, complete: bool) -> None:
        """Write the footer; `complete` = the whole video is in."""
        if self._file is None:
            return
        try:
            self._put(_dump({"footer": True, **self._footer(complete)}) + "\n")
        finally:
            self._close()


class JsonArrayWriter(_Stream):
    """Writes the same as one JSON document, streamed into a temporary file beside the target.

    A device or a pipe such as ``/dev/stdout`` is written in place, since replacing it would
    destroy it.

    Parameters
    ----------
    path, provenance, skeleton
        As for :class:`JsonLinesWriter`.

    Raises
    ------
    OutputError
        It cannot be written; from every method.
    """

    def __init__(self, path: Path, provenance: Provenance, skeleton: Skeleton) -> None:
        super().__init__(path)
        header = _dump(_header(provenance, skeleton))
        with errors_for(path):
            self._target = prepare_target(path)
            in_place = self._target.exists() and not self._target.is_file()
            self._temporary = None if in_place else temporary_beside(self._target)
            self._open(self._temporary or self._target)
        self._put(header[:-1] + ', "frames": [\n')

    def _abandon(self) -> None:
        super()._abandon()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def write(self, poses: Poses) -> None:
        """Write one frame."""
        separator = ",\n" if self._frames else ""
        self._put(separator + _dump(frame_dict(poses)))
        self._count(poses)

    def close(self, *, complete: bool) -> None:
        """End the document and put it in its place."""
        if self._file is None:
            return
        try:
            with errors_for(self.path):
                self._put("\n], " + _dump(self._footer(complete))[1:] + "\n")
                self._close()
                if self._temporary is not None:
                    self._temporary.replace(self._target)
        finally:
            self._abandon()


def read_poses(path: str | Path) -> Iterator[Poses]:
    """Yield the frames of a ``.json`` or ``.jsonl`` file of this package.

    Parameters
    ----------
    path
        The file: of an image, of a video, or one of the OpenPose files that this package wrote. A
        stream that was cut off is read up to its last whole line.

    Yields
    ------
    poses : Poses
        One a frame; a missing keypoint is NaN with score 0.

    Raises
    ------
    DataError
        The file cannot be read, is damaged or of another format.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
            try:
                header = json.loads(first)
            except ValueError:
                header = json.loads(first + file.read())
            yield from _read(path, header, file)
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{path} is damaged: {error} is missing; write it anew") from error
    except (OSError, ValueError, TypeError, AttributeError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as SpinePose JSON: {reason}") from error


def read_provenance(path: str | Path) -> dict[str, Any]:
    """Return what a ``.json`` or ``.jsonl`` file of this package says about its origin.

    Empty if it does not say, as OpenPose files do not.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text: it is no result of spinepose") from error
    line = first.strip()
    try:
        # Of a document, the first line ends where its list of frames begins.
        header = json.loads(line + ("]}" if line.endswith("[") else ""))
        found = header["provenance"]
    except (ValueError, LookupError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: Path, header: Any, lines: Iterable[str]) -> Iterator[Poses]:
    if isinstance(header, dict) and "format" not in header and "people" in header:
        yield _poses(header, frame_skeleton(header["people"]))
        return
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DataError(f"{path} is no SpinePose JSON: it has no format header")
    if header.get("format_version", FORMAT_VERSION) > FORMAT_VERSION:
        raise DataError(f"{path} was written by a newer SpinePose: upgrade this one to read it")
    skeleton = _skeleton(header["skeleton"])
    if "people" in header:
        yield _poses(header, skeleton)
    elif "frames" in header:
        yield from (_poses(frame, skeleton) for frame in header["frames"])
    else:
        yield from (_poses(frame, skeleton) for frame in _whole_lines(path, lines))


def _whole_lines(path: Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the frames of a stream up to its footer, or to where the run that wrote it died."""
    broken = 0
    for number, line in enumerate(lines, start=2):
        if broken:
            raise DataError(f"{path} is damaged in line {broken}; write it anew")
        try:
            frame = json.loads(line)
        except ValueError:
            broken = number  # good, if it is the last
            continue
        if "footer" in frame:
            return
        yield frame


def _skeleton(raw: dict[str, Any]) -> Skeleton:
    """Return the known skeleton or subset of this name, or a bare one with these keypoints."""
    names = tuple(raw["keypoints"])
    base, _, subset = str(raw["name"]).partition("/")
    known = SKELETONS.get(base)
    if known is not None and subset in known.subsets:
        known = known.subset(subset)
    if known is not None and known.keypoints == names:
        return known
    return Skeleton(raw["name"], names, (0.1,) * len(names))


def _poses(frame: dict[str, Any], skeleton: Skeleton) -> Poses:
    people = frame["people"]
    triples = np.array([p["pose_keypoints_2d"] for p in people], dtype=np.float32)
    triples = triples.reshape(len(people), len(skeleton), 3)
    points = triples[..., :2].copy()
    points[triples[..., 2] == 0] = np.nan
    nothing = [np.nan] * 4
    return Poses.build(
        points,
        triples[..., 2],
        [p["box"] or nothing for p in people],
        box_scores=[np.nan if p["box_score"] is None else p["box_score"] for p in people],
        track_ids=[NO_TRACK if p["track_id"] is None else p["track_id"] for p in people],
        skeleton=skeleton,
        frame=frame["frame"],
        time_s=frame["time_s"],
        size=(frame["size"][0], frame["size"][1]),
    )
