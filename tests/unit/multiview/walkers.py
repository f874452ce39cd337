"""People who walk among cameras, as points in space and as what a tracker makes of them."""

from __future__ import annotations

import numpy as np

from spinepose.multiview import Camera, Track, View
from spinepose.skeleton import SPINETRACK


def walker(
    seed: int,
    frames: int,
    start: tuple[float, float] = (0.0, 0.0),
    speed: float = 0.6,
    rate: float = 60.0,
) -> np.ndarray:
    """Return (frames, 37, 3) m: someone who walks from a place and swings every part a little."""
    rng = np.random.default_rng(seed)
    count = len(SPINETRACK)
    body = rng.uniform([-0.25, -0.15, 0.0], [0.25, 0.15, 1.75], (count, 3))
    heading = rng.uniform(0, 2 * np.pi)
    ahead = np.array([np.cos(heading), np.sin(heading), 0.0])
    times = np.arange(frames)[:, None] / rate
    step = rng.uniform(0.8, 1.1)
    swing = rng.uniform(0.02, 0.3, count) * np.sin(
        2 * np.pi * step * times + rng.uniform(0, 2 * np.pi, count)
    )
    bob = 0.02 * np.sin(4 * np.pi * step * times)
    way = (speed * times + swing)[..., None] * ahead + bob[..., None] * [0, 0, 1.0]
    return body + way + [*start, 0.0]


def film(camera: Camera, points: np.ndarray, seed: int, noise: float = 4.0) -> Track:
    """Return the track of someone seen by a camera, with noise (px) and uneven scores."""
    rng = np.random.default_rng(seed)
    pixels = camera.project(points)
    pixels += rng.normal(0, noise, pixels.shape)
    return Track(pixels, rng.uniform(0.5, 1.0, pixels.shape[:-1]))


def part_of(track: Track, start: int, stop: int) -> Track:
    """Return a track of the same length that is there from `start` to before `stop` only."""
    keypoints, scores = np.full_like(track.keypoints, np.nan), np.zeros_like(track.scores)
    keypoints[start:stop] = track.keypoints[start:stop]
    scores[start:stop] = track.scores[start:stop]
    return Track(keypoints, scores)


def view(camera: Camera, tracks: dict[int, Track], rate: float = 60.0) -> View:
    """Return the view of a camera."""
    frames = len(next(iter(tracks.values())).scores)
    times = np.arange(frames) / rate
    return View(camera.name, None, camera.size, rate, times, tracks)
