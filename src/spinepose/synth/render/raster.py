"""Rasterisation: which triangle is seen at each sample, and how deep things lie.

Samples lie at whole numbers: (0, 0) is the centre of the first one. Depth is kept as 1 / z, which
is linear on the screen, larger = nearer, 0 = nothing.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["depths_along", "heights", "rasterise"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


@numba.njit(cache=True, fastmath=True, inline="always")
def _samples(a: float, b: float, c: float, size: int) -> tuple[int, int]:  # pragma: no cover
    """Return the first and the last whole number among the samples that three corners span."""
    return max(0, int(np.ceil(min(a, b, c)))), min(size - 1, int(np.floor(max(a, b, c))))


@numba.njit(cache=True, fastmath=True)
def rasterise(
    points: Float32, faces: Int32, cover: Float32, inverse: Float32, seen: Int32, shares: Float32
) -> None:  # pragma: no cover - compiled
    """Draw triangles into the buffers.

    Parameters
    ----------
    points
        (V, 3): x and y in samples, 1 / z; z <= 0 (behind the camera) as 0.
    faces
        (F, 3).
    cover
        (V,) m, how far a vertex lies inside the edge of its garment: samples where the
        interpolated value is negative are left open.
    inverse, seen, shares
        (H, W), (H, W) and (H, W, 2), changed in place: 1 / z, the face, and the
        perspective-correct barycentric weights of its first two corners.
    """
    height, width = inverse.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        za, zb, zc = points[a, 2], points[b, 2], points[c, 2]
        if za <= 0 or zb <= 0 or zc <= 0:
            continue
        ca, cb, cc = cover[a], cover[b], cover[c]
        if ca < 0 and cb < 0 and cc < 0:
            continue
        xa, ya, xb, yb = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
        xc, yc = points[c, 0], points[c, 1]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area == 0:
            continue
        left, right = _samples(xa, xb, xc, width)
        top, bottom = _samples(ya, yb, yc, height)
        whole = ca >= 0 and cb >= 0 and cc >= 0
        scale = 1 / area
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = ((xb - x) * (yc - y) - (xc - x) * (yb - y)) * scale
                v = ((xc - x) * (ya - y) - (xa - x) * (yc - y)) * scale
                w = 1 - u - v
                if u < 0 or v < 0 or w < 0:
                    continue
                depth = u * za + v * zb + w * zc
                if depth <= inverse[y, x]:
                    continue
                u = u * za / depth
                v = v * zb / depth
                if not whole and u * ca + v * cb + (1 - u - v) * cc < 0:
                    continue
                inverse[y, x] = depth
                seen[y, x] = f
                shares[y, x, 0] = u
                shares[y, x, 1] = v


@numba.njit(cache=True, fastmath=True)
def heights(
    points: Float32, faces: Int32, cover: Float32, result: Float32
) -> None:  # pragma: no cover - compiled
    """Draw triangles in parallel projection and keep the largest height at each sample.

    Parameters
    ----------
    points
        (V, 3): x and y in samples, height.
    faces, cover
        As in `rasterise`.
    result
        (H, W), changed in place.
    """
    rows, columns = result.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if cover[a] < 0 and cover[b] < 0 and cover[c] < 0:
            continue
        xa, ya, xb, yb = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
        xc, yc = points[c, 0], points[c, 1]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area == 0:
            continue
        left, right = _samples(xa, xb, xc, columns)
        top, bottom = _samples(ya, yb, yc, rows)
        scale = 1 / area
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = ((xb - x) * (yc - y) - (xc - x) * (yb - y)) * scale
                v = ((xc - x) * (ya - y) - (xa - x) * (yc - y)) * scale
                if u < 0 or v < 0 or u + v > 1:
                    continue
                h = u * points[a, 2] + v * points[b, 2] + (1 - u - v) * points[c, 2]
                if h > result[y, x]:
                    result[y, x] = h


@numba.njit(cache=True)
def depths_along(
    pixels: npt.NDArray[np.float64],
    depth: npt.NDArray[np.float64],
    points: npt.NDArray[np.float64],
    faces: Int32,
    first: npt.NDArray[np.float64],
    before: npt.NDArray[np.float64],
    count: Int32,
) -> None:  # pragma: no cover - compiled
    """Follow the rays of a camera to some points and note the surfaces before them.

    Parameters
    ----------
    pixels, depth
        (N, 2) and (N,): where the points lie on the picture, and their depth in m.
    points
        (V, 3): x and y of the mesh in pixels, 1 / z.
    faces
        (F, 3).
    first
        (N,), changed in place: depth of the nearest surface on the ray, inf where there is none.
    before
        (N,), changed in place: depth of the last surface before the point, 0 if there is none.
    count
        (N, 2), changed in place: surfaces before the point that face the camera, that face away.
    """
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if points[a, 2] <= 0 or points[b, 2] <= 0 or points[c, 2] <= 0:
            continue
        xa, ya, xb, yb = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
        xc, yc = points[c, 0], points[c, 1]
        left, right = min(xa, xb, xc), max(xa, xb, xc)
        top, bottom = min(ya, yb, yc), max(ya, yb, yc)
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area == 0:
            continue
        for n in range(pixels.shape[0]):
            x, y = pixels[n, 0], pixels[n, 1]
            if not (left <= x <= right and top <= y <= bottom):
                continue
            u = ((xb - x) * (yc - y) - (xc - x) * (yb - y)) / area
            v = ((xc - x) * (ya - y) - (xa - x) * (yc - y)) / area
            if u < 0 or v < 0 or u + v > 1:
                continue
            z = 1 / (u * points[a, 2] + v * points[b, 2] + (1 - u - v) * points[c, 2])
            first[n] = min(first[n], z)
            if z < depth[n]:
                before[n] = max(before[n], z)
                # y runs down the picture: a counter-clockwise face has a negative area there.
                count[n, 0 if area < 0 else 1] += 1
