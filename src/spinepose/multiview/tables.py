"""Cameras from tables of keys and values, as TOML, JSON and OpenCV's files hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.multiview.cameras import Camera

__all__ = ["camera_from_table", "cameras_from_tables", "scene_cameras"]

Float64 = npt.NDArray[np.float64]

_MATRIX = ("matrix", "camera_matrix", "cameraMatrix", "K")
_DISTORTION = (
    "distortions",
    "distortion",
    "distortion_coefficients",
    "distortionCoefficients",
    "dist_coeffs",
    "distCoeffs",
    "dist",
    "D",
)
_ROTATION = ("rotation", "rotation_matrix", "Rot", "R", "rvec")
_TRANSLATION = ("translation", "translation_vector", "T", "t", "tvec")
_SIZE = ("size", "image_size", "imageSize", "resolution")
_WIDTH = ("width", "image_width", "imageWidth")
_HEIGHT = ("height", "image_height", "imageHeight")
_SUFFIXED = ("K", "dist", "Rot", "R", "T", "size")


def cameras_from_tables(document: Mapping[str, Any]) -> list[Camera]:
    """Return the cameras of a document, in its order.

    Four layouts are known: one table a camera (Pose2Sim, anipose, OpenCV), all of them in a
    table `cameras` (Caliscope) or a list `cameras`, and one set of keys with the camera's name
    behind each (EasyMocap: ``K_1``, ``dist_1``, ``R_1``, ``T_1`` and a list `names`). Tables
    without an intrinsic matrix, such as Pose2Sim's ``metadata``, are passed over, and so are
    cameras that say ``ignore``.

    Raises
    ------
    ValueError
        If a camera lacks something or holds what makes no sense; the text says what.
    """
    tables = [
        (name, table)
        for name, table in _named_tables(document)
        if isinstance(table, Mapping) and _looks_like_a_camera(table) and not table.get("ignore")
    ]
    return [camera_from_table(name, table) for name, table in tables]


def _named_tables(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    cameras = document.get("cameras")
    if isinstance(cameras, Mapping):
        return [(str(name), table) for name, table in cameras.items()]
    if isinstance(cameras, Sequence) and not isinstance(cameras, str):
        return [(f"camera {number}", table) for number, table in enumerate(cameras, start=1)]
    names = document.get("names")
    if isinstance(names, Sequence) and not isinstance(names, str):
        return [(str(name), _behind(document, str(name))) for name in names]
    return [(str(name), table) for name, table in document.items()]


def _behind(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a document of EasyMocap's layout says about one camera."""
    table = {key: document[f"{key}_{name}"] for key in _SUFFIXED if f"{key}_{name}" in document}
    # A camera that is named but has no K is an error, not a table to pass over.
    return table or {"R": None}


def _looks_like_a_camera(table: Mapping[str, Any]) -> bool:
    return any(key in table for key in (*_MATRIX, *_ROTATION))


def camera_from_table(name: str, table: Mapping[str, Any]) -> Camera:
    """Return the camera that a table describes.

    Parameters
    ----------
    name
        The camera's, unless the table holds a ``name``.
    table
        Intrinsic matrix (px), distortion, rotation (a matrix or Rodrigues' vector, world to
        camera), translation (m) and size (px), under the names that Pose2Sim, Caliscope, OpenCV
        and this package give them.

    Raises
    ------
    ValueError
        If something is missing or makes no sense.
    """
    name = str(table.get("name", name))
    if table.get("fisheye"):
        raise ValueError(f"camera {name} has a fisheye lens, which is not supported")
    try:
        return Camera(
            name=name,
            size=_size(table),
            matrix=_array(table, _MATRIX, (3, 3)),
            rotation=_rotation(table),
            translation=_array(table, _TRANSLATION, (3,)),
            distortion=_array(table, _DISTORTION, (-1,)),
        )
    except KeyError as error:
        raise ValueError(f"camera {name} has no {error.args[0]}") from error
    except (TypeError, OverflowError) as error:
        raise ValueError(f"camera {name}: {error}") from error


def _find(table: Mapping[str, Any], keys: Sequence[str]) -> Any:
    for key in keys:
        if table.get(key) is not None:
            return table[key]
    raise KeyError(f"{keys[0]} (or {', '.join(keys[1:])})")


def _array(table: Mapping[str, Any], keys: Sequence[str], shape: tuple[int, ...]) -> Float64:
    found = np.asarray(_find(table, keys), np.float64)
    try:
        return found.reshape(shape)
    except ValueError as error:
        raise ValueError(f"{keys[0]} has shape {found.shape}, not {shape}") from error


def _rotation(table: Mapping[str, Any]) -> Float64:
    found = np.asarray(_find(table, _ROTATION), np.float64)
    if found.size == 3:
        return np.asarray(cv2.Rodrigues(found.reshape(3, 1))[0], np.float64)
    if found.size != 9:
        raise ValueError(f"rotation has shape {found.shape}, neither (3,) nor (3, 3)")
    return found.reshape(3, 3)


def _size(table: Mapping[str, Any]) -> tuple[int, int]:
    if any(table.get(key) is not None for key in _WIDTH):
        given = [_find(table, _WIDTH), _find(table, _HEIGHT)]
    else:
        given = np.asarray(_find(table, _SIZE), np.float64).ravel().tolist()
    if len(given) != 2:
        raise ValueError(f"size has {len(given)} numbers, not 2")
    width, height = (round(float(side)) for side in given)
    return width, height


def scene_cameras(document: Mapping[str, Any], scene: int | None) -> list[Camera]:
    """Return the cameras of one scene of synthetic people (COCO with `cameras`).

    They are called ``c0``, ``c1``, ... as in the names of the pictures.

    Parameters
    ----------
    document
        With a list `cameras` of width, height, K, R, t, distortion and scene.
    scene
        Which one; `None` if there is only one.

    Raises
    ------
    ValueError
        If there is no such scene, there are several to choose from, or a camera is broken.
    """
    tables = [table for table in document["cameras"] if isinstance(table, Mapping)]
    scenes = sorted({table.get("scene", 0) for table in tables})
    if scene is None:
        if len(scenes) != 1:
            raise ValueError(f"it holds {len(scenes)} scenes; choose one: {_some(scenes)}")
        scene = scenes[0]
    if scene not in scenes:
        raise ValueError(f"it has no scene {scene}; choose one: {_some(scenes)}")
    chosen = [table for table in tables if table.get("scene", 0) == scene]
    chosen.sort(key=lambda table: int(table.get("id", 0)))
    return [camera_from_table(f"c{number}", table) for number, table in enumerate(chosen)]


def _some(values: Sequence[Any], most: int = 5) -> str:
    shown = ", ".join(str(value) for value in values[:most])
    return re.sub(r"\s+", " ", shown) + (", ..." if len(values) > most else "")
