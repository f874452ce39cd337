"""Compare joint angles from inverse kinematics with those that synthetic people were posed with.

The people come from ``spinepose synth --cameras 4 --group 1 --frames 20``. The truth is the turn of
the rig's bones, not the keypoints that the poses are fitted to. Angles are wrong by what the two
models call zero, too: means are told, and errors also without the mean of the other people, and
without the person's own.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from joint_truth import FPS, Person, read_people
from scipy.spatial.transform import Rotation

from spinepose.biomech.body import body_model
from spinepose.biomech.ik import Fit, from_world
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.scaling import scale_and_solve
from spinepose.biomech.smoothing import smooth
from spinepose.biomech.verdict import judge_markers
from spinepose.multiview import triangulate
from spinepose.skeleton import SPINETRACK

SHOULDER = "shoulder, T1 to upper arm"
BENT = 20.0
"""Degrees of elbow flexion from which the forearm shows how the upper arm is twisted."""
SIDES = {"left": "_l", "right": "_r"}
TRUNK = {
    # joint: (the rig's segments, our bodies), proximal and distal
    "trunk, pelvis to T1": (("pelvis", "T1"), ("pelvis", "T1")),
    "lumbar, pelvis to T12": (("pelvis", "L1"), ("pelvis", "T12")),
    "lower thoracic, T12 to T6": (("L1", "T1"), ("T12", "T6")),
    "upper thoracic, T6 to T1": (("T1", "T1"), ("T6", "T1")),
    "lower neck, T1 to C3": (("T1", "C3"), ("T1", "C3")),
    "head, T1 to head": (("T1", "head"), ("T1", "head")),
}
LIMBS = {
    "clavicle": (("T1", "clavicle"), ("T1", "clavicle")),
    SHOULDER: (("T1", "upper_arm"), ("T1", "upper_arm")),
    "elbow": (("upper_arm", "forearm"), ("upper_arm", "forearm")),
    "hip": (("pelvis", "thigh"), ("pelvis", "thigh")),
    "knee": (("thigh", "shank"), ("thigh", "shank")),
    "ankle": (("shank", "foot"), ("shank", "foot")),
}
CURVES = {
    # of the spine, seen from the side: bodies whose axes are compared, middle and end
    "lordosis": (("L1", "T12"), ("L5",)),
    "kyphosis": (("L1", "T12"), ("T1",)),
}
"""Angles between tangents of the vertebral curve (`spinepose.synth.anatomy.SpineCurve`)."""
HINGES = ("elbow", "knee", *CURVES)
AXES = {"flexion": 2, "bending": 0, "rotation": 1}
"""About z, x and y of the distal segment: right, forward and up in the anatomical position."""

SPEC = body_model()
BODY = Kinematics(SPEC)


def joints() -> Iterator[tuple[str, str, tuple[str, str], tuple[str, str]]]:
    """Yield each joint's name and side, the rig's segments, and our bodies."""
    for name, (segments, bodies) in TRUNK.items():
        yield name, "", segments, bodies
    for name, (segments, bodies) in LIMBS.items():
        for side, end in SIDES.items():
            ours = [b if b in ("T1", "pelvis") else b + end for b in bodies]
            theirs = [s if s in ("T1", "pelvis") else f"{side}_{s}" for s in segments]
            yield name, side, (theirs[0], theirs[1]), (ours[0], ours[1])


def joint_turns(fit: Fit, person: Person) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each joint's name, what it is wrong by, and how it moves about its mean.

    Both (F, 3) degrees, rotation vectors in the axes of the distal segment, those of the left side
    mirrored. Shoulders are told once more for the frames in which the elbow is bent.
    """
    axes = BODY.frames(fit.coordinates, fit.scale).axes
    rest = BODY.frames(np.zeros(len(SPEC.coordinates))).axes[0]
    ours = axes @ rest.transpose(0, 2, 1)
    for name, side, segments, bodies in joints():
        near, far = (person.turns[segment] for segment in segments)
        true = near.transpose(0, 2, 1) @ far
        near, far = (ours[:, SPEC.body_index[body]] for body in bodies)
        found = near.transpose(0, 2, 1) @ far
        middle = Rotation.from_matrix(true).mean().as_matrix()
        mirror = np.array([-1.0, -1.0, 1.0]) if side == "left" else 1.0
        error = Rotation.from_matrix(true.transpose(0, 2, 1) @ found).as_rotvec(True) * mirror
        move = Rotation.from_matrix(middle.T @ true).as_rotvec(True) * mirror
        yield name, error, move
        if name == SHOULDER:
            bent = person.elbow_flexion(side) > BENT
            if bent.any():
                yield f"{name}, elbow bent", error[bent], move[bent]


def curves(fit: Fit, person: Person) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each curve's name, what it is wrong by, and how it moves, (F, 3) degrees about z."""
    axes = BODY.frames(fit.coordinates, fit.scale).axes
    pelvis = axes[:, SPEC.body_index["pelvis"]]

    def lean(bodies: tuple[str, ...]) -> np.ndarray:
        """Return how far vertebrae lean forward in the pelvis (F,), radians."""
        ups = [axes[:, SPEC.body_index[body], :, 1] for body in bodies]
        forward, up = np.einsum("fij,fi->jf", pelvis, np.mean(ups, axis=0))[:2]
        return np.asarray(np.arctan2(forward, up))

    for name, (middle, end) in CURVES.items():
        error, move = np.zeros((2, len(axes), 3))
        error[:, 2] = np.degrees(lean(end) - lean(middle)) - person.curves[name]
        move[:, 2] = person.curves[name]
        yield name, error, move


def labelled(noise: float) -> Callable[[Person, int], np.ndarray]:
    """Return what triangulates a person's labels with noise, px per axis."""

    def points(person: Person, number: int) -> np.ndarray:
        seen = person.keypoints
        seen = seen + np.random.default_rng(number).normal(0, noise, seen.shape)
        return from_world(triangulate(person.cameras, seen).points)

    return points


def predicted(mode: str) -> Callable[[Person, int], np.ndarray]:
    """Return what triangulates the keypoints that a network finds in the labelled boxes."""
    from spinepose import SpinePoseEstimator

    network = SpinePoseEstimator(mode)

    def points(person: Person, _: int) -> np.ndarray:
        shape = person.keypoints.shape[:3]
        found, scores = np.full((*shape, 2), np.nan), np.zeros(shape)
        for at, path in person.images.items():
            x, y, width, height = person.boxes[at]
            keypoints, sure = network.predict(path, [[x, y, x + width, y + height]])
            found[at], scores[at] = keypoints[0], sure[0]
        return from_world(triangulate(person.cameras, found, scores).points)

    return points


def rms(values: Any) -> float:
    """Return the root mean square of what is finite."""
    return float(np.sqrt(np.nanmean(np.square(values))))


class Comparison:
    """Collects the errors of many people, and tells them."""

    def __init__(self) -> None:
        self.errors: dict[str, list[tuple[int, np.ndarray]]] = defaultdict(list)
        self.moves: dict[str, list[np.ndarray]] = defaultdict(list)
        self.left: list[np.ndarray] = []
        self.points: list[np.ndarray] = []
        self.away: list[np.ndarray] = []
        self.biases: list[list[tuple[float, float, float]]] = []
        self.people = 0

    def add(self, person: Person, points: np.ndarray) -> None:
        """Fit the model to points (F, M, 3) of a person and compare the pose with the truth."""
        fit = scale_and_solve(points, BODY)
        motion = smooth(fit, points, BODY, FPS).fit
        for name, error, move in (*joint_turns(motion, person), *curves(motion, person)):
            self.errors[name].append((self.people, error))
            self.moves[name].append(move - move.mean(axis=0))
        self.left.append(fit.residuals)
        self.points.append(np.linalg.norm(points - person.markers, axis=2))
        self.away.append(np.linalg.norm(motion.markers - person.markers, axis=2))
        judged = judge_markers(person.markers, motion, BODY)
        self.biases.append([keypoint.bias_mm for keypoint in judged.keypoints])
        self.people += 1

    def summary(self) -> str:
        """Return one line of distances, mm."""
        spine = SPINETRACK.spine_indices
        measured, away = np.concatenate(self.points), np.concatenate(self.away)
        return (
            f"{self.people} people; mm RMS: points {rms(measured) * 1000:.1f} from the truth, "
            f"{rms(np.concatenate(self.left)) * 1000:.1f} left by each frame's pose; smoothed "
            f"model {rms(away) * 1000:.1f} from the truth, its spine "
            f"{rms(away[:, spine]) * 1000:.1f} (points {rms(measured[:, spine]) * 1000:.1f})"
        )

    def table(self) -> Iterator[str]:
        """Yield the rows of the errors of all joints, degrees RMS."""
        yield "| joint | axis | as it is | mean | less others' mean | less own mean | moves |"
        yield "|---|---|---|---|---|---|---|"
        for name, tracks in self.errors.items():
            means = np.array([error.mean(axis=0) for _, error in tracks])
            owners = np.array([owner for owner, _ in tracks])
            raw, other, own = [], [], []
            for (owner, error), mean in zip(tracks, means, strict=True):
                raw.append(error)
                other.append(error - means[owners != owner].mean(axis=0))
                own.append(error - mean)
            kinds = [np.concatenate(errors) for errors in (raw, other, own, self.moves[name])]
            for axis, i in AXES.items() if name not in HINGES else [("flexion", 2)]:
                cells = [rms(errors[:, i]) for errors in kinds]
                cells.insert(1, float(means[:, i].mean()))
                yield f"| {name} | {axis} | " + " | ".join(f"{c:.1f}" for c in cells) + " |"

    def bias_table(self) -> Iterator[str]:
        """Yield the mean of true keypoint minus the model's, mm in the body's axes, and spreads."""
        biases = np.array(self.biases)
        yield "| keypoint | forward | up | right | size | spread of people |"
        yield "|---|---|---|---|---|---|"
        for i, marker in enumerate(SPEC.markers):
            mean, spread = biases[:, i].mean(axis=0), biases[:, i].std(axis=0)
            cells = " | ".join(f"{value:.1f}" for value in [*mean, np.linalg.norm(mean)])
            yield f"| {marker.name} | {cells} | {'/'.join(f'{s:.0f}' for s in spread)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path, help="folder of spinepose synth")
    parser.add_argument("--noise", type=float, nargs="*", default=[2.0, 5.0], help="px per axis")
    parser.add_argument("--network", nargs="*", default=[], help="modes of SpinePoseEstimator")
    parser.add_argument("--most", type=int, help="people")
    args = parser.parse_args()
    people = read_people(args.people)[: args.most]
    sources: dict[str, Callable[[Person, int], np.ndarray]] = {
        "true points": lambda person, _: person.markers
    }
    sources |= {f"labels with {noise:g} px": labelled(noise) for noise in args.noise}
    sources |= {f"network {mode}": predicted(mode) for mode in args.network}
    for source, points in sources.items():
        compared = Comparison()
        for number, person in enumerate(people):
            compared.add(person, points(person, number))
        print(f"\n## {source}\n\n{compared.summary()}\n")
        print("\n".join(compared.table()))
        if source == "true points":
            print("\n" + "\n".join(compared.bias_table()))


if __name__ == "__main__":
    main()
