"""BlazePose as a teacher: it knows heels and toes, but not everybody's.

Its feet are taken only from people whose legs another network sees in the same place.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from spinepose.errors import MissingExtraError, ModelError
from spinepose.geometry import apply_affine, crop_transforms, invert_affine
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.teachers import (
    PADDING,
    SQUARE,
    cut,
    fingerprint_of,
    no_answers,
    read_weights,
)

__all__ = ["BlazePoseTeacher", "Interpreter", "agreeing_feet"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

_LANDMARKS = 39  # BlazePose: 33 of the body, and a few that only say where the person is
_CENTRE, _RIM = 33, 34  # middle of the hips; a point of the circle around the whole person
_BLAZE = {
    0: "nose",
    2: "left_eye",
    5: "right_eye",
    7: "left_ear",
    8: "right_ear",
    11: "left_shoulder",
    12: "right_shoulder",
    13: "left_elbow",
    14: "right_elbow",
    15: "left_wrist",
    16: "right_wrist",
    23: "left_hip",
    24: "right_hip",
    25: "left_knee",
    26: "right_knee",
    27: "left_ankle",
    28: "right_ankle",
    29: "left_heel",
    30: "right_heel",
    31: "left_big_toe",  # "foot index"
    32: "right_big_toe",
}
"""SpineTrack's names of BlazePose's landmarks (MediaPipe, ``docs/solutions/pose.md``)."""
_WINDOW = 3  # heatmap cells to each side of a landmark that refine it
_HEAT = 0.5  # a heatmap lower than this refines nothing
_PRESENT = 0.5

SURE = 0.5
"""Score from which a heel or toe counts."""
KNOWN = 0.4
"""Trust from which a joint of the leg counts: half a teacher's, or a label."""
AGREES = 0.1
"""Of the box's longer side: joints nearer than this are the same."""
CONFIRMS = 0.03
"""Of the longer side: heels and toes of two sizes nearer than this are the same."""
REACH = 0.6
"""Of the shin: no toe or heel is farther from its ankle ..."""
LEAST_REACH = 0.04
"""... or than this, of the longer side: the shin may point at the camera."""


class Interpreter(Protocol):
    """The calls of a LiteRT interpreter that are used here."""

    def allocate_tensors(self) -> None:
        """Make room for inputs and outputs."""

    def get_input_details(self) -> list[dict[str, Any]]:
        """Describe the inputs."""

    def get_output_details(self) -> list[dict[str, Any]]:
        """Describe the outputs."""

    def set_tensor(self, index: int, value: Float32) -> None:
        """Set an input."""

    def invoke(self) -> None:
        """Run the network."""

    def get_tensor(self, index: int) -> Float32:
        """Return an output."""


class BlazePoseTeacher:
    """BlazePose GHUM (Google, Apache-2.0): body, heels and big toes.

    Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", arXiv 2006.10204. The
    network wants the hips in the middle of a circle around the upright person. It says itself
    where they are, so that everybody is read twice: first in the padded box, then in the circle
    found there. Landmarks are refined by their heatmaps, as in MediaPipe. Reading twice and
    refining raise the OKS share on 133 COCO people from 51.9 to 57.7.

    Parameters
    ----------
    path
        ``pose_landmark_heavy.tflite`` (or full, lite) of the npm package ``@mediapipe/pose``.
    threads
        CPU threads.
    interpreter
        What runs the network; by default LiteRT, from the extra ``teachers``.

    Raises
    ------
    ModelError
        The file is missing or something else.
    MissingExtraError
        LiteRT is not installed.
    """

    def __init__(
        self, path: Path, *, threads: int = 1, interpreter: Interpreter | None = None
    ) -> None:
        weights = read_weights(path)
        self._run = interpreter or _litert(path, threads)
        self._run.allocate_tensors()
        self._input = int(self._run.get_input_details()[0]["index"])
        by_size = {
            int(np.prod(d["shape"])): int(d["index"]) for d in self._run.get_output_details()
        }
        heat_side = SQUARE // 4
        wanted = (_LANDMARKS * 5, 1, heat_side * heat_side * _LANDMARKS)
        if not set(wanted) <= set(by_size):
            raise ModelError(f"{path}: outputs of {sorted(by_size)} numbers, not BlazePose's")
        self._outputs = [by_size[size] for size in wanted]
        self.name = f"blazepose-{path.stem.rpartition('_')[2]}"
        self._rows = np.array(list(_BLAZE))
        self.keypoints: IntArray = SPINETRACK.indices(list(_BLAZE.values()))
        self.fingerprint = fingerprint_of(weights, padding=PADDING, readings=2, refined=_WINDOW)

    def answer(self, image: UInt8, boxes: npt.ArrayLike) -> Float32:
        """Read people, see :meth:`Teacher.answer`; a score is 0 where it sees no person."""
        maps = crop_transforms(np.asarray(boxes, np.float64), (SQUARE, SQUARE), PADDING)
        answers = no_answers(len(maps))
        for row, affine in zip(answers, maps, strict=True):
            marks = self._landmarks(image, affine)
            if marks is not None:
                marks = self._landmarks(image, _circle(marks))
            if marks is not None:
                row[self.keypoints] = marks[self._rows]
        return answers

    def _landmarks(self, image: UInt8, affine: Float64) -> Float64 | None:
        """Return x, y, score (39, 3) in the picture; None where there is no person."""
        self._run.set_tensor(self._input, np.float32(1 / 255) * cut(image, affine)[None])
        self._run.invoke()
        flat, flag, heat = (self._run.get_tensor(index) for index in self._outputs)
        present = float(flag.reshape(()))
        if not present >= _PRESENT:
            return None
        marks = flat.reshape(_LANDMARKS, 5).astype(np.float64)
        side = SQUARE // 4
        places = _refined(marks[:, :2], heat.reshape(side, side, _LANDMARKS).astype(np.float64))
        # Its coordinates count from the border of the square, ours from the first pixel's centre.
        places = apply_affine(invert_affine(affine[None]), places[None] - 0.5)[0]
        score = present * _sigmoid(marks[:, 3:]).min(axis=1)  # visible, inside the square
        return np.concatenate([places, score[:, None]], axis=1)


def _litert(path: Path, threads: int) -> Interpreter:
    try:
        from ai_edge_litert.interpreter import Interpreter as LiteRt
    except ImportError as error:
        raise MissingExtraError("BlazePose", "teachers") from error
    try:
        runner: Interpreter = LiteRt(model_path=str(path), num_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path}: cannot be loaded: {' '.join(str(error).split())}") from error
    return runner


def _circle(marks: Float64) -> Float64:
    """Return the map (2, 3) to the padded square around the circle, hips to head upwards."""
    centre, rim = marks[_CENTRE, :2], marks[_RIM, :2]
    dx, dy = rim - centre
    scale = SQUARE / max(2 * PADDING * float(np.hypot(dx, dy)), 1.0)
    turn = cv2.getRotationMatrix2D((0, 0), float(np.degrees(np.arctan2(dx, -dy))), scale)
    turn[:, 2] = (SQUARE - 1) / 2 - turn[:, :2] @ centre
    return np.asarray(turn, np.float64)


def _refined(places: Float64, heat: Float64) -> Float64:
    """Move places (M, 2) in the square to the centres of their heatmaps' windows (h, w, M)."""
    side = len(heat)
    cells = np.floor(np.nan_to_num(places) * side / SQUARE).clip(-side, 2 * side).astype(int)
    grid = np.arange(side)
    near = np.abs(grid - cells[..., None]) <= _WINDOW  # (M, 2, side)
    values = _sigmoid(heat).transpose(2, 0, 1) * near[:, 1, :, None] * near[:, 0, None, :]
    total = np.maximum(values.sum(axis=(1, 2)), 1e-9)
    centres = np.stack([values.sum(axis=1) @ grid, values.sum(axis=2) @ grid], axis=1)
    sure = values.max(axis=(1, 2)) >= _HEAT
    return np.where(sure[:, None], centres / total[:, None] * SQUARE / side, places)


def _sigmoid(values: Float64) -> Float64:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))  # without overflow


def agreeing_feet(
    blaze: Float32, body: Float32, boxes: npt.ArrayLike, others: Sequence[Float32] = ()
) -> Float32:
    """Return the heels and big toes of BlazePose where it sees the leg as others do.

    Scores do not tell its bad feet from its good ones, agreement does. Of 60 people in sports
    (lspe) where it agreed with MoveNet Thunder's legs, 14 of 91 feet were wrong; having the full
    size confirm the feet of the heavy one left 1 of 57. On 60 other people, half of them in
    sports and half standing, 58 were right then (all checked by eye).

    Parameters
    ----------
    blaze
        (N, 37, 3) x, y, score: BlazePose's answers.
    body
        (N, 37, 3) x, y, score: another teacher's answers, or labels with their trust.
    boxes
        (N, 4) xyxy pixels.
    others
        Each (N, 37, 3): answers of other sizes of BlazePose, which must confirm heel and toe.

    Returns
    -------
    feet : (N, 37, 3)
        With BlazePose's scores; NaN and 0 where ankle, knee or one of the hips is not known to
        both or farther apart than :data:`AGREES`, the other ankle is nearer, the foot is longer
        than :data:`REACH`, or a foot point is unsure or farther than :data:`CONFIRMS` from
        another size's. Distances are shares of the box's longer side.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    side = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1), 1.0)
    feet = no_answers(len(boxes))
    agrees = (body[..., 2] > KNOWN) & (_gap(blaze, body, side) < AGREES)
    for own, other in (("left", "right"), ("right", "left")):
        ankle, knee, away, *hips = SPINETRACK.indices(
            [f"{own}_ankle", f"{own}_knee", f"{other}_ankle", "left_hip", "right_hip"]
        )
        ends = SPINETRACK.indices([f"{own}_heel", f"{own}_big_toe"])
        leg = agrees[:, [ankle, knee, *hips]].all(axis=1)
        straight, crossed = (_gap(blaze[:, ankle], body[:, to], side) for to in (ankle, away))
        leg &= straight <= crossed
        shin = _gap(blaze[:, ankle], blaze[:, knee], side)
        reach = _gap(blaze[:, ends], blaze[:, [ankle]], side)
        good = leg[:, None] & (reach < np.maximum(REACH * shin, LEAST_REACH)[:, None])
        good &= blaze[:, ends, 2] > SURE
        for second in others:
            confirmed = _gap(blaze[:, ends], second[:, ends], side) < CONFIRMS
            good &= np.all(confirmed, axis=1, keepdims=True)
        feet[:, ends] = np.where(good[..., None], blaze[:, ends], feet[:, ends])
    return feet


def _gap(a: Float32, b: Float32, side: Float64) -> Float64:
    """Return the distances (N, ...) of points (N, ..., 3) in sides (N,); infinite if unknown."""
    apart = np.linalg.norm(a[..., :2].astype(np.float64) - b[..., :2], axis=-1)
    apart /= side.reshape(-1, *(1,) * (apart.ndim - 1))
    return np.where(np.isfinite(apart) & (a[..., 2] > 0) & (b[..., 2] > 0), apart, np.inf)
