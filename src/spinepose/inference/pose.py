"""From people's boxes to their keypoints: one batch of crops, one run of the network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.geometry import apply_affine, crop_transforms, invert_affine
from spinepose.inference.simcc import calibrate, decode_simcc, log_softmax, merge_flip
from spinepose.models import ModelCard, Session
from spinepose.models.session import outputs_named

__all__ = ["LEAST_SCORE", "PoseModel"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

MAX_BATCH = 16
"""People in one run: more do not run faster per person, and memory stays bounded."""

_MUCH_LARGER = 0.4
"""Crop pixels per image pixel below which the image is averaged down first."""

LEAST_SCORE = 0.05
"""A keypoint less sure than this is not there: its place would be noise."""


class PoseModel:
    """A SimCC network over crops of people.

    Parameters
    ----------
    card
        Says how crops are cut and normalised.
    session
        The loaded network.
    """

    def __init__(self, card: ModelCard, session: Session) -> None:
        self.card = card
        self.session = session
        spec = card.input
        self._size = (spec.width, spec.height)
        mean, std = (np.array(v, dtype=np.float32) for v in (spec.mean, spec.std))
        # (pixel - mean) / std as one multiplication and one addition.
        self._scale = (1 / std)[:, None, None]
        self._shift = (-mean / std)[:, None, None]
        self._crops = np.empty((0, spec.height, spec.width, 3), dtype=np.uint8)
        self._input = np.empty((0, 3, spec.height, spec.width), dtype=np.float32)

    def estimate(
        self, image: UInt8, boxes: npt.ArrayLike, *, flip_test: bool = False
    ) -> tuple[Float32, Float32]:
        """Find the keypoints of the people in given boxes.

        Parameters
        ----------
        image
            (H, W, 3) RGB uint8.
        boxes
            (N, 4) x1 y1 x2 y2 px; a box with NaN gives a row without keypoints.
        flip_test
            Average with the mirror image.

        Returns
        -------
        keypoints : (N, K, 2)
            Pixels of the image; NaN where the score is below :data:`LEAST_SCORE`.
        scores : (N, K)
            In 0..1, 0 where missing.
        """
        boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        count = len(self.card.skeleton)
        keypoints = np.full((len(boxes), count, 2), np.nan, dtype=np.float32)
        scores = np.zeros((len(boxes), count), dtype=np.float32)
        known = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        for start in range(0, len(known), MAX_BATCH):
            rows = known[start : start + MAX_BATCH]
            keypoints[rows], scores[rows] = self._run(image, boxes[rows], flip_test)
        lost = ~(scores >= LEAST_SCORE)  # what is not a number is lost too
        keypoints[lost], scores[lost] = np.nan, 0.0
        return keypoints, scores

    def _run(self, image: UInt8, boxes: Float64, flip_test: bool) -> tuple[Float32, Float32]:
        """Run one batch of at most :data:`MAX_BATCH` boxes (N, 4)."""
        transforms = crop_transforms(boxes, self._size, self.card.input.padding)
        values = self._cut(image, transforms)
        ratio = self.card.output.split_ratio
        x, y = self._logits(values)
        if flip_test:
            flip = self.card.skeleton.flip
            mirror_x, mirror_y = self._logits(np.ascontiguousarray(values[..., ::-1]))
            log_x = merge_flip(x, mirror_x, flip, ratio, horizontal=True)
            log_y = merge_flip(y, mirror_y, flip, ratio, horizontal=False)
        else:
            log_x, log_y = log_softmax(x), log_softmax(y)
        points, peaks = decode_simcc(log_x, log_y, ratio)
        keypoints = apply_affine(invert_affine(transforms), points.astype(np.float64))
        return keypoints.astype(np.float32), calibrate(peaks, self.card.score)

    def _cut(self, image: UInt8, transforms: Float64) -> Float32:
        """Return normalised crops (N, 3, h, w), in a buffer that the next call uses again."""
        import cv2

        n = len(transforms)
        if n > len(self._crops):
            self._crops = np.empty((n, *self._crops.shape[1:]), dtype=np.uint8)
            self._input = np.empty((n, *self._input.shape[1:]), dtype=np.float32)
        for transform, crop in zip(transforms, self._crops, strict=False):
            source, way = _shrunk(image, transform, self._size)
            cv2.warpAffine(source, way, self._size, dst=crop, flags=cv2.INTER_LINEAR)
        channels = self._crops[:n].transpose(0, 3, 1, 2)
        if self.card.input.color == "bgr":
            channels = channels[:, ::-1]
        values = self._input[:n]
        np.multiply(channels, self._scale, out=values)
        values += self._shift
        return values

    def _logits(self, values: Float32) -> tuple[Float32, Float32]:
        x, y = outputs_named(self.session, self.session.run_batch(values), "simcc_x", "simcc_y")
        return x.astype(np.float32, copy=False), y.astype(np.float32, copy=False)


def _shrunk(image: UInt8, transform: Float64, size: tuple[int, int]) -> tuple[UInt8, Float64]:
    """Return what a crop is cut from, and the map (2, 3) into the crop.

    Warping samples points: a person much larger than the crop would bring every pixel's noise
    along. Then the part of the image that the crop shows is first averaged down to twice the
    crop's resolution.
    """
    import cv2

    scale = float(transform[0, 0])
    if scale >= _MUCH_LARGER:
        return image, transform
    limits = np.array(image.shape[1::-1])
    corner = np.clip(np.floor(-transform[:, 2] / scale), 0, limits).astype(int)
    end = np.clip(np.ceil((np.array(size) - transform[:, 2]) / scale) + 1, 0, limits).astype(int)
    if (end <= corner).any():
        return image, transform
    part = image[corner[1] : end[1], corner[0] : end[0]]
    target = np.maximum(np.round((end - corner) * 2 * scale), 1).astype(int)
    small = cv2.resize(part, (int(target[0]), int(target[1])), interpolation=cv2.INTER_AREA)
    # A pixel centre q of the small picture is (q + 1/2) / ratio - 1/2 + corner in the image.
    ratio = target / (end - corner)
    shift = transform[:, 2] + scale * (0.5 / ratio - 0.5 + corner)
    way = np.array([[scale / ratio[0], 0, shift[0]], [0, scale / ratio[1], shift[1]]])
    return small.astype(np.uint8, copy=False), way
