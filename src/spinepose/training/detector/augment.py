"""Random pictures for training: turns, colours, panorama views, people cut out and pasted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from spinepose.training.detector.boxes import PAD_VALUE, Floats, Image, iou_matrix

SMALLEST_SIDE = 6.0
VISIBLE_SHARE = 0.4
_ELLIPSE = np.linspace(0, 2 * np.pi, 16, endpoint=False)


@dataclass(frozen=True)
class Sample:
    """A picture with its labels.

    Attributes
    ----------
    image
        RGB ``(H, W, 3)``.
    agreed
        People's boxes ``(N, 4)`` in px.
    doubtful
        Doubtful boxes ``(M, 5)``: a box in px and the ceiling of its score (0..1).
    """

    image: Image
    agreed: Floats
    doubtful: Floats


def ellipse_points(boxes: Floats) -> Floats:
    """Return 16 points ``(N, 16, 2)`` on the ellipse inscribed in each box.

    A person fills an ellipse better than a rectangle: boxes around the turned ellipse stay
    tight where boxes around the turned corners grow (Kalra et al. 2021).
    """
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    circle = np.stack([np.cos(_ELLIPSE), np.sin(_ELLIPSE)], axis=1)
    return np.asarray(centre[:, None] + half[:, None] * circle[None], dtype=np.float32)


def bounds(points: Floats) -> Floats:
    """Boxes ``(N, 4)`` around point sets ``(N, K, 2)``."""
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1).astype(np.float32)


def warp_boxes(boxes: Floats, matrix: NDArray[np.float64]) -> Floats:
    """Carry boxes ``(N, 4+)`` through an affine map ``(2, 3)``, as ellipses.

    Further columns stay as they are.
    """
    if not len(boxes):
        return boxes
    points = ellipse_points(boxes[:, :4]) @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([bounds(points.astype(np.float32)), boxes[:, 4:]], axis=1)


def random_matrix(
    rng: np.random.Generator, size: tuple[int, int], target: tuple[float, float], zoom: float
) -> NDArray[np.float64]:
    """Affine map ``(2, 3)`` that turns, mirrors and scales a photo around a target point.

    The people to be found are gymnasts: 15 % of the photos hang upside down, 20 % lie on a
    side, 10 % take any angle; the others stay upright. All are off by about 5 degrees.

    Parameters
    ----------
    size
        Height and width of the photo.
    target
        x, y of the photo's middle in the new picture.
    zoom
        New px per photo px.
    """
    turns = [0.0, 180.0, 90.0, 270.0, rng.uniform(0, 360)]
    angle = float(rng.choice(turns, p=[0.55, 0.15, 0.1, 0.1, 0.1]) + rng.normal(0, 5))
    turn = cv2.getRotationMatrix2D((size[1] / 2, size[0] / 2), angle, zoom)
    if rng.random() < 0.5:
        turn = turn @ np.array([[-1.0, 0, size[1]], [0, 1, 0], [0, 0, 1]])
    turn[:, 2] += np.asarray(target) - np.array([size[1] / 2, size[0] / 2])
    return np.asarray(turn, dtype=np.float64)


def warp_sample(sample: Sample, matrix: NDArray[np.float64], side: int) -> Sample:
    """Carry a sample through an affine map into a picture of ``side`` x ``side`` px.

    Boxes cut at the border become doubtful when less than 0.4 of them is left, and are
    dropped when none is; tiny ones (6 px) are doubtful.
    """
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    image = sample.image
    if shrink < 0.5:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.35 / shrink), dtype=np.uint8)
    warped = cv2.warpAffine(
        image,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(PAD_VALUE, PAD_VALUE, PAD_VALUE),
    )
    return cut(
        Sample(
            np.asarray(warped, dtype=np.uint8),
            warp_boxes(sample.agreed, matrix),
            warp_boxes(sample.doubtful, matrix),
        ),
        (0, 0, side, side),
    )


def cut(sample: Sample, window: tuple[int, int, int, int]) -> Sample:
    """Limit the boxes of a sample to a window x1, y1, x2, y2 (the picture stays whole)."""
    agreed, share = _limit(sample.agreed, window)
    doubtful, doubt_share = _limit(sample.doubtful, window)
    sides = agreed[:, 2:] - agreed[:, :2]
    good = (share >= VISIBLE_SHARE) & (sides.min(axis=1, initial=np.inf) >= SMALLEST_SIDE)
    unsure = np.concatenate([doubtful[doubt_share > 0], without_limit(agreed[~good & (share > 0)])])
    return Sample(sample.image, agreed[good], unsure)


def without_limit(boxes: Floats) -> Floats:
    """Make boxes ``(N, 4)`` doubtful ones ``(N, 5)`` with a ceiling of 1."""
    return np.pad(boxes, ((0, 0), (0, 1)), constant_values=1).astype(np.float32)


def _limit(boxes: Floats, window: tuple[int, int, int, int]) -> tuple[Floats, Floats]:
    low, high = np.array(window[:2] * 2), np.array(window[2:] * 2)
    limited = boxes.copy()
    limited[:, :4] = np.clip(boxes[:, :4], low, high)
    before = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    after = np.prod(limited[:, 2:4] - limited[:, :2], axis=1)
    return limited, np.asarray(after / np.maximum(before, 1e-6), dtype=np.float32)


def panorama_view(rng: np.random.Generator, panorama: Image, side: int) -> Image:
    """Look into an equirectangular panorama as a camera would.

    Field of view 50..100 degrees, any heading, pitch within about 15 degrees of level.
    """
    focal = side / 2 / np.tan(np.radians(rng.uniform(50, 100)) / 2)
    ys, xs = np.mgrid[:side, :side].astype(np.float32)
    ray = np.stack([xs - side / 2, ys - side / 2, np.full_like(xs, focal)], axis=-1)
    pitch, heading = np.radians(rng.normal(-3, 8)), rng.uniform(-np.pi, np.pi)
    y = ray[..., 1] * np.cos(pitch) - ray[..., 2] * np.sin(pitch)
    z = ray[..., 1] * np.sin(pitch) + ray[..., 2] * np.cos(pitch)
    longitude = np.arctan2(ray[..., 0], z) + heading
    latitude = np.arctan2(y, np.hypot(ray[..., 0], z))
    height, width = panorama.shape[:2]
    map_x = ((longitude / (2 * np.pi) + 0.5) % 1.0 * width).astype(np.float32)
    map_y = ((latitude / np.pi + 0.5) * height).astype(np.float32)
    view = cv2.remap(panorama, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(view, dtype=np.uint8)


def cut_out(image: Image, box: Floats) -> NDArray[np.uint8] | None:
    """Mask a person inside a box with GrabCut (Rother et al. 2004).

    Returns
    -------
    NDArray[np.uint8] | None
        Mask ``(H, W)`` 0 or 255, or None where the cut is not believable (covers less than
        a quarter or more than 0.8 of the box, or does not span it).
    """
    mask = np.zeros(image.shape[:2], dtype=np.uint8)
    x1, y1, x2, y2 = (round(float(v)) for v in box)
    if x2 - x1 < 24 or y2 - y1 < 48:
        return None
    models = np.zeros((2, 1, 65))
    try:
        cv2.grabCut(
            image, mask, (x1, y1, x2 - x1, y2 - y1), models[0], models[1], 3, cv2.GC_INIT_WITH_RECT
        )
    except cv2.error:
        return None
    person = np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    person = np.asarray(cv2.medianBlur(person, 5), dtype=np.uint8)
    rows, columns = np.nonzero(person)
    if not rows.size or not 0.25 <= rows.size / ((x2 - x1) * (y2 - y1)) <= 0.8:
        return None
    spans = np.ptp(rows) >= 0.85 * (y2 - y1) and np.ptp(columns) >= 0.7 * (x2 - x1)
    return person if spans else None


def paste(
    scene: Sample,
    image: Image,
    mask: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    person: bool,
) -> Sample:
    """Paste the masked part of an image into a scene and keep the labels right.

    Parameters
    ----------
    mask
        ``(H, W)`` 0..255 of the image; its outline gives the new box.
    matrix
        Affine map ``(2, 3)`` from the image to the scene.
    person
        Whether what is pasted is a person (else it only hides what is behind it).
    """
    height, width = scene.image.shape[:2]
    alpha = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.8), dtype=np.uint8)
    columns, rows = alpha.max(axis=0) > 127, alpha.max(axis=1) > 127
    if columns.sum() < SMALLEST_SIDE or rows.sum() < SMALLEST_SIDE:
        return scene
    front = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
    weight = alpha[..., None].astype(np.float32) / 255
    mixed = (front * weight + scene.image * (1 - weight)).astype(np.uint8)
    xs, ys = np.nonzero(columns)[0], np.nonzero(rows)[0]
    box = np.array([[xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]], dtype=np.float32)
    hidden = _covered(scene.agreed, box) > 0.6
    agreed, doubtful = scene.agreed[~hidden], scene.doubtful
    doubtful = np.concatenate([doubtful, without_limit(scene.agreed[hidden])])
    outline = np.argwhere(mask[::4, ::4] > 127)[:, ::-1] * 4.0
    full = bounds((outline @ matrix[:, :2].T + matrix[:, 2])[None].astype(np.float32))
    inside = float(iou_matrix(full, box).max())
    if person and inside >= VISIBLE_SHARE:
        agreed = np.concatenate([agreed, box])
    elif person:
        doubtful = np.concatenate([doubtful, without_limit(box)])
    return Sample(mixed, agreed.astype(np.float32), doubtful.astype(np.float32))


def _covered(boxes: Floats, by: Floats) -> Floats:
    low = np.maximum(boxes[:, :2], by[0, :2])
    high = np.minimum(boxes[:, 2:], by[0, 2:])
    inter = np.prod(np.clip(high - low, 0, None), axis=1)
    whole = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.asarray(inter / np.maximum(whole, 1e-6), dtype=np.float32)


def recolour(rng: np.random.Generator, image: Image) -> Image:
    """Change light and colour, sometimes blur, coarsen or drop the colour."""
    gain = rng.uniform(0.6, 1.4) * (1 + rng.normal(0, 0.06, 3))
    table = (np.arange(256)[:, None] / 255) ** rng.uniform(0.7, 1.4) * gain * 255
    table = np.clip(table + rng.normal(0, 8), 0, 255).astype(np.uint8)
    out = cv2.LUT(image, table.reshape(256, 1, 3))
    if rng.random() < 0.07:
        out = np.repeat(out.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    if rng.random() < 0.12:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.15:
        quality = int(rng.integers(25, 80))
        packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        unpacked = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        out = out if unpacked is None else unpacked
    return np.ascontiguousarray(out, dtype=np.uint8)
