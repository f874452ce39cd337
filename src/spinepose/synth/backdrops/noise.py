"""Noise for textures, fading where it is finer than a pixel."""

from __future__ import annotations

import math

from spinepose.synth.backdrops.jit import jit

__all__ = ["fbm", "fraction", "gradient_noise", "hash01", "mix", "pulse", "ramp"]


@jit
def hash01(x: int, y: int, seed: int) -> float:
    """Return a number in 0..1 that looks random for each pair of integers."""
    n = (x * 374761393 + y * 668265263 + seed * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 15)) * 2246822519) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFFFF) / 16777216.0


@jit
def _corner(x: int, y: int, fx: float, fy: float, seed: int) -> float:
    """Return the slope of one lattice point times the offset from it."""
    n = (x * 374761393 + y * 668265263 + seed * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = n ^ (n >> 16)
    return ((n & 1023) / 511.5 - 1.0) * fx + (((n >> 10) & 1023) / 511.5 - 1.0) * fy


@jit
def gradient_noise(x: float, y: float, seed: int) -> float:
    """Return smooth noise of about -1..1 whose features are about 1 wide (Perlin 1985)."""
    ix, iy = math.floor(x), math.floor(y)
    fx, fy = x - ix, y - iy
    i, j = int(ix), int(iy)
    a = _corner(i, j, fx, fy, seed)
    b = _corner(i + 1, j, fx - 1.0, fy, seed)
    c = _corner(i, j + 1, fx, fy - 1.0, seed)
    d = _corner(i + 1, j + 1, fx - 1.0, fy - 1.0, seed)
    wx = fx * fx * (3.0 - 2.0 * fx)
    wy = fy * fy * (3.0 - 2.0 * fy)
    low = a + (b - a) * wx
    return 1.6 * (low + (c + (d - c) * wx - low) * wy)


@jit
def fbm(x: float, y: float, octaves: int, pixel: float, seed: int) -> float:
    """Return noise of several scales, about -1..1.

    Parameters
    ----------
    x, y
        Where; the coarsest features are about 1 wide.
    octaves
        How many scales, each half as wide and half as strong as the one before.
    pixel
        Width of a pixel in the unit of x; scales finer than it are left out.
    seed
        Which noise.
    """
    total = 0.0
    strength = 0.6
    for octave in range(octaves):
        weight = min(1.0, 1.7 - 2.4 * pixel)
        if weight <= 0.0:
            break
        total += strength * weight * gradient_noise(x, y, seed + octave)
        x, y = 1.83 * x + 0.71 * y + 5.1, 1.83 * y - 0.71 * x + 1.7
        pixel *= 1.963
        strength *= 0.55
    return total


@jit
def fraction(x: float) -> float:
    """Return what a number is above the integer below it."""
    return x - math.floor(x)


@jit
def mix(a: float, b: float, weight: float) -> float:
    """Return a where the weight is 0, b where it is 1."""
    return a + (b - a) * weight


@jit
def ramp(x: float, low: float, high: float) -> float:
    """Return 0 below `low`, 1 above `high`, smooth between."""
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


@jit
def pulse(x: float, width: float, pixel: float) -> float:
    """Return how much of a pixel is covered by stripes [n, n + width), n any integer.

    Parameters
    ----------
    x
        Middle of the pixel in periods.
    width
        Width of a stripe in periods, 0..1.
    pixel
        Width of a pixel in periods.
    """
    pixel = max(pixel, 1e-4)
    low, high = x - 0.5 * pixel, x + 0.5 * pixel
    first = math.floor(low) * width + min(low - math.floor(low), width)
    last = math.floor(high) * width + min(high - math.floor(high), width)
    return (last - first) / pixel
