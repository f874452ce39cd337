"""From light to a file: exposure, blur, noise and compression, as a real camera has them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["developed", "encoded"]

Float32 = npt.NDArray[np.float32]

_GAMMA = 2.2


def developed(image: Float32, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return a picture as a camera of some quality would store it.

    Parameters
    ----------
    image
        (H, W, 3) linear RGB.
    rng
        Draws exposure, white balance, motion blur, focus and noise.

    Returns
    -------
    picture : (H, W, 3)
        RGB uint8.
    """
    draws = rng.uniform(size=8)
    gains = 1 + 0.05 * (rng.uniform(size=3) - 0.5)
    level = float(np.percentile(image.mean(axis=2), 75))
    # Halfway to an even exposure: pictures stay bright or dark, but show something.
    exposure = (0.42 / max(level, 0.02)) ** 0.55 * (0.78 + 0.5 * draws[0])
    linear = image * (exposure * gains).astype(np.float32)
    if draws[1] < 0.14:
        linear = _moved(linear, 2 + 7 * draws[2] * image.shape[0] / 512, 180 * draws[3])
    elif draws[1] < 0.34:
        linear = cv2.GaussianBlur(linear, (0, 0), 0.4 + 0.8 * draws[2] * image.shape[0] / 512)
    # A soft shoulder instead of clipped lights (Reinhard et al. 2002, eq. 4).
    white = 2.6
    toned = linear * (1 + linear / white**2) / (1 + 0.32 * linear)
    noise = rng.normal(size=image.shape).astype(np.float32)
    strength = 0.002 + 0.018 * draws[4] ** 3
    # Photon noise grows with the root of the light.
    toned = toned + noise * strength * (0.25 + np.sqrt(np.maximum(toned, 0)))
    display = np.clip(toned, 0, 1) ** (1 / _GAMMA)
    contrast = 0.9 + 0.25 * draws[5]
    display = np.clip((display - 0.5) * contrast + 0.5 + 0.04 * (draws[6] - 0.5), 0, 1)
    return np.asarray(np.rint(display * 255), np.uint8)


def encoded(picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    """Return a picture (H, W, 3) RGB as a JPEG file of quality 70 to 96."""
    quality = int(rng.integers(70, 97))
    done, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:  # pragma: no cover - only an unusable OpenCV fails here
        raise RuntimeError("OpenCV cannot write JPEG")
    return bytes(data)


def _moved(image: Float32, length: float, angle: float) -> Float32:
    """Return the image blurred along a line: the hand that held the camera moved."""
    size = max(3, 2 * int(length / 2) + 1)
    kernel = np.zeros((size, size), np.float32)
    middle = size // 2
    away = middle * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    start, end = (middle - away).round().astype(int), (middle + away).round().astype(int)
    cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)
