"""The numbers about one camera in docs: ``python -m tests.unit.biomech.plausibility_trials``.

``... made`` takes people made from the body model, ``... rendered FOLDER`` the labelled people of a
folder that ``spinepose synth`` wrote, ``... speed`` the processor time. Some minutes.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from spinepose.biomech.plausibility import FLAG, FOCAL, WARN, judge_poses
from spinepose.skeleton import SPINETRACK
from tests.unit.biomech.motions import BODY, SPEC

__all__ = ["BENDS", "SIZE", "VIEWS", "People", "made_people", "mirrored_spine", "swapped", "wrong"]

SIZE = (1000, 800)
BENDS = {
    # what the person does: angles of both sides, degrees
    "standing": {"arm_adduction": -12, "elbow_flexion": 15, "knee_flexion": 5},
    "sitting": {"hip_flexion": 85, "knee_flexion": 85, "elbow_flexion": 70, "arm_flexion": 20},
    "bending": {
        "lumbar_extension": -45,
        "lower_thoracic_extension": -10,
        "hip_flexion": 45,
        "knee_flexion": 15,
        "arm_flexion": 60,
    },
    "reaching": {"arm_flexion": 150, "lumbar_extension": 10, "elbow_flexion": 10},
}
VIEWS = {"right": 0, "front": -90, "left": 180, "back": 90}
"""Degrees that turn a person who looks to the right of the picture; what is seen of it."""
_SPREAD = 0.08
"""Of each coordinate around what the person does, in ranges between its limits."""

_GROUPS = {
    "spine": SPINETRACK.spine,
    "face and head": ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head"),
    "shoulders, hips": ("left_shoulder", "right_shoulder", "left_hip", "right_hip"),
    "arms": ("left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    "legs": ("left_knee", "right_knee", "left_ankle", "right_ankle"),
    "feet": tuple(n for n in SPINETRACK.keypoints if n.endswith(("_toe", "_heel"))),
    "clavicles, latissimus": SPINETRACK.subsets["experimental4"],
}
_LEGS = ("knee", "ankle", "big_toe", "small_toe", "heel")
_ARMS = ("elbow", "wrist")


@dataclass(frozen=True)
class People:
    """N people in pictures.

    Attributes
    ----------
    keypoints, scores
        (N, M, 2) px and (N, M).
    per_metre
        (N, M) px of a metre at each keypoint's depth.
    sizes
        (N, 2) px.
    kinds
        (N,) what each does, and how it is seen.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    per_metre: np.ndarray
    sizes: np.ndarray
    kinds: np.ndarray


def made_people(count: int, seed: int, noise: float = 0.01, only: str = "") -> People:
    """Return people made from the model: what they do, views, and every fourth upside down.

    Sizes of parts differ by 8 %, each coordinate is around what the person does, the view by 22
    degrees around its name, the camera 2.5 to 5 m away and up to 15 degrees raised; its focal
    length is .8 to 1.25 times what is assumed. `noise` is a share of 1.75 m.
    """
    rng = np.random.default_rng(seed)
    low, high = SPEC.limits
    q, kinds = np.zeros((count, len(SPEC.coordinates))), []
    for i in range(count):
        bend = only or str(rng.choice(list(BENDS)))
        view = str(rng.choice(list(VIEWS)))
        for name, degrees in BENDS[bend].items():
            for end in ("", "_r", "_l"):
                if name + end in SPEC.coordinate_index:
                    q[i, SPEC.coordinate_index[name + end]] = np.radians(degrees)
        q[i, 6:] += rng.normal(0, _SPREAD, q.shape[1] - 6) * (high - low)[6:]
        turned = rng.random() < 0.25
        yaw = VIEWS[view] + rng.uniform(-22, 22)
        angles = {"tilt": 180 * turned, "list": 0, "rotation": -yaw if turned else yaw}
        for name, degrees in angles.items():
            q[i, SPEC.coordinate_index[f"pelvis_{name}"]] = np.radians(degrees)
        kinds.append((bend, view, "upside down" if turned else "upright"))
    q = np.clip(q, low, high)
    points = BODY.markers(q, rng.uniform(0.92, 1.08, (count, len(SPEC.groups))))
    raised = np.radians(rng.uniform(-15, 15, count))
    y, z = points[:, :, 1].copy(), points[:, :, 2].copy()
    points[:, :, 1] = np.cos(raised)[:, None] * y - np.sin(raised)[:, None] * z
    points[:, :, 2] = np.sin(raised)[:, None] * y + np.cos(raised)[:, None] * z
    points[:, :, 2] -= rng.uniform(2.5, 5, (count, 1))
    focal = FOCAL * max(SIZE) * rng.uniform(0.8, 1.25, (count, 1))
    per_metre = focal / -points[:, :, 2]
    keypoints = points[:, :, :2] * per_metre[:, :, None] * (1, -1)
    keypoints += rng.normal(0, noise * 1.75, keypoints.shape) * per_metre[:, :, None]
    keypoints += (np.array(SIZE) - 1) / 2
    ones = np.ones(per_metre.shape)
    return People(keypoints, ones, per_metre, np.tile(SIZE, (count, 1)), np.array(kinds))


def wrong(
    people: People, metres: float, names: tuple[str, ...], seed: int
) -> tuple[np.ndarray, ...]:
    """Return keypoints of which each person has one of `names` wrong, and which (N,)."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(people.keypoints))
    bad = rng.choice(SPINETRACK.indices(names), len(rows))
    angle = rng.uniform(0, 2 * np.pi, len(rows))
    keypoints = people.keypoints.copy()
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    keypoints[rows, bad] += metres * people.per_metre[rows, bad, None] * way
    return keypoints, bad


def swapped(keypoints: np.ndarray, parts: tuple[str, ...]) -> np.ndarray:
    """Return keypoints (N, M, 2) with left and right of some parts exchanged."""
    found = keypoints.copy()
    left, right = (SPINETRACK.indices([f"{s}_{p}" for p in parts]) for s in ("left", "right"))
    found[:, left], found[:, right] = keypoints[:, right], keypoints[:, left]
    return found


def mirrored_spine(keypoints: np.ndarray) -> np.ndarray:
    """Return keypoints (N, M, 2) whose spine is mirrored at the line from sacrum to neck."""
    found = keypoints.copy()
    spine = SPINETRACK.spine_indices
    start, end = (keypoints[:, SPINETRACK.index(name)][:, None] for name in ("hip", "neck"))
    along = (end - start) / np.linalg.norm(end - start, axis=2, keepdims=True)
    away = keypoints[:, spine] - start
    found[:, spine] = start + 2 * (away * along).sum(axis=2, keepdims=True) * along - away
    return found


def some(people: People, every: int) -> People:
    """Return every so many of people."""
    return People(*(getattr(people, item.name)[::every] for item in fields(People)))


def rendered_people(folder: Path, least: int = 8) -> People:
    """Return the labelled people of a folder of ``spinepose synth`` with at least 8 in view."""
    path = next((folder / "annotations").glob("person_keypoints_*.json"))
    content = json.loads(path.read_text())
    images = {image["id"]: image for image in content["images"]}
    labels = [
        a for a in content["annotations"] if sum(v > 0 for v in a["keypoints"][2::3]) >= least
    ]
    flat = np.array([a["keypoints"] for a in labels]).reshape(len(labels), -1, 3)
    depth = np.array([a["keypoints_3d_camera"] for a in labels])[:, :, 2]
    pictures = [images[a["image_id"]] for a in labels]
    focal = np.array([content["cameras"][p["camera"] - 1]["K"][0][0] for p in pictures])
    sizes = np.array([(p["width"], p["height"]) for p in pictures])
    kinds = np.array([(a["activity"], a["view"], "rendered") for a in labels])
    return People(
        flat[:, :, :2], (flat[:, :, 2] > 0).astype(float), focal[:, None] / depth, sizes, kinds
    )


def shares(people: People, keypoints: np.ndarray, focal: float | None = None) -> np.ndarray:
    """Return the shares (N, M) of the body height; NaN where nothing was judged."""
    found = judge_poses(keypoints, people.scores, people.sizes, BODY, focal=focal)
    judged = [[k.share for k in person.keypoints] or [np.nan] * 37 for person in found]
    return np.array(judged)


def _told(found: np.ndarray) -> str:
    known = found[np.isfinite(found)]
    return (
        f"{100 * (known > WARN).mean():.2f} % beyond the first limit, "
        f"{100 * (known > FLAG).mean():.2f} % flagged"
    )


def alarms(people: People) -> None:
    """Print false alarms of people whose keypoints are right but for noise."""
    found = shares(people, people.keypoints)
    flagged = (np.nan_to_num(found) > FLAG).any(axis=1).mean()
    print(f"{len(found)} people: {_told(found)}; {100 * flagged:.1f} % of people with a flag")
    for name, names in _GROUPS.items():
        print(f"  {name}: {_told(found[:, SPINETRACK.indices(names)])}")
    for column in range(people.kinds.shape[1]):
        for kind in np.unique(people.kinds[:, column]):
            print(f"  {kind}: {_told(found[people.kinds[:, column] == kind])}")
    for factor in (0.8, 2.0):
        focal = factor * float(people.sizes.max())
        print(f"  focal length {factor} sides: {_told(shares(people, people.keypoints, focal))}")


def errors(people: People) -> None:
    """Print how many errors of one keypoint, swaps and mirrored spines are found."""
    rows = np.arange(len(people.keypoints))
    for name, names in _GROUPS.items():
        for metres in (0.15, 0.10):
            keypoints, bad = wrong(people, metres, names, seed=7)
            found = shares(people, keypoints)
            of_bad = found[rows, bad].copy()
            found[rows, bad] = np.nan
            print(f"{name} {100 * metres:.0f} cm: {_told(of_bad)}; good ones {_told(found)}")
    changes = {
        "legs swapped": swapped(people.keypoints, _LEGS),
        "legs with hips swapped": swapped(people.keypoints, ("hip", *_LEGS)),
        "arms swapped": swapped(people.keypoints, _ARMS),
        "spine mirrored": mirrored_spine(people.keypoints),
    }
    for name, keypoints in changes.items():
        found = np.nan_to_num(shares(people, keypoints)).max(axis=1)
        print(f"{name}, people with a keypoint: {_told(found)}")


def speed(people: People) -> None:
    """Print milliseconds of processor time for one person: of all at once, and one by one."""
    start = time.process_time()
    shares(people, people.keypoints)
    together = (time.process_time() - start) / len(people.keypoints)
    start = time.process_time()
    for i in range(20):
        judge_poses(people.keypoints[i : i + 1], people.scores[i : i + 1], people.sizes[i], BODY)
    alone = (time.process_time() - start) / 20
    print(f"{1000 * together:.1f} ms a person together, {1000 * alone:.0f} ms alone")


def main(words: list[str]) -> None:
    """Run what is asked, or all that needs no data."""
    if words[:1] == ["rendered"]:
        people = rendered_people(Path(words[1]))
        alarms(people)
        errors(some(people, 12))
        return
    if "speed" in words or not words:
        speed(made_people(200, seed=1))
    if "made" in words or not words:
        people = made_people(100, seed=2)
        alarms(people)
        errors(people)


if __name__ == "__main__":
    main(sys.argv[1:])
