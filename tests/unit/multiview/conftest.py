"""Small rigs of cameras, and people-sized clouds of points among them."""

from __future__ import annotations

import numpy as np
import pytest

from spinepose.multiview import Camera

LENSES = (
    (0.0, 0.0, 0.0, 0.0),
    (-0.28, 0.07, 0.001, -0.0005, 0.0),
    (0.12, -0.25, 0.002, 0.001, 0.1),
    (0.6, 0.2, -0.0005, 0.0005, 0.01, 0.9, 0.3, 0.02),
)


def looking(
    name: str,
    place: tuple[float, float, float],
    target: tuple[float, float, float] = (0.0, 0.0, 1.0),
    lens: tuple[float, ...] = LENSES[0],
    focal: float = 1100.0,
) -> Camera:
    """Return a camera at a place (m) that looks at a target (m), upright."""
    forward = np.array(target) - np.array(place)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.array([[focal, 0, 639.5], [0, 1.005 * focal, 489.0], [0, 0, 1]])
    shift = -rotation @ np.array(place)
    return Camera(name, (1280, 960), matrix, rotation, shift, np.array(lens))


def ring(count: int, radius: float = 4.0, first: float = 0.3) -> list[Camera]:
    """Return cameras in a circle around a person, each with another lens."""
    angles = first + 2 * np.pi * np.arange(count) / max(count, 3)
    return [
        looking(
            f"cam{i}",
            (radius * np.cos(a), radius * np.sin(a), 1.0 + 0.4 * (i % 3)),
            lens=LENSES[i % len(LENSES)],
        )
        for i, a in enumerate(angles.tolist())
    ]


def cloud(seed: int, frames: int = 5, joints: int = 37) -> np.ndarray:
    """Return points (frames, joints, 3) m in the room of a person at the origin."""
    return np.random.default_rng(seed).uniform([-0.6, -0.6, 0], [0.6, 0.6, 2], (frames, joints, 3))


def seen(cameras: list[Camera], points: np.ndarray) -> np.ndarray:
    """Return what the cameras see of points, (C, F, K, 2) px."""
    return np.stack([camera.project(points) for camera in cameras])


@pytest.fixture
def five() -> list[Camera]:
    return ring(5)
