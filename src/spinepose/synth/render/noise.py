"""Solid noise: a smooth random function of space, the same for the same seed."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["fbm", "noise", "random_of"]


@numba.njit(cache=True, inline="always")
def random_of(x: int, y: int, z: int, seed: int) -> float:  # pragma: no cover - compiled
    """Return a random number in -1..1 for a lattice point."""
    h = np.uint32(x) * np.uint32(374761393) + np.uint32(y) * np.uint32(668265263)
    h = h + np.uint32(z) * np.uint32(2147483647) + np.uint32(seed) * np.uint32(3266489917)
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(1274126177))
    h = h ^ (h >> np.uint32(16))
    return float(h & np.uint32(0xFFFFFF)) / 8388607.5 - 1.0


@numba.njit(cache=True, fastmath=True)
def noise(x: float, y: float, z: float, seed: int) -> float:  # pragma: no cover - compiled
    """Return value noise in -1..1 with features of about one unit (Perlin 1985's lattice idea)."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(fx), int(fy), int(fz)
    u, v, w = x - fx, y - fy, z - fz
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    a = random_of(i, j, k, seed) * (1 - u) + random_of(i + 1, j, k, seed) * u
    b = random_of(i, j + 1, k, seed) * (1 - u) + random_of(i + 1, j + 1, k, seed) * u
    c = random_of(i, j, k + 1, seed) * (1 - u) + random_of(i + 1, j, k + 1, seed) * u
    d = random_of(i, j + 1, k + 1, seed) * (1 - u) + random_of(i + 1, j + 1, k + 1, seed) * u
    result: float = (a * (1 - v) + b * v) * (1 - w) + (c * (1 - v) + d * v) * w
    return result


@numba.njit(cache=True, fastmath=True)
def fbm(
    x: float, y: float, z: float, seed: int, octaves: int
) -> float:  # pragma: no cover - compiled
    """Return the sum of octaves of noise, each of half the size and half the height."""
    total, height = 0.0, 0.5
    for octave in range(octaves):
        total += height * noise(x, y, z, seed + octave)
        x, y, z, height = x * 2.03, y * 2.03, z * 2.03, height * 0.5
    return total
