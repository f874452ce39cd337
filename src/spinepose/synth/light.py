"""Light on a scene: soft light of all directions as spherical harmonics, and one sun or lamp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Light", "directional_sh", "irradiance", "sh_basis", "sh_of_radiance", "turned"]

Float32 = npt.NDArray[np.float32]

_COSINE = np.array([1.0, *[2 / 3] * 3, *[1 / 4] * 5])
"""(9,) the clamped cosine in spherical harmonics, divided by pi."""


@dataclass(frozen=True, slots=True)
class Light:
    """The light at the origin of the world.

    All colours are linear RGB, as what a white diffuse surface reflects; with the exposure of the
    picture they are about 0..1.

    Attributes
    ----------
    sh
        (9, 3) coefficients of real spherical harmonics up to order 2 of all light but the sun's,
        convolved with the cosine and divided by pi (Ramamoorthi and Hanrahan 2001), so that
        :func:`irradiance` is a dot product.
    sun
        (3,) unit vector of the world toward the sun or the main lamp; z is above 0.15.
    sun_color
        (3,) what a surface that faces the sun reflects of it; 0 where there is none.
    """

    sh: Float32
    sun: Float32
    sun_color: Float32


def sh_basis(directions: npt.NDArray[np.floating]) -> Float32:
    """Return the real spherical harmonics (N, 9) up to order 2 of unit vectors (N, 3)."""
    x, y, z = np.moveaxis(np.asarray(directions, np.float64), -1, 0)
    basis = [
        np.full_like(x, 0.28209479177387814),
        0.4886025119029199 * y,
        0.4886025119029199 * z,
        0.4886025119029199 * x,
        1.0925484305920792 * x * y,
        1.0925484305920792 * y * z,
        0.31539156525252005 * (3 * z * z - 1),
        1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y),
    ]
    return np.stack(basis, axis=-1).astype(np.float32)


def irradiance(light: Light, normals: npt.NDArray[np.floating]) -> Float32:
    """Return what white diffuse surfaces reflect of the soft light.

    Parameters
    ----------
    light
        The light; its sun is left out.
    normals
        (N, 3) unit vectors of the world.

    Returns
    -------
    reflected : (N, 3) float32
        Linear RGB, never below 0.
    """
    return np.asarray(np.maximum(sh_basis(normals) @ light.sh, 0.0), np.float32)


def sh_of_radiance(
    directions: npt.NDArray[np.floating],
    radiance: npt.NDArray[np.floating],
    solid_angles: npt.NDArray[np.floating],
) -> Float32:
    """Return the coefficients (9, 3) for :class:`Light` of light that comes from all around.

    Parameters
    ----------
    directions
        (N, 3) unit vectors of the world that cover the sphere.
    radiance
        (N, 3) linear RGB that is seen in each of them.
    solid_angles
        (N,) sr, about 4 pi in all; they are scaled to be so exactly.
    """
    weight = np.asarray(solid_angles, np.float64)
    weight = weight * (4 * np.pi / weight.sum())
    basis = sh_basis(directions).astype(np.float64)
    moments = basis.T @ (np.asarray(radiance, np.float64) * weight[:, None])
    return np.asarray(moments * _COSINE[:, None], np.float32)


def directional_sh(direction: npt.ArrayLike, color: npt.ArrayLike) -> Float32:
    """Return a lamp as the coefficients (9, 3) for :class:`Light`, to be added to others.

    Parameters
    ----------
    direction
        (3,) unit vector of the world toward the lamp.
    color
        (3,) linear RGB that a white surface reflects that faces the lamp.
    """
    basis = sh_basis(np.asarray(direction, np.float64)[None])[0]
    paint = np.asarray(color, np.float64)
    return np.asarray((basis * _COSINE * np.pi)[:, None] * paint, np.float32)


def turned(light: Light, angle: float) -> Light:
    """Return a light turned about the vertical by an angle in radians, +x toward +y."""
    cos, sin = np.cos(angle), np.sin(angle)
    double_cos, double_sin = np.cos(2 * angle), np.sin(2 * angle)
    sh = light.sh.astype(np.float64)
    out = sh.copy()
    # Pairs of harmonics that turn into each other: sin and cos of the azimuth or of twice it.
    for sine, cosine, c, s in ((1, 3, cos, sin), (5, 7, cos, sin), (4, 8, double_cos, double_sin)):
        out[sine] = c * sh[sine] + s * sh[cosine]
        out[cosine] = c * sh[cosine] - s * sh[sine]
    x, y, z = light.sun
    sun = np.array([cos * x - sin * y, sin * x + cos * y, z], np.float32)
    return Light(out.astype(np.float32), sun, light.sun_color)
