"""Guessed spines of rendered people kept from training, against the true ones.

Errors are in percent of the trunk: the true way in 3D from the middle of the shoulders to the
middle of the hips, at the person's distance from the camera.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinepose.dataset.people import HOLD_OUT_EVERY
from spinepose.dataset.spine_curve import curve_spine
from spinepose.skeleton import COCO17, SPINETRACK
from spinepose.training.pose.spine_guess import guess_spine
from spinepose.training.pose.teachers import OnnxTeacher
from spinepose.training.pose.trunk_shape import rendered_people

NOISES = (0.0, 0.02, 0.05)
SHOWN = 0.02
BENT, ARCHED = 30.0, -15.0
GIVEN = {"17 joints": COCO17.keypoints, "17, head, neck": (*COCO17.keypoints, "head", "neck")}
VIEWS = {
    "front": ("front",),
    "back": ("back",),
    "side": ("left", "right"),
    "oblique": ("front-left", "front-right", "back-left", "back-right"),
    "above, below": ("above", "below"),
}


def kept_people(folder: Path, scenes: int) -> list[dict[str, Any]]:
    """Return the held-out people of whom all keypoints lie in the picture."""
    people = [p for p in rendered_people(folder) if p["scene"] < scenes]
    people = [p for p in people if p["scene"] % HOLD_OUT_EVERY == 0]
    return [p for p in people if min(p["keypoints"][2::3]) > 0]


def trunk_pixels(person: dict[str, Any]) -> float:
    """Return the length of the trunk in pixels at its distance."""
    solid = np.array(person["keypoints_3d_camera"])
    flat = np.array(person["keypoints"]).reshape(-1, 3)[:, 0]
    focal = np.polyfit(solid[:, 0] / solid[:, 2], flat, 1)[0]
    left, right = (
        solid[SPINETRACK.indices([f"{side}_shoulder", f"{side}_hip"])] for side in ("left", "right")
    )
    ends = (left + right) / 2
    return float(focal * np.linalg.norm(ends[0] - ends[1]) / ends[:, 2].mean())


def answers_of(people: Sequence[dict[str, Any]], model: str) -> np.ndarray:
    """Return answers (N, 37, 3) of a pose model, averaged with those for the mirror image."""
    teacher = OnnxTeacher(model, flip=True)
    rows = []
    for person in people:
        image = cv2.cvtColor(cv2.imread(str(person["file"])), cv2.COLOR_BGR2RGB)
        x, y, width, height = person["bbox"]
        rows.append(teacher.answer(image, [[x, y, x + width, y + height]])[0])
    return np.array(rows)


def guesses_of(joints: np.ndarray, given: Sequence[str], answers: np.ndarray) -> list[np.ndarray]:
    """Return the spines (N, 9, 2) of (a), (b), (c), and the trust (N, 9) of (b)."""
    trust = np.zeros(joints.shape[:2])
    trust[:, SPINETRACK.indices(given)] = 1
    fitted, sure = guess_spine(joints, trust)
    return [curve_spine(joints, trust)[0], fitted, guess_spine(joints, trust, answers)[0], sure]


def line(*cells: object) -> str:
    return "| " + " | ".join(f"{c:.1f}" if isinstance(c, float) else str(c) for c in cells) + " |"


def heading(*cells: str) -> str:
    return line(*cells) + "\n" + line(*["---"] * len(cells))


def print_points(rows: dict[tuple[str, str], np.ndarray]) -> None:
    print(heading("given, noise", "guess", *SPINETRACK.spine, "mean", "median"))
    for key, error in rows.items():
        every = float(np.nanmean(error)), float(np.nanmedian(error))
        print(line(*key, *np.nanmean(error, axis=0).tolist(), *every))


def print_groups(people: Sequence[dict[str, Any]], columns: dict[str, np.ndarray]) -> None:
    views = np.array([p["view"] for p in people])
    flexion = np.array([p["trunk"]["flexion"] for p in people])
    groups = {name: np.isin(views, kinds) for name, kinds in VIEWS.items()}
    groups |= {
        f"arched (under {ARCHED:.0f}°)": flexion < ARCHED,
        "straight": (flexion >= ARCHED) & (flexion <= BENT),
        f"bent (over {BENT:.0f}°)": flexion > BENT,
    }
    print(heading("view, flexion of the trunk", "people", *columns))
    for name, chosen in groups.items():
        means = [float(np.nanmean(e[chosen])) for e in columns.values()]
        print(line(name, int(chosen.sum()), *means))


def print_trust(sure: np.ndarray, error: np.ndarray) -> None:
    print(heading("trust of (b)", "points", "mean error"))
    for low, high in pairwise((0.0, 0.8, 0.9, 0.95, 1.01)):
        chosen = (sure >= low) & (sure < high)
        if chosen.any():
            print(
                line(f"{low:g} to {min(high, 1):g}", int(chosen.sum()), float(error[chosen].mean()))
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="made by `spinepose synth`")
    parser.add_argument("--model", default="small", help="whose answers are (c)")
    parser.add_argument("--scenes", type=int, default=10**9, help="use only the first so many")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    args = parser.parse_args()
    people = kept_people(args.folder, args.scenes)
    exact = np.array([p["keypoints"] for p in people]).reshape(len(people), -1, 3)[..., :2]
    spine = exact[:, SPINETRACK.spine_indices]
    trunks = np.array([trunk_pixels(p) for p in people])
    answers = answers_of(people, args.model)
    shake = np.random.default_rng(args.seed).normal(size=exact.shape)

    def errors(guess: np.ndarray) -> np.ndarray:
        return 100 * np.linalg.norm(guess - spine, axis=-1) / trunks[:, None]

    alone = errors(answers[:, SPINETRACK.spine_indices, :2])
    rows = {("picture", f"{args.model} alone"): alone}
    names = "(a) curve", "(b) fit", f"(c) fit and {args.model}"
    tables = {}
    for given, joints in GIVEN.items():
        for noise in NOISES:
            moved = exact + noise * trunks[:, None, None] * shake
            *guesses, sure = guesses_of(moved, joints, answers)
            found = dict(zip(names, map(errors, guesses), strict=True))
            rows |= {(f"{given}, {noise:.0%}", name): error for name, error in found.items()}
            tables[given, noise] = found, sure

    print(f"{len(people)} people\n")
    print_points(rows)
    found, sure = tables["17 joints", SHOWN]
    print(f"\n17 joints, noise {SHOWN:.0%}\n")
    print_groups(people, {f"{args.model} alone": alone, **found})
    print()
    print_trust(sure, found["(b) fit"])


if __name__ == "__main__":
    main()
