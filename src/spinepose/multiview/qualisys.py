"""Cameras from the calibration that Qualisys Track Manager exports as ``.qca.txt``.

It is XML. What its numbers mean, as Pose2Sim reads them too (``Pose2Sim/calibration.py``), except
where noted; a recording gives a person of sound height, upright on the ground:

- ``transform`` holds r11 ... r33, the rotation from the world to a camera frame whose y points up
  and whose z points backwards, and x, y, z, the place of the camera in the world in millimetres.
- ``intrinsic`` holds the focal lengths and the principal point in 1/64 px of the full sensor.
- the distortion coefficients belong to normalised coordinates, as OpenCV's do, and therefore have
  no unit. (Pose2Sim divides them by 64 too, which all but switches the distortion off. Keypoints
  cannot tell who is right: with the lens of that recording it is a matter of 2.5 px.)
- ``fov_video`` holds the first and last column and row that were recorded; the principal point
  moves with them.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping

import numpy as np

from spinepose.multiview.cameras import Camera

__all__ = ["qualisys_cameras"]

_SUBPIXELS = 64
_MILLIMETRES = 1000
_TO_OPENCV = np.diag([1.0, -1.0, -1.0])
"""From Qualisys's camera frame (y up, z backwards) to OpenCV's (y down, z forward)."""


def qualisys_cameras(root: ElementTree.Element) -> list[Camera]:
    """Return the cameras below the element that holds ``cameras``.

    Where some say that they are video cameras, the others, which see markers only, are left out;
    so are those that were not active.

    Raises
    ------
    ValueError
        If a camera lacks something or holds what makes no sense; the text says what.
    """
    elements = [e for e in root.iterfind(".//cameras/camera") if e.get("active", "1") != "0"]
    video = [e for e in elements if "video" in e.get("model", "").lower()]
    return [
        _camera(element, e_name)
        for e_name, element in (
            (element.get("serial") or f"camera {number}", element)
            for number, element in enumerate(video or elements, start=1)
        )
    ]


def _camera(element: ElementTree.Element, name: str) -> Camera:
    turn = element.get("viewrotation", "0")
    if turn not in ("0", ""):
        raise ValueError(
            f"camera {name} has its view turned by {turn} degrees, which is not supported; "
            "export the calibration and the video with viewrotation 0"
        )
    intrinsic = _attributes(element, name, "intrinsic")
    transform = _attributes(element, name, "transform")
    field = _attributes(element, name, "fov_video")
    try:
        left, top = field["left"], field["top"]
        size = (round(field["right"] - left) + 1, round(field["bottom"] - top) + 1)
        matrix = np.eye(3)
        matrix[0, 0] = intrinsic["focallengthu"] / _SUBPIXELS
        matrix[1, 1] = intrinsic["focallengthv"] / _SUBPIXELS
        matrix[0, 1] = intrinsic.get("skew", 0.0) / _SUBPIXELS
        matrix[0, 2] = intrinsic["centerpointu"] / _SUBPIXELS - left
        matrix[1, 2] = intrinsic["centerpointv"] / _SUBPIXELS - top
        radial = [intrinsic[f"radialdistortion{i}"] for i in (1, 2)]
        tangential = [intrinsic[f"tangentaldistortion{i}"] for i in (1, 2)]
        third = intrinsic.get("radialdistortion3", 0.0)
        turned = [[transform[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)]
        centre = np.array([transform[axis] for axis in "xyz"]) / _MILLIMETRES
    except KeyError as error:
        raise ValueError(f"camera {name} has no {error.args[0]}") from error
    rotation = _TO_OPENCV @ np.array(turned)
    distortion = np.array([*radial, *tangential, third])
    return Camera(name, size, matrix, rotation, -rotation @ centre, distortion)


def _attributes(element: ElementTree.Element, name: str, tag: str) -> Mapping[str, float]:
    """Return the numbers of a child, their names in small letters: versions differ in these."""
    child = element.find(tag)
    if child is None:
        raise ValueError(f"camera {name} has no {tag}")
    numbers = {}
    for key, text in child.attrib.items():
        try:
            numbers[key.lower()] = float(text)
        except ValueError as error:
            raise ValueError(f"camera {name}: {tag} {key} is {text!r}, not a number") from error
    return numbers
