"""People as OpenPose writes them, which many tools read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinepose.files import atomic_write
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK, Skeleton

__all__ = ["frame_dict", "frame_skeleton", "person_dict", "write_openpose_frame"]

_OPENPOSE_VERSION = 1.3


def person_dict(poses: Poses, person: int) -> dict[str, Any]:
    """Return one person, ready for JSON.

    ``pose_keypoints_2d`` is x, y, score for each keypoint in one list, and 0, 0, 0 for a missing
    one, as in OpenPose's output format (CMU Perceptual Computing Lab, doc/02_output.md). The
    other fields are ours.
    """
    points = poses.keypoints[person].astype(np.float64)
    seen = np.isfinite(points).all(axis=1)
    triples = np.zeros((len(points), 3))
    triples[seen, :2] = points[seen].round(2)
    triples[seen, 2] = poses.scores[person, seen].astype(np.float64).round(4)
    track = int(poses.track_ids[person])
    score = float(poses.box_scores[person])
    box = poses.boxes[person].astype(np.float64)
    return {
        "person_id": [track],
        "pose_keypoints_2d": triples.ravel().tolist(),
        "track_id": None if track == NO_TRACK else track,
        "box": box.round(2).tolist() if np.isfinite(box).all() else None,
        "box_score": round(score, 4) if np.isfinite(score) else None,
        "score": round(float(poses.person_scores()[person]), 4),
    }


def frame_dict(poses: Poses) -> dict[str, Any]:
    """Return the people of one frame, ready for JSON."""
    return {
        "version": _OPENPOSE_VERSION,
        "frame": poses.frame,
        "time_s": round(poses.time_s, 6),
        "size": list(poses.size),
        "people": [person_dict(poses, i) for i in range(len(poses))],
    }


def frame_skeleton(people: Sequence[dict[str, Any]]) -> Skeleton:
    """Return the skeleton of an OpenPose frame by its number of keypoints: it is not named there.

    Raises
    ------
    ValueError
        No skeleton of ours has as many.
    """
    if not people:
        return SPINETRACK
    count = len(people[0]["pose_keypoints_2d"]) // 3
    ours = (SPINETRACK, SPINETRACK.subset("default"), SPINETRACK.subset("spine9"), COCO17, HALPE26)
    for skeleton in ours:
        if len(skeleton) == count:
            return skeleton
    known = ", ".join(str(len(skeleton)) for skeleton in ours)
    raise ValueError(f"people have {count} keypoints, which fits no known skeleton ({known})")


def write_openpose_frame(folder: Path, stem: str, poses: Poses) -> Path:
    """Write the file of one frame, named as OpenPose does; return its path.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    path = folder / f"{stem}_{poses.frame:012d}_keypoints.json"
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(frame_dict(poses), allow_nan=False), encoding="utf-8")
    return path
