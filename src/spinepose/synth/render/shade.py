"""Shading: the light that each sample sends to the camera."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from spinepose.synth.render.noise import fbm, noise

__all__ = ["lit_share", "shade"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

# The kinds and patterns of `materials.Kind` and `materials.Pattern`.
_SKIN, _EYE, _CLOTH, _HAIR, _PAINTED = 0, 1, 2, 3, 4
_ACROSS, _ALONG, _CHECK, _DOTS, _BLOTCHES, _HEATHER = 1, 2, 3, 4, 5, 6
_BLOCKS, _PRINT, _DENIM, _SIDE_STRIPE, _FLOWERS = 7, 8, 9, 10, 11


@numba.njit(cache=True, fastmath=True)
def lit_share(
    x: float, y: float, z: float, frame: Float32, shadow: Float32, bias: float
) -> float:  # pragma: no cover - compiled
    """Return the share 0..1 of the sun that reaches a point.

    Parameters
    ----------
    x, y, z
        World point, m.
    frame
        (4, 3): the sun's picture: two axes in samples per m and the direction to the sun, and
        what is added to the three products.
    shadow
        (H, W) m, height of the nearest surface to the sun at each sample.
    bias
        m that a surface may lie below the noted height and still be lit.
    """
    u = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z + frame[3, 0]
    v = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z + frame[3, 1]
    h = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z + frame[3, 2] + bias
    rows, columns = shadow.shape
    i, j = int(np.floor(u)), int(np.floor(v))
    if i < 1 or j < 1 or i >= columns - 2 or j >= rows - 2:
        return 1.0
    du, dv = u - i, v - j
    total = 0.0
    # A 3 x 3 tent of comparisons: a soft edge about two samples wide.
    for b in range(-1, 3):
        wv = 1 - dv if b == -1 else (dv if b == 2 else 1.0)
        for a in range(-1, 3):
            wu = 1 - du if a == -1 else (du if a == 2 else 1.0)
            if shadow[j + b, i + a] <= h:
                total += wu * wv
    return total / 9.0


@numba.njit(cache=True, fastmath=True, inline="always")
def _smooth(low: float, high: float, x: float) -> float:  # pragma: no cover - compiled
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3 - 2 * t)


@numba.njit(cache=True, fastmath=True)
def _square_wave(x: float, duty: float, blur: float) -> float:  # pragma: no cover - compiled
    """Return a 0/1 wave of period 1 with edges `blur` wide; its mean where that is too wide."""
    if blur > 0.5:
        return duty
    t = x - np.floor(x)
    blur = max(blur, 1e-3)
    return (
        _smooth(-blur, blur, t)
        - _smooth(duty - blur, duty + blur, t)
        + _smooth(1 - blur, 1 + blur, t)
    )


@numba.njit(cache=True, fastmath=True)
def _woven(  # noqa: C901
    m: Float32, x: float, y: float, z: float, cover: float, sample: float
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return how much of the second and of the third colour a cloth shows at a place."""
    pattern, scale, phase, seed = int(m[1]), m[11], m[12], int(m[17])
    blur = sample * scale
    second, third = 0.0, 0.0
    if pattern == _ACROSS:
        second = _square_wave(z * scale + phase, 0.2 + 0.6 * phase, blur)
    elif pattern == _ALONG:
        around = np.arctan2(x, -y) * 0.16
        second = _square_wave(around * scale + phase, 0.15 + 0.5 * phase, blur)
    elif pattern == _CHECK:
        around = np.arctan2(x, -y) * 0.16
        second = 0.5 * _square_wave(z * scale, 0.5, blur)
        second += 0.5 * _square_wave(around * scale, 0.5, blur)
        third = 0.6 * _square_wave(z * scale + 0.3, 0.08, blur) if phase > 0.5 else 0.0
    elif pattern == _DOTS:
        around = np.arctan2(x, -y) * 0.16
        a, b = around * scale, z * scale
        row = np.floor(b)
        a += 0.5 * (row - 2 * np.floor(row / 2))
        r = np.sqrt((a - np.floor(a) - 0.5) ** 2 + (b - row - 0.5) ** 2)
        size = 0.16 + 0.18 * phase
        second = 1 - _smooth(size - 0.05 - blur, size + 0.05 + blur, r)
        if blur > 0.5:
            second = 3.14 * size * size
    elif pattern == _BLOTCHES:
        n = fbm(x * scale, y * scale, z * scale, seed, 3)
        second = _smooth(phase - 0.55, phase - 0.45, n)
        third = _smooth(0.18, 0.26, fbm(x * scale, y * scale, z * scale, seed + 50, 3))
    elif pattern == _HEATHER:
        second = 0.35 + 0.3 * noise(x * 260, y * 260, z * 120, seed) / (1 + 200 * sample)
    elif pattern == _BLOCKS:
        edge = 1.05 + 0.35 * phase
        second = _smooth(edge - 0.004, edge + 0.004, z)
        third = _smooth(0.012, 0.009, abs(z - edge))
    elif pattern == _PRINT:
        # A motif on the chest: a ring, bars or blots within a frame.
        u, v = x / 0.12, (z - 1.36) / 0.11
        if y < -0.02 and abs(u) < 1 and abs(v) < 1:
            kind = seed % 4
            r = np.sqrt(u * u + v * v)
            if kind == 0:
                second = _smooth(0.8, 0.74, r) * _smooth(0.42, 0.48, r)
            elif kind == 1:
                second = _square_wave(v * 2.5 + phase, 0.5, blur) * _smooth(0.95, 0.9, abs(u))
                second *= 0.5 + 0.5 * np.sign(noise(u * 9, v * 3, 0.5, seed))
            elif kind == 2:
                second = _smooth(0.0, 0.08, fbm(u * 2.2, v * 2.2, phase * 9, seed, 3))
                second *= _smooth(1.0, 0.8, r)
            else:
                second = _smooth(0.22, 0.16, abs(v + 0.1)) * _smooth(0.9, 0.85, abs(u))
                third = second * _square_wave(u * 4, 0.4, blur * 0.3)
    elif pattern == _DENIM:
        fade = fbm(x * 5, y * 5, z * 3.2, seed, 3)
        weave = noise(x * 420, y * 420, z * 420, seed) / (1 + 300 * sample)
        second = min(1.0, max(0.0, 0.28 + 0.75 * fade + 0.14 * weave))
        seam = abs(abs(np.arctan2(y, abs(x) - 0.105)) - 0.05)
        third = 0.5 * _smooth(0.05, 0.03, seam)
    elif pattern == _SIDE_STRIPE:
        off = abs(np.arctan2(y + 0.01, abs(x) - 0.07))
        second = _smooth(0.32 + 0.3 * phase, 0.29 + 0.3 * phase, off)
    elif pattern == _FLOWERS:
        a, b, c = x * scale * 0.6, y * scale * 0.6, z * scale * 0.6
        n = noise(a, b, c, seed)
        petal = noise(a * 3.1, b * 3.1, c * 3.1, seed + 7)
        second = _smooth(0.2, 0.3, n + 0.25 * petal)
        third = _smooth(0.3, 0.4, -n + 0.25 * petal)
    if m[18] > 0 and cover < m[18]:
        third = _smooth(m[18], m[18] * 0.8, cover)
        second = 0.0 if third > 0.5 else second
    return second, third


@numba.njit(cache=True, fastmath=True)
def _face_paint(
    m: Float32, x: float, y: float, z: float, marks: Float32, result: Float32
) -> None:  # pragma: no cover - compiled
    """Paint lips, brows, stubble and cheeks on the skin of the reference face.

    Parameters
    ----------
    marks
        (4, 3) m: the nose's tip, the left eye, the middle of the mouth, the left ear.
    result
        (3,) linear RGB, changed in place.
    """
    side = abs(x)
    if y > marks[3, 1] or z < marks[2, 2] - 0.07:
        return
    # Brows: an arc over each eye, thinner outward.
    u = (side - marks[1, 0]) / 0.022
    arc = marks[1, 2] + 0.0195 - 0.0055 * u * u + 0.002 * u
    thick = 0.0042 - 0.0014 * u
    brow = _smooth(thick, thick * 0.45, abs(z - arc)) * _smooth(1.15, 0.95, abs(u + 0.05))
    # Sockets and lids are darker.
    d = np.sqrt(((side - marks[1, 0]) / 0.021) ** 2 + ((z - marks[1, 2]) / 0.011) ** 2)
    lash = _smooth(1.05, 0.75, d) * 0.5
    # Lips: two bows that meet at the mouth's line.
    v = z - marks[2, 2]
    w = side / 0.026
    upper = 0.0085 * (1 - w * w) * (1 - 0.25 * np.exp(-((side / 0.006) ** 2)))
    lower = 0.0105 * (1 - w * w)
    lips = 0.0
    if w < 1:
        lips = (
            _smooth(upper + 0.001, upper - 0.002, v)
            if v > 0
            else _smooth(lower + 0.001, lower - 0.002, -v)
        )
    line = _smooth(0.0022, 0.0006, abs(v)) * _smooth(1.05, 0.9, w)
    cheek = np.exp(-(((side - 0.05) / 0.022) ** 2) - ((z - marks[0, 2] + 0.005) / 0.02) ** 2)
    for k in range(3):
        c = result[k]
        c = c * (1 - lash * (0.55 if k == 0 else 0.62))
        c = c + (m[5 + k] - c) * 0.75 * lips
        c = c * (1 - 0.65 * line)
        c = c + (m[8 + k] - c) * 0.85 * brow
        result[k] = c
    result[0] *= 1 + 0.10 * cheek
    if m[18] > 0:
        # A beard grows from the ear along the jaw to the chin, and over the lip; it fades out.
        low = marks[0, 2] - 0.014 - 0.35 * max(0.0, 0.055 - side)
        jaw = _smooth(low + 0.008, low - 0.012, z) * _smooth(
            marks[3, 1] - 0.004, marks[3, 1] - 0.03, y
        )
        jaw *= _smooth(marks[2, 2] - 0.07, marks[2, 2] - 0.05, z)
        moustache = _smooth(0.005, 0.011, v) * _smooth(0.026, 0.018, v) * _smooth(1.25, 0.9, w)
        stubble = min(m[18] * max(jaw, moustache), 1.0) * (1 - lips)
        stubble *= 0.75 + 0.5 * noise(x * 160, y * 160, z * 160, int(m[17]))
        for k in range(3):
            result[k] += (m[8 + k] - result[k]) * 0.7 * min(max(stubble, 0.0), 1.0)


@numba.njit(cache=True, fastmath=True)
def shade(  # noqa: C901 - one kernel, for speed
    seen: Int32,
    shares: Float32,
    inverse: Float32,
    faces: Int32,
    materials: Float32,
    material_of: Int32,
    positions: Float32,
    normals: Float32,
    ambient: Float32,
    rest: Float32,
    colors: Float32,
    cover: Float32,
    camera: Float32,
    sun: Float32,
    sun_color: Float32,
    frame: Float32,
    shadow: Float32,
    marks: Float32,
    focal: float,
    result: Float32,
) -> None:  # pragma: no cover - compiled
    """Shade every covered sample.

    Parameters
    ----------
    seen, shares, inverse
        Of :func:`spinepose.synth.render.raster.rasterise`.
    faces, material_of
        (F, 3), and (F,) the row of the face's material.
    materials
        (M, 19), rows of :func:`spinepose.synth.render.materials.pack`.
    positions, normals, ambient, rest, colors, cover
        Of the vertices: world m, unit, light from all around after occlusion, place on the
        reference body m, albedo of painted surfaces, m inside the garment's edge.
    camera
        (3,) where the camera stands, m.
    sun, sun_color
        (3,) direction to the sun, and the linear RGB that it adds to a white surface facing it.
    frame, shadow
        Of `lit_share`.
    marks
        (8, 3) m on the reference body: nose, left eye, mouth, left ear; left and right iris;
        two rows spare.
    focal
        In samples.
    result
        (H, W, 4), changed in place: linear RGB, and 1 where something is.
    """
    height, width = seen.shape
    n = np.empty(3, np.float32)
    p = np.empty(3, np.float32)
    r = np.empty(3, np.float32)
    e = np.empty(3, np.float32)
    c = np.empty(3, np.float32)
    view = np.empty(3, np.float32)
    for row in range(height):
        for column in range(width):
            f = seen[row, column]
            if f < 0:
                continue
            ia, ib, ic = faces[f, 0], faces[f, 1], faces[f, 2]
            u, v = shares[row, column, 0], shares[row, column, 1]
            w = 1 - u - v
            m = materials[material_of[f]]
            kind = int(m[0])
            for k in range(3):
                n[k] = u * normals[ia, k] + v * normals[ib, k] + w * normals[ic, k]
                p[k] = u * positions[ia, k] + v * positions[ib, k] + w * positions[ic, k]
                r[k] = u * rest[ia, k] + v * rest[ib, k] + w * rest[ic, k]
                e[k] = u * ambient[ia, k] + v * ambient[ib, k] + w * ambient[ic, k]
                c[k] = m[2 + k]
                view[k] = camera[k] - p[k]
            far = np.sqrt(view[0] ** 2 + view[1] ** 2 + view[2] ** 2)
            sample = 1 / (inverse[row, column] * focal)
            facing = 0.0
            for k in range(3):
                view[k] /= far
                facing += n[k] * view[k]
            inside = facing < 0
            if inside:
                # The inner side of a sleeve or a skirt.
                for k in range(3):
                    n[k] = -n[k]
                    e[k] *= 0.55
            seed = int(m[17])
            if kind == _SKIN:
                tone = fbm(r[0] * 22, r[1] * 22, r[2] * 22, seed, 2)
                flush = fbm(r[0] * 6, r[1] * 6, r[2] * 6, seed + 9, 2)
                c[0] *= 1 + 0.10 * tone + 0.08 * flush
                c[1] *= 1 + 0.10 * tone - 0.05 * flush
                c[2] *= 1 + 0.10 * tone - 0.05 * flush
                if r[2] > marks[2, 2] - 0.075:
                    _face_paint(m, r[0], r[1], r[2], marks, c)
            elif kind == _EYE:
                at = 4 if r[0] > 0 else 5
                d = np.sqrt(
                    (r[0] - marks[at, 0]) ** 2
                    + (r[1] - marks[at, 1]) ** 2
                    + (r[2] - marks[at, 2]) ** 2
                )
                iris = _smooth(0.0068, 0.0058, d)
                pupil = _smooth(0.0032, 0.0024, d)
                for k in range(3):
                    c[k] = c[k] * (1 - iris) + m[5 + k] * iris
                    c[k] = c[k] * (1 - pupil) + m[8 + k] * pupil
            elif kind == _PAINTED:
                for k in range(3):
                    c[k] = u * colors[ia, k] + v * colors[ib, k] + w * colors[ic, k]
                    c[k] *= m[2 + k]
            elif kind == _HAIR:
                strand = noise(r[0] * 190, r[1] * 190, r[2] * 26, seed)
                lock = fbm(r[0] * 38, r[1] * 38, r[2] * 9, seed + 3, 2)
                fade = 1 / (1 + 160 * sample)
                for k in range(3):
                    c[k] *= max(0.25, 1 + 0.45 * lock + 0.4 * strand * fade)
            else:
                edge = u * cover[ia] + v * cover[ib] + w * cover[ic]
                second, third = _woven(m, r[0], r[1], r[2], edge, sample)
                for k in range(3):
                    c[k] += (m[5 + k] - c[k]) * second
                    c[k] += (m[8 + k] - c[k]) * third
                # The sewn edge: a thin dark line.
                if edge < 0.012 and sample < 0.006:
                    stitch = 1 - 0.22 * _smooth(0.010, 0.007, edge) * _smooth(0.002, 0.005, edge)
                    for k in range(3):
                        c[k] *= stitch
            slope, scale = m[13], m[14]
            crease = 0.0
            if slope > 0:
                h = 0.25 / scale
                squeeze = 0.45 if kind == _HAIR else 1.0
                base = fbm(r[0] * scale, r[1] * scale, r[2] * scale * squeeze, seed + 21, 3)
                gx = fbm((r[0] + h) * scale, r[1] * scale, r[2] * scale * squeeze, seed + 21, 3)
                gy = fbm(r[0] * scale, (r[1] + h) * scale, r[2] * scale * squeeze, seed + 21, 3)
                gz = fbm(r[0] * scale, r[1] * scale, (r[2] + h) * scale * squeeze, seed + 21, 3)
                n[0] -= slope * 4 * (gx - base)
                n[1] -= slope * 4 * (gy - base)
                n[2] -= slope * 4 * (gz - base)
                crease = slope * base
            length = np.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2) + 1e-9
            toward, half, gleam = 0.0, 0.0, 0.0
            for k in range(3):
                n[k] /= length
                toward += n[k] * sun[k]
                half += (view[k] + sun[k]) ** 2
                gleam += n[k] * (view[k] + sun[k])
            wrap = 0.22 if kind == _SKIN else 0.06
            direct = max(0.0, (toward + wrap) / (1 + wrap))
            shine = 0.0
            lit = 0.0
            if direct > 0:
                lit = lit_share(
                    p[0] + 0.012 * n[0],
                    p[1] + 0.012 * n[1],
                    p[2] + 0.012 * n[2],
                    frame,
                    shadow,
                    0.006,
                )
                shine = m[15] * max(0.0, gleam / np.sqrt(half + 1e-9)) ** m[16] * lit
            rim = 0.0
            facing = abs(n[0] * view[0] + n[1] * view[1] + n[2] * view[2])
            rim = 0.06 * (1 - facing) ** 4
            for k in range(3):
                light = e[k] * (1 + 0.8 * crease) + sun_color[k] * direct * lit
                if kind == _SKIN and k == 0:
                    # Red light travels under the skin: shadows' edges are warm.
                    light += 0.05 * sun_color[0] * max(0.0, 0.3 - abs(toward)) * lit
                result[row, column, k] = c[k] * light + shine * sun_color[k] + rim * e[k]
            result[row, column, 3] = 1.0
