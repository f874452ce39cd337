"""Labels of a picture: what a person who could see through everything would write down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.skeleton import SPINETRACK
from spinepose.synth.cameras import Camera
from spinepose.synth.pose.solve import Posed
from spinepose.synth.render.geometry import Geometry
from spinepose.synth.render.photo import View
from spinepose.synth.render.raster import depths_along

__all__ = ["PersonLabel", "label_people", "view_of", "visibility"]

Float64 = npt.NDArray[np.float64]

HIDDEN, OCCLUDED, VISIBLE = 0, 1, 2

_SKIN_LAYER = 0.02
"""A point this little behind the first skin on its ray is seen, m: clothes, folds, rounding."""
_LEAST_DEPTH = 0.025
"""Depth that points on the skin are taken to have, m: the top of a head is seen from its side."""
_SMALLEST = 60
"""People with fewer visible pixels get no annotation."""


@dataclass(frozen=True, slots=True)
class PersonLabel:
    """One person in one picture.

    Attributes
    ----------
    person
        Number within the scene.
    keypoints
        (37, 3) x, y in px and v: 0 outside of the picture, 1 occluded, 2 visible.
    box
        x, y, width, height in px of what is seen.
    area
        Pixels seen.
    polygons
        Outlines of what is seen, each a flat list x, y, x, y, ... in px.
    view
        From where the camera sees the trunk (`view_of`).
    inside
        Visible keypoints inside the silhouette, and visible keypoints.
    """

    person: int
    keypoints: Float64
    box: tuple[float, float, float, float]
    area: int
    polygons: list[list[float]]
    view: str
    inside: tuple[int, int]


def label_people(
    view: View,
    geometry: Geometry,
    camera: Camera,
    people: list[Posed],
    skin_faces: npt.NDArray[np.int32],
) -> list[PersonLabel]:
    """Return the labels of all people that can be seen in a picture.

    Parameters
    ----------
    view
        The picture.
    geometry
        What was photographed; people are its objects 0, 1, ...
    camera
        That took it.
    people
        In the world.
    skin_faces
        (F, 3) of the outer skin.
    """
    labels = []
    for number, posed in enumerate(people):
        mask = (view.objects == number).astype(np.uint8)
        area = int(mask.sum())
        if area < _SMALLEST:
            continue
        keypoints = camera.project(posed.keypoints)
        flags = visibility(view, geometry, camera, posed, number, skin_faces)
        limits = np.array([camera.width - 0.5, camera.height - 0.5])
        with np.errstate(invalid="ignore"):
            within = np.all((keypoints >= -0.5) & (keypoints < limits), axis=1)
        flags = np.where(within, flags, HIDDEN)
        seen = flags == VISIBLE
        inside = int(_touched(mask, keypoints[seen]).sum())
        keypoints = np.where(np.expand_dims(within, 1), keypoints, 0.0)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (
            float(columns[0]),
            float(rows[0]),
            float(columns[-1] - columns[0] + 1),
            float(rows[-1] - rows[0] + 1),
        )
        labels.append(
            PersonLabel(
                number,
                np.column_stack([keypoints, flags]),
                box,
                area,
                _polygons(mask),
                view_of(camera, posed),
                (inside, int(seen.sum())),
            )
        )
    return labels


def visibility(
    view: View,
    geometry: Geometry,
    camera: Camera,
    posed: Posed,
    number: int,
    skin_faces: npt.NDArray[np.int32],
) -> npt.NDArray[np.int64]:
    """Return for each keypoint whether it can be seen: 1 occluded, 2 visible, from true depth.

    The ray from the camera to the keypoint is followed through all surfaces. Most keypoints lie
    inside the body, so that some tissue is always before them. A keypoint is *visible* when
    nothing but its own flesh is: the ray enters the person's skin once and leaves it no more, and
    its way through the flesh is at most twice the keypoint's depth under the nearest skin (taken
    as 25 mm where it is less) plus 20 mm. A nose seen from behind, a spine behind an arm or
    behind another person is occluded.
    Clothes of the person itself hide nothing.

    Parameters
    ----------
    number
        The person's object number in the geometry.
    """
    local = camera.to_camera(posed.keypoints)
    depth = local[:, 2]
    count = len(depth)
    ideal = np.column_stack(
        [
            camera.focal * local[:, 0] / np.maximum(depth, 1e-6) + (camera.width - 1) / 2,
            camera.focal * local[:, 1] / np.maximum(depth, 1e-6) + (camera.height - 1) / 2,
        ]
    )
    own = camera.to_camera(posed.vertices)
    inverse = np.where(own[:, 2] > 0.05, 1 / np.maximum(own[:, 2], 0.05), 0.0)
    skin = np.column_stack(
        [
            camera.focal * own[:, 0] * inverse + (camera.width - 1) / 2,
            camera.focal * own[:, 1] * inverse + (camera.height - 1) / 2,
            inverse,
        ]
    )
    first, before = np.full(count, np.inf), np.zeros(count)
    crossed = np.zeros((count, 2), np.int32)
    depths_along(ideal, depth, skin, skin_faces, first, before, crossed)
    other = np.full(count, np.inf)
    faces = geometry.faces[geometry.object_of != number]
    if len(faces):
        unused = np.zeros(count)
        nothing = np.zeros((count, 2), np.int32)
        depths_along(ideal, depth, view.points, faces, other, unused, nothing)
    flesh = depth - np.minimum(first, depth)
    near = flesh <= _SKIN_LAYER
    longest = 2 * np.maximum(posed.subject.depths, _LEAST_DEPTH) + _SKIN_LAYER
    through = (flesh <= longest) & (crossed[:, 1] == 0)
    # Things that only touch the skin around the point do not hide it.
    free = other >= np.minimum(first, depth) - 1e-3
    return np.where((near | through) & free, VISIBLE, OCCLUDED)


def view_of(camera: Camera, posed: Posed) -> str:
    """Return from where the camera sees the trunk.

    ``front``, ``front-left``, ``left`` (its left side is seen), ``back-left``, ``back`` and so
    on; ``above`` and ``below`` where the camera looks along the trunk.
    """
    thorax = posed.transforms[posed_index(posed, "spine_04")]
    local = (camera.position - posed.keypoints[SPINETRACK.index("spine_04")]) @ thorax[:, :3]
    left, back, up = local / np.linalg.norm(local)
    if abs(up) > np.sin(np.radians(55)):
        return "above" if up > 0 else "below"
    names = (
        "front",
        "front-left",
        "left",
        "back-left",
        "back",
        "back-right",
        "right",
        "front-right",
    )
    angle = np.degrees(np.arctan2(left, -back))
    return names[int(np.rint(angle / 45)) % 8]


def posed_index(posed: Posed, keypoint: str) -> int:
    """Return the bone that moves a keypoint most."""
    return int(posed.subject.keypoint_weights[SPINETRACK.index(keypoint)].argmax())


def _touched(mask: npt.NDArray[np.uint8], points: Float64) -> npt.NDArray[np.bool_]:
    """Return whether any of the four pixels around each point (N, 2) belongs to a mask.

    A mask holds the pixels whose centre is covered; a point inside of the outline may lie between
    a covered and a free one.
    """
    rows, columns = np.array(mask.shape) - 1
    x, y = np.floor(points).astype(int).T
    around = [
        mask[np.clip(y + b, 0, rows), np.clip(x + a, 0, columns)] for a in (0, 1) for b in (0, 1)
    ]
    return np.asarray(np.any(around, axis=0))


def _polygons(mask: npt.NDArray[np.uint8]) -> list[list[float]]:
    """Return the outlines of a mask (H, W); specks without an area are left out."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    return [
        [float(value) for value in outline.ravel()]
        for outline in outlines
        if len(outline) >= 3 and cv2.contourArea(outline) > 0
    ]


def annotation_of(label: PersonLabel, posed: Posed, camera: Camera) -> dict[str, Any]:
    """Return the parts of a COCO annotation that one picture determines."""
    keypoints = np.column_stack([label.keypoints[:, :2].round(2), label.keypoints[:, 2]])
    local = camera.to_camera(posed.keypoints)
    return {
        "category_id": 1,
        "iscrowd": 0,
        "bbox": list(label.box),
        "area": label.area,
        "segmentation": label.polygons,
        "num_keypoints": int((label.keypoints[:, 2] > 0).sum()),
        "keypoints": [
            float(value) if k % 3 < 2 else int(value) for k, value in enumerate(keypoints.ravel())
        ],
        "keypoints_3d_world": posed.keypoints.round(4).tolist(),
        "keypoints_3d_camera": local.round(4).tolist(),
        "view": label.view,
        "inside_silhouette": label.inside[0] / label.inside[1] if label.inside[1] else None,
    }
