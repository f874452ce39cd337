"""Read calibrated cameras from the files that other programs write."""

from __future__ import annotations

import json
import tomllib
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinepose.errors import DataError, UsageError
from spinepose.media.quiet import quiet_opencv
from spinepose.multiview.cameras import Camera
from spinepose.multiview.qualisys import qualisys_cameras
from spinepose.multiview.tables import cameras_from_tables, scene_cameras

__all__ = ["check_cameras", "read_calibration"]

_LARGEST = 1 << 30
_LARGEST_MARKUP = 1 << 24
_MATRIX_KEYS = {"dt", "data"}
"""What OpenCV writes for a matrix, beside its sides."""

_FARTHEST, _NEAREST = 100.0, 0.01
"""m, between cameras; beyond these the lengths are hardly metres."""


def read_calibration(path: str | Path, *, scene: int | None = None) -> tuple[Camera, ...]:
    """Read the cameras of a calibration file; its format is recognised.

    Known are Pose2Sim's, Caliscope's and anipose's ``.toml``; OpenCV's ``.yml``, ``.xml`` and
    ``.json`` (`cv2.FileStorage`) with several cameras; EasyMocap's keys in one file; Qualisys's
    ``.qca.txt``; and the labels of synthetic people. ``docs/multiview.md`` shows them.

    Parameters
    ----------
    path
        The file.
    scene
        Which scene of synthetic people; not needed where there is only one.

    Returns
    -------
    cameras : tuple of Camera
        In the order of the file, lengths in metres.

    Raises
    ------
    DataError
        If the file is missing or of another kind, a camera lacks something, there is only one
        camera, or the distances between cameras show that lengths are not in metres.
    UsageError
        If `scene` is given for a file that has no scenes.
    """
    path = Path(path)
    text = _text(path)
    try:
        cameras = _cameras(text, scene)
        if not cameras:
            raise ValueError("it holds no camera")
        check_cameras(cameras)
    except _NoScenes as error:
        raise UsageError(f"{path} has no scenes; leave out scene={scene}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} is not a usable calibration: {reason}") from error
    return tuple(cameras)


def check_cameras(cameras: tuple[Camera, ...] | list[Camera]) -> None:
    """Refuse cameras that cannot measure anything together.

    Raises
    ------
    UsageError
        If there is only one, names repeat, or two of them are more than 100 m or less than 1 cm
        apart.
    """
    if len(cameras) < 2:
        raise UsageError("it holds only one camera; two or more are needed")
    names = [camera.name for camera in cameras]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"several cameras are called {twice[0]}; give each its own name")
    for a, b in combinations(cameras, 2):
        apart = float(np.linalg.norm(a.centre - b.centre))
        if apart > _FARTHEST:
            raise UsageError(
                f"cameras {a.name} and {b.name} are {apart:.0f} m apart; "
                "lengths must be metres, not millimetres"
            )
        if apart < _NEAREST:
            raise UsageError(
                f"cameras {a.name} and {b.name} are {1000 * apart:.2g} mm apart; "
                "lengths must be metres, and each camera must stand in its own place"
            )


class _NoScenes(Exception):
    """A scene was asked for where there are none."""


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder; name the calibration file in it")
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path} is larger than 1 GB; it is no calibration")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a calibration: it is not text") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _cameras(text: str, scene: int | None) -> list[Camera]:
    """Return the cameras of a file's text, whose format its first letters show."""
    head = text.lstrip()[:1]
    if head == "{":
        document = json.loads(text)
        if "images" in document and isinstance(document.get("cameras"), list):
            return scene_cameras(document, scene)
        if scene is not None:
            raise _NoScenes
        return cameras_from_tables(_plain(document))
    if scene is not None:
        raise _NoScenes
    if len(text) > _LARGEST_MARKUP:
        raise ValueError("it is larger than 16 MB")
    if head == "<":
        return _xml(text)
    if head == "%" or text.lstrip().startswith("---"):
        return cameras_from_tables(_storage(text))
    return cameras_from_tables(_toml(text))


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(
            f"neither TOML ({error}) nor XML, JSON or OpenCV's YAML (which begins with %YAML:1.0)"
        ) from error


def _xml(text: str) -> list[Camera]:
    # Entities can blow up a small file; no calibration has them.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("its XML declares entities")
    try:
        # Encodings are named in the first line, but the text is decoded already.
        root = ElementTree.fromstring(text.encode("utf-8"), ElementTree.XMLParser(encoding="utf-8"))
    except ElementTree.ParseError as error:
        raise ValueError(f"its XML is broken: {error}") from error
    if root.tag == "opencv_storage":
        return cameras_from_tables(_storage(text))
    return qualisys_cameras(root)


def _plain(value: Any) -> Any:
    """Return parsed JSON with OpenCV's matrices as arrays."""
    if isinstance(value, dict):
        if value.keys() >= _MATRIX_KEYS:
            sides = value["sizes"] if "sizes" in value else (value["rows"], value["cols"])
            return np.asarray(value["data"], np.float64).reshape(sides)
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _storage(text: str) -> dict[str, Any]:
    """Return what a file of OpenCV holds as dictionaries, lists, arrays, numbers and words."""
    try:
        with quiet_opencv():
            file = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
            root = _node(file.root())
            file.release()
    except (cv2.error, SystemError) as error:
        reason = getattr(error, "err", "") or "wrong syntax"
        raise ValueError(f"OpenCV cannot read it: {reason}") from error
    if not isinstance(root, dict):
        raise ValueError("it holds no named values")
    return root


def _node(node: Any) -> Any:
    """Return an OpenCV file node as Python values."""
    if node.isMap():
        keys = node.keys()
        if set(keys) >= _MATRIX_KEYS:
            return node.mat()
        return {key: _node(node.getNode(key)) for key in keys}
    if node.isSeq():
        return [_node(node.at(i)) for i in range(node.size())]
    if node.isString():
        return node.string()
    return node.real() if node.isReal() or node.isInt() else None
