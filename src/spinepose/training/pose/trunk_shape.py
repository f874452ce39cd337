"""How a trunk can look: a small statistical shape of the spine, the head and the joints around.

A person's points in 3D, without place, size and direction, are taken as

    points = mean + sum_m a_m modes_m + rest,    a_m ~ N(0, 1)

(Cootes et al. 1995, "Active shape models", CVIU 61:38; probabilistic after Tipping and Bishop
1999, J R Stat Soc B 61:611). The modes are principal components of the trunk and the head. Knees
and elbows move too freely for that: they follow the modes as far as a regression on them tells,
and what it leaves is their rest.

The frame is the camera's with the person facing it: x to the person's left, y down, z away from
the camera. The unit is the way from the middle of the shoulders to the middle of the hips in the
mean shape.

``python -m spinepose.training.pose.trunk_shape FOLDER`` learns the shape that is part of the
package from a folder that ``spinepose synth`` made; scenes kept from training stay out of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinepose.dataset.people import HOLD_OUT_EVERY
from spinepose.errors import DataError
from spinepose.files import atomic_write
from spinepose.skeleton import SPINETRACK

__all__ = ["TRUNK_POINTS", "TrunkShape", "built_in_shape", "learn_shape", "rendered_people"]

Float64 = npt.NDArray[np.float64]

_PAIRS = ("hip", "shoulder")
_HEAD = ("head", "nose", "left_eye", "right_eye", "left_ear", "right_ear")
_FRAME = (*SPINETRACK.spine, *(f"{s}_{j}" for j in _PAIRS for s in ("left", "right")))
_LIMBS = tuple(f"{s}_{j}" for j in ("knee", "elbow") for s in ("left", "right"))
TRUNK_POINTS = (*_FRAME, *_HEAD, *_LIMBS)
"""Names of the points of the shape."""

MODES = 12
_TURNS = 10
_FILE = Path(__file__).with_name("trunk_shape.json")


@dataclass(frozen=True)
class TrunkShape:
    """Mean and modes of P points.

    Attributes
    ----------
    mean
        (P, 3), see the module for frame and unit.
    modes
        (M, P, 3), what one standard deviation of each mode moves.
    rest
        (P,) standard deviation along each axis of what the modes leave.
    """

    mean: Float64
    modes: Float64
    rest: Float64

    def write(self, path: Path) -> None:
        """Write the numbers as JSON, rounded to a ten-thousandth of the trunk."""
        # Adding 0 makes -0 a plain 0.
        content = {n: (np.round(v, 4) + 0.0).tolist() for n, v in vars(self).items()}
        with atomic_write(path) as temporary:
            text = json.dumps({"points": TRUNK_POINTS, **content}, separators=(",", ":"))
            temporary.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> TrunkShape:
        """Read what `write` wrote; raise `DataError` where it is something else."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            points = tuple(content["points"])
            shape = cls(*(np.array(content[n], np.float64) for n in ("mean", "modes", "rest")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not the shape of a trunk: {error}") from error
        size = (len(TRUNK_POINTS), 3)
        right = shape.mean.shape == size and shape.rest.shape == size[:1]
        if points != TRUNK_POINTS or not right or shape.modes.shape[1:] != size:
            raise DataError(f"{path}: the shape of other points; learn it again")
        return shape


@cache
def built_in_shape() -> TrunkShape:
    """Return the shape learned from rendered people that is part of the package."""
    return TrunkShape.read(_FILE)


def learn_shape(points: npt.ArrayLike, modes: int = MODES) -> TrunkShape:
    """Learn the shape from people, each seen as it is and mirrored.

    Parameters
    ----------
    points
        (N, 37, 3) of each person in any frame of its own, x to the right, y down and z away
        from the viewer (a mirrored frame would swap left and right); any unit.
    modes
        Number of modes M.

    Raises
    ------
    DataError
        There are fewer people than modes, or a point is not a number.
    """
    rows = SPINETRACK.indices(TRUNK_POINTS)
    found = np.asarray(points, np.float64)
    if len(found) <= modes:
        raise DataError(f"{len(found)} people are too few for {modes} modes of the trunk")
    if not np.isfinite(found[:, rows]).all():
        raise DataError("a point of the trunk is not a number")
    mirrored = (found * [-1, 1, 1])[:, SPINETRACK.flip]
    people = np.concatenate([found, mirrored])[:, rows]
    mean = _facing(people[0])
    for _ in range(_TURNS):
        people = _aligned(people, mean)
        mean = _facing(people.mean(axis=0))
    people = _aligned(people, mean)
    mean = people.mean(axis=0)
    away = people - mean
    core = away[:, : -len(_LIMBS)].reshape(len(away), -1)
    _, sizes, ways = np.linalg.svd(core, full_matrices=False)
    spread = sizes[:modes] / np.sqrt(len(away))
    scores = core @ ways[:modes].T / spread
    loads = np.linalg.lstsq(scores, away.reshape(len(away), -1), rcond=None)[0]
    left = away - (scores @ loads).reshape(away.shape)
    return TrunkShape(mean, loads.reshape(modes, *mean.shape), np.sqrt((left**2).mean((0, 2))))


def rendered_people(folder: Path) -> list[dict[str, Any]]:
    """Read the people of a folder that ``spinepose synth`` made, also of an unfinished one.

    Returns
    -------
    people
        The set's annotations, each with the number of its ``scene`` and the ``file`` of its
        picture.

    Raises
    ------
    DataError
        There is nobody, or a file is something else.
    """
    paths = sorted((folder / "annotations").glob("person_keypoints_*.json"))
    unfinished = not paths
    paths = paths or sorted((folder / ".scenes").glob("*.json"))
    people: list[dict[str, Any]] = []
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            images = content["images"]
            images = {(i if unfinished else im["id"]): im for i, im in enumerate(images)}
            name = "train-unreal" if unfinished else path.stem.removeprefix("person_keypoints_")
            for entry in content["annotations"]:
                image = images[entry["image" if unfinished else "image_id"]]
                file = folder / "images" / name / image["file_name"]
                people.append({**entry, "scene": image["scene"], "file": file})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not of `spinepose synth`: {error}") from error
    if not people:
        raise DataError(f"{folder}: no people of `spinepose synth`")
    return people


def _middle(points: Float64, joint: str) -> Float64:
    left, right = (points[..., TRUNK_POINTS.index(f"{s}_{joint}"), :] for s in ("left", "right"))
    return np.asarray((left + right) / 2)


def _facing(points: Float64) -> Float64:
    """Return points (P, 3) facing the camera, with the middle of the hips at 0 and unit trunk."""
    hips, shoulders = _middle(points, "hip"), _middle(points, "shoulder")
    at = TRUNK_POINTS.index
    left = sum(points[at(f"left_{j}")] - points[at(f"right_{j}")] for j in _PAIRS)
    down = hips - shoulders
    length = np.linalg.norm(down)
    down = down / length
    left = left - (left @ down) * down
    left = left / np.linalg.norm(left)
    axes = np.stack([left, down, np.cross(left, down)])
    return np.asarray((points - hips) @ axes.T / length)


def _aligned(people: Float64, mean: Float64) -> Float64:
    """Return people (N, P, 3) moved, turned and scaled onto a shape by their trunk.

    Umeyama 1991, IEEE TPAMI 13:376.
    """
    inside = slice(0, len(_FRAME))
    centre = mean[inside].mean(axis=0)
    target = mean[inside] - centre
    middles = people[:, inside].mean(axis=1, keepdims=True)
    away = people - middles
    u, sizes, vt = np.linalg.svd(np.einsum("npi,pj->nij", away[:, inside], target))
    sign = np.sign(np.linalg.det(u @ vt))
    sizes[:, 2] *= sign
    u[:, :, 2] *= sign[:, None]
    scale = sizes.sum(axis=1) / (away[:, inside] ** 2).sum(axis=(1, 2))
    return np.asarray(scale[:, None, None] * (away @ (u @ vt)) + centre)


def main(words: Sequence[str] | None = None) -> None:
    """Learn the shape from the people of a synthetic set that training may see, and write it."""
    parser = argparse.ArgumentParser(description="Learn the shape of trunks from rendered people.")
    parser.add_argument("folder", type=Path, help="made by `spinepose synth`")
    parser.add_argument("-o", "--out", type=Path, default=_FILE)
    parser.add_argument("--scenes", type=int, default=10**9, help="use only the first so many")
    args = parser.parse_args(words)
    people = [p for p in rendered_people(args.folder) if p["scene"] < args.scenes]
    people = [p for p in people if p["scene"] % HOLD_OUT_EVERY]
    learn_shape([p["keypoints_3d_camera"] for p in people]).write(args.out)


if __name__ == "__main__":
    main()
