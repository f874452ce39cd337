"""Low-poly solids that things are built of: all closed, counter-clockwise seen from outside.

Lengths are metres. A sharp edge is made of vertices of its own for each side, so that normals
averaged at the vertices keep it sharp; a round edge shares its vertices.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.spatial import ConvexHull

from spinepose.synth.mesh import Mesh, joined

__all__ = [
    "along",
    "ball",
    "box",
    "capsule",
    "circle",
    "curve",
    "ellipsoid",
    "faceted",
    "frustum",
    "grounded",
    "hull",
    "lathe",
    "leaves",
    "mirrored",
    "net",
    "patch",
    "prism",
    "rod",
    "rods",
    "rounded_box",
    "rounded_rectangle",
    "sheet",
    "signed_volume",
    "sweep",
    "torus",
    "tube",
    "turned",
]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_GRAY = (0.5, 0.5, 0.5)
_TINY = 1e-9


def _mesh(vertices: npt.ArrayLike, faces: npt.ArrayLike, colors: npt.ArrayLike) -> Mesh:
    """Return a mesh; faces with two corners at one place are dropped."""
    points = np.asarray(vertices, np.float64).reshape(-1, 3)
    corners = np.asarray(faces, np.int64).reshape(-1, 3)
    sides = points[corners] - points[np.roll(corners, 1, axis=1)]
    corners = corners[(np.linalg.norm(sides, axis=2) > _TINY).all(axis=1)]
    paint = np.broadcast_to(np.asarray(colors, np.float32), points.shape)
    return Mesh(points.astype(np.float32), corners.astype(np.int32), paint.copy())


def _bands(starts: Int64, ends: Int64, count: int, closed: bool = True) -> Int64:
    """Return the triangles between rings of ``count`` vertices that start at the given indices."""
    left = np.arange(count if closed else count - 1)
    right = (left + 1) % count
    low, high = starts[:, None], ends[:, None]
    quads = np.stack([low + left, low + right, high + right, high + left], axis=-1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def signed_volume(mesh: Mesh) -> float:
    """Return the volume (m3) that the faces enclose: positive where they look outward."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces].astype(np.float64), 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def turned(mesh: Mesh, axis: str, degrees: float) -> Mesh:
    """Return the mesh turned about the axis x, y or z (right-handed) through the origin."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[second, first], matrix[first, second] = sine, -sine
    return mesh.moved(matrix, (0.0, 0.0, 0.0))


def mirrored(mesh: Mesh, axis: int) -> Mesh:
    """Return the mesh mirrored in the plane across an axis (0, 1 or 2), still facing outward."""
    sign = np.ones(3, np.float32)
    sign[axis] = -1.0
    return Mesh(mesh.vertices * sign, mesh.faces[:, ::-1].copy(), mesh.colors)


def faceted(mesh: Mesh) -> Mesh:
    """Return the mesh with vertices of its own for each face: every edge sharp."""
    order = mesh.faces.reshape(-1)
    faces = np.arange(len(order), dtype=np.int32).reshape(-1, 3)
    return Mesh(mesh.vertices[order], faces, mesh.colors[order])


def grounded(mesh: Mesh) -> Mesh:
    """Return the mesh with nothing below the ground: what would be lower lies at z = 0."""
    vertices = mesh.vertices.copy()
    vertices[:, 2] = np.maximum(vertices[:, 2], 0.0)
    return Mesh(vertices, mesh.faces, mesh.colors)


def along(mesh: Mesh, start: npt.ArrayLike, end: npt.ArrayLike) -> Mesh:
    """Return the mesh with its origin at ``start`` (3,) and its z axis toward ``end`` (3,)."""
    origin = np.asarray(start, np.float64)
    step = np.asarray(end, np.float64) - origin
    z = step / np.linalg.norm(step)
    x = np.cross((0.0, 1.0, 0.0) if abs(z[1]) < 0.9 else (0.0, 0.0, 1.0), z)
    x /= np.linalg.norm(x)
    return mesh.moved(np.stack([x, np.cross(z, x), z], axis=1), origin)


# --- solids with flat sides


def hull(points: npt.ArrayLike, color: npt.ArrayLike = _GRAY) -> Mesh:
    """Return the convex hull of points (N, 3); its edges are shared, see `faceted`."""
    cloud = np.asarray(points, np.float64)
    found = ConvexHull(cloud)
    corners = cloud[found.simplices]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", across, found.equations[:, :3]) < 0.0
    faces = np.where(inward[:, None], found.simplices[:, ::-1], found.simplices)
    used, index = np.unique(faces, return_inverse=True)
    return _mesh(cloud[used], index.reshape(-1, 3), color)


def _corners(size: npt.ArrayLike) -> Float64:
    """Return the eight corners (8, 3) of a box about the origin."""
    signs = np.stack(np.meshgrid((-1, 1), (-1, 1), (-1, 1), indexing="ij"), axis=-1)
    return signs.reshape(8, 3) * np.asarray(size, np.float64) / 2.0


def box(
    size: npt.ArrayLike,
    center: npt.ArrayLike = (0.0, 0.0, 0.0),
    color: npt.ArrayLike = _GRAY,
) -> Mesh:
    """Return a box with sharp edges: size (3,) and centre (3,) in m."""
    solid = _mesh(_corners(size), _BOX_FACES, color)
    return faceted(solid).moved(np.eye(3), center)


_BOX_FACES = (
    *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5)),
    *((0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6)),
    *((0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
)


def rounded_box(
    size: npt.ArrayLike,
    radius: float,
    center: npt.ArrayLike = (0.0, 0.0, 0.0),
    color: npt.ArrayLike = _GRAY,
) -> Mesh:
    """Return a box of outer size (3,) whose edges are cut back by a radius (44 faces)."""
    half = np.asarray(size, np.float64) / 2.0
    back = min(radius, 0.49 * 2.0 * float(half.min()))
    inner = _corners(2.0 * (half - back))
    points = np.concatenate([inner + np.sign(inner) * back * axis for axis in np.eye(3)])
    return hull(points, color).moved(np.eye(3), center)


def frustum(
    low: tuple[float, float],
    high: tuple[float, float],
    height: float,
    base: npt.ArrayLike = (0.0, 0.0, 0.0),
    color: npt.ArrayLike = _GRAY,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Mesh:
    """Return a sharp-edged tapered box.

    Parameters
    ----------
    low, high
        Widths along x and y (m) at the bottom and at the top.
    height
        Metres.
    base
        (3,) the middle of the bottom.
    color
        Linear RGB.
    shift
        How far the top stands beside the bottom along x and y (m).
    """
    signs = _corners((2.0, 2.0, 2.0))
    top = signs[:, 2:] > 0.0
    flat = signs[:, :2] * np.where(top, high, low) / 2.0 + np.where(top, shift, 0.0)
    points = np.column_stack([flat, np.where(top[:, 0], height, 0.0)])
    return faceted(_mesh(points, _BOX_FACES, color)).moved(np.eye(3), base)


def prism(outline: npt.ArrayLike, depth: float, color: npt.ArrayLike = _GRAY) -> Mesh:
    """Return a simple polygon (N, 2) in the xy plane drawn out from z = 0 to ``depth``."""
    flat = _counter_clockwise(np.asarray(outline, np.float64))
    count = len(flat)
    low = np.column_stack([flat, np.zeros(count)])
    points = np.concatenate([low, low + np.array((0.0, 0.0, depth))])
    lid = np.asarray(_ears(flat), np.int64)
    sides = _bands(np.array([0]), np.array([count]), count)
    return faceted(_mesh(points, np.concatenate([lid[:, ::-1], lid + count, sides]), color))


def _counter_clockwise(outline: Float64) -> Float64:
    """Return an outline (N, 2) with its corners counter-clockwise."""
    x, y = outline.T
    double_area = np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    return outline[::-1] if double_area < 0.0 else outline


def _ears(flat: Float64) -> list[tuple[int, int, int]]:
    """Return triangles of a counter-clockwise simple polygon (N, 2) by cutting ears."""
    left = list(range(len(flat)))
    cut: list[tuple[int, int, int]] = []
    while len(left) > 3:
        for spot in range(len(left)):
            ear = (left[spot - 1], left[spot], left[(spot + 1) % len(left)])
            others = [index for index in left if index not in ear]
            if _is_ear(flat[list(ear)], flat[others]):
                break
        cut.append(ear)
        left.remove(ear[1])
    return [*cut, (left[0], left[1], left[2])]


def _is_ear(corner: Float64, others: Float64) -> bool:
    """Return whether a corner (3, 2) is convex and none of the others (N, 2) lies in it."""
    sides = np.roll(corner, -1, axis=0) - corner
    if sides[0, 0] * sides[1, 1] - sides[0, 1] * sides[1, 0] <= 0.0:
        return False
    away = others[:, None] - corner
    inside = sides[:, 0] * away[..., 1] - sides[:, 1] * away[..., 0] >= 0.0
    return not bool(inside.all(axis=1).any())


# --- solids of revolution


def lathe(
    profile: npt.ArrayLike,
    color: npt.ArrayLike = _GRAY,
    sides: int = 12,
    crease: float = 50.0,
    lids: bool = True,
) -> Mesh:
    """Return a profile turned about the z axis.

    Parameters
    ----------
    profile
        (N, 2) radius and height (m), going up on the outside of the solid; ends off the axis
        are closed with a lid. A point given twice makes a sharp edge, and a change of colour there.
    color
        (3,) or (N, 3) linear RGB.
    sides
        Corners of a cross-section.
    crease
        A bend sharper than this (degrees) makes a sharp edge.
    lids
        Whether to close ends off the axis; not where the profile itself ends where it began.
    """
    points = np.asarray(profile, np.float64)
    paint = np.broadcast_to(np.asarray(color, np.float64), (len(points), 3))
    if lids and points[0, 0] > 0.0:
        points, paint = np.vstack([[0.0, points[0, 1]], points]), np.vstack([paint[:1], paint])
    if lids and points[-1, 0] > 0.0:
        points, paint = np.vstack([points, [0.0, points[-1, 1]]]), np.vstack([paint, paint[-1:]])
    rows, pairs = _strips(points, float(np.cos(np.radians(crease))))
    angle = np.arange(sides) * (2.0 * np.pi / sides)
    radius, height = points[rows, :1], points[rows, 1:]
    rings = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), np.repeat(height, sides, axis=1)], axis=-1
    )
    starts = np.asarray(pairs, np.int64)
    faces = _bands(starts[:, 0] * sides, starts[:, 1] * sides, sides)
    return _mesh(rings, faces, np.repeat(paint[rows], sides, axis=0))


def _strips(points: Float64, limit: float) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the rows of a lathe, twice at a crease, and which rows a band joins."""
    rows: list[int] = []
    pairs: list[tuple[int, int]] = []
    heading: Float64 | None = None
    for start, end in pairwise(range(len(points))):
        step = points[end] - points[start]
        length = np.linalg.norm(step)
        if length < _TINY:
            heading = None
            continue
        step = step / length
        if heading is None or step @ heading < limit:
            rows.append(start)
        rows.append(end)
        pairs.append((len(rows) - 2, len(rows) - 1))
        heading = step
    return rows, pairs


def rod(
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    radius: float,
    color: npt.ArrayLike = _GRAY,
    end_radius: float | None = None,
    sides: int = 8,
) -> Mesh:
    """Return a cylinder between two points (3,), or a cone where the end has another radius."""
    length = float(np.linalg.norm(np.subtract(end, start)))
    last = radius if end_radius is None else end_radius
    return along(lathe([(radius, 0.0), (last, length)], color, sides), start, end)


def rods(ends: npt.ArrayLike, radius: float, color: npt.ArrayLike = _GRAY, sides: int = 3) -> Mesh:
    """Return thin bars between pairs of points (N, 2, 3); three-sided ones have eight faces."""
    return joined([tube(pair, radius, color, sides=sides) for pair in np.asarray(ends, np.float64)])


def capsule(
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    radius: float,
    color: npt.ArrayLike = _GRAY,
    sides: int = 8,
) -> Mesh:
    """Return a cylinder between two points (3,) with half a ball beyond each."""
    length = float(np.linalg.norm(np.subtract(end, start)))
    bend = np.radians((-90.0, -60.0, -30.0, 0.0, 0.0, 30.0, 60.0, 90.0))
    lift = np.repeat((0.0, length), 4)
    profile = np.column_stack([radius * np.cos(bend), radius * np.sin(bend) + lift])
    profile[[0, -1], 0] = 0.0
    return along(lathe(profile, color, sides), start, end)


def ellipsoid(
    radii: npt.ArrayLike,
    center: npt.ArrayLike = (0.0, 0.0, 0.0),
    color: npt.ArrayLike = _GRAY,
    sides: int = 12,
    rings: int = 8,
) -> Mesh:
    """Return an ellipsoid of half axes (3,) m about a centre (3,)."""
    bend = np.linspace(-np.pi / 2.0, np.pi / 2.0, rings + 1)
    profile = np.column_stack([np.cos(bend), np.sin(bend)])
    profile[[0, -1], 0] = 0.0
    solid = lathe(profile, color, sides, crease=180.0)
    return solid.moved(np.diag(np.asarray(radii, np.float64)), center)


def ball(radius: float, color: npt.ArrayLike = _GRAY, splits: int = 2) -> Mesh:
    """Return a ball about the origin of 20 * 4 ** splits even faces."""
    golden = (1.0 + 5.0**0.5) / 2.0
    signs = np.array([(-1.0, -golden), (1.0, -golden), (-1.0, golden), (1.0, golden)])
    zero = np.zeros(4)
    points = np.concatenate(
        [
            np.column_stack(cols)
            for cols in ((signs, zero), (zero, signs), (signs[:, 1], zero, signs[:, 0]))
        ]
    )
    mesh = hull(points, color)
    vertices, faces = mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64)
    for _ in range(splits):
        vertices, faces = _split(vertices, faces)
    vertices *= radius / np.linalg.norm(vertices, axis=1, keepdims=True)
    return _mesh(vertices, faces, color)


def _split(vertices: Float64, faces: Int64) -> tuple[Float64, Int64]:
    """Return the mesh with each face split into four at the middles of its sides, on a sphere."""
    sides = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1), axis=-1)
    ends, index = np.unique(sides.reshape(-1, 2), axis=0, return_inverse=True)
    middles = vertices[ends].mean(axis=1)
    middles *= np.linalg.norm(vertices[0]) / np.linalg.norm(middles, axis=1, keepdims=True)
    a, b, c = faces.T
    ab, bc, ca = (index.reshape(-1, 3) + len(vertices)).T
    split = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.concatenate([vertices, middles]), np.concatenate([np.stack(f, axis=1) for f in split])


# --- solids along a line


def circle(radius: float, sides: int) -> Float64:
    """Return the corners (sides, 2) of a circle, counter-clockwise."""
    angle = np.arange(sides) * (2.0 * np.pi / sides)
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])


def curve(points: npt.ArrayLike, count: int) -> Float64:
    """Return ``count`` points (count, 3) of a smooth line through given ones (N, 3)."""
    line = np.asarray(points, np.float64)
    reach = np.cumsum(np.linalg.norm(np.diff(line, axis=0, prepend=line[:1]), axis=1))
    smooth = PchipInterpolator(reach, line, axis=0)
    return np.asarray(smooth(np.linspace(0.0, reach[-1], count)), np.float64)


def rounded_rectangle(width: float, height: float, radius: float, steps: int = 3) -> Float64:
    """Return the outline (4 * steps, 2) of a rectangle with round corners, counter-clockwise."""
    angle = np.linspace(0.0, np.pi / 2.0, steps)
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    arcs = [
        np.array([sx * (width / 2.0 - radius), sy * (height / 2.0 - radius)])
        + radius * np.column_stack([arc @ u, arc @ v])
        for sx, sy, u, v in (
            (1, 1, (1, 0), (0, 1)),
            (-1, 1, (0, -1), (1, 0)),
            (-1, -1, (-1, 0), (0, -1)),
            (1, -1, (0, 1), (-1, 0)),
        )
    ]
    return np.concatenate(arcs)


def sweep(
    points: npt.ArrayLike,
    section: npt.ArrayLike,
    color: npt.ArrayLike = _GRAY,
    *,
    up: npt.ArrayLike | None = None,
    scale: npt.ArrayLike = 1.0,
    closed: bool = False,
) -> Mesh:
    """Return a cross-section carried along a line.

    Parameters
    ----------
    points
        (N, 3) the line (m).
    section
        (K, 2) a convex outline (m), seen against the line's direction.
    color
        (3,) or (N, 3) linear RGB.
    up
        (3,) or (N, 3) where the outline's second axis points; it must not lie along the line.
        Without it the outline is carried along without twist.
    scale
        (N,) or one factor for the outline's size.
    closed
        Whether the last point joins the first (which is not given again).
    """
    line = np.asarray(points, np.float64)
    outline = _counter_clockwise(np.asarray(section, np.float64))
    count, sides = len(line), len(outline)
    first, second = _frames(line, up, closed)
    size = np.broadcast_to(np.asarray(scale, np.float64), (count,))[:, None, None]
    rings = line[:, None] + size * (
        outline[None, :, :1] * first[:, None] + outline[None, :, 1:] * second[:, None]
    )
    paint = np.broadcast_to(np.asarray(color, np.float64), (count, 3))
    starts = np.arange(count if closed else count - 1) * sides
    faces = _bands(starts, (starts + sides) % (count * sides), sides)
    vertices, colors = rings.reshape(-1, 3), np.repeat(paint, sides, axis=0)
    if not closed:
        fan = np.array([(0, k, k + 1) for k in range(1, sides - 1)])
        caps = np.concatenate([fan[:, ::-1] + len(vertices), fan + len(vertices) + sides])
        faces = np.concatenate([faces, caps])
        vertices = np.concatenate([vertices, rings[0], rings[-1]])
        colors = np.concatenate([colors, colors[:sides], colors[-sides:]])
    return _mesh(vertices, faces, colors)


def _frames(line: Float64, up: npt.ArrayLike | None, closed: bool) -> tuple[Float64, Float64]:
    """Return the two axes (N, 3) of a cross-section at each point of a line."""
    if closed:
        tangent = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    else:
        steps = _unit(np.diff(line, axis=0))
        tangent = np.concatenate([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
    tangent = _unit(tangent)
    if up is not None:
        second = np.broadcast_to(np.asarray(up, np.float64), line.shape)
        second = _unit(second - np.sum(second * tangent, axis=1, keepdims=True) * tangent)
        return np.cross(second, tangent), second
    second = np.empty_like(line)
    now = np.eye(3)[np.argmin(np.abs(tangent).sum(axis=0) if closed else np.abs(tangent[0]))]
    for index, direction in enumerate(tangent):
        now = now - (now @ direction) * direction
        now = now / np.linalg.norm(now)
        second[index] = now
    return np.cross(second, tangent), second


def _unit(vectors: Float64) -> Float64:
    """Return vectors (N, 3) with length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float64)


def tube(
    points: npt.ArrayLike,
    radius: float,
    color: npt.ArrayLike = _GRAY,
    *,
    sides: int = 6,
    closed: bool = False,
) -> Mesh:
    """Return a round tube along a line (N, 3); closed lines should lie nearly in a plane."""
    return sweep(points, circle(radius, sides), color, closed=closed)


def torus(
    major: float,
    minor: float,
    color: npt.ArrayLike = _GRAY,
    *,
    around: int = 20,
    sides: int = 6,
) -> Mesh:
    """Return a ring about the z axis: the radius of its middle line and of its tube (m)."""
    line = np.column_stack([circle(major, around), np.zeros(around)])
    return sweep(line, circle(minor, sides), color, up=(0.0, 0.0, 1.0), closed=True)


def sheet(grid: npt.ArrayLike, offset: npt.ArrayLike, color: npt.ArrayLike = _GRAY) -> Mesh:
    """Return a thin closed slab over a grid of points.

    Parameters
    ----------
    grid
        (R, C, 3) points of its one side (m).
    offset
        (3,) or (R, C, 3) from that side to the other (m).
    color
        (3,) or (R, C, 3) linear RGB.
    """
    near = np.asarray(grid, np.float64)
    rows, cols = near.shape[:2]
    far = near + np.asarray(offset, np.float64)
    lid = _bands(np.arange(rows - 1) * cols, np.arange(1, rows) * cols, cols, closed=False)
    rim = _rim(rows, cols)
    count = rows * cols
    after = np.roll(rim, -1)
    walls = np.stack([rim, rim + count, after + count, rim, after + count, after], axis=1)
    faces = np.concatenate([lid, lid[:, ::-1] + count, walls.reshape(-1, 3)])
    paint = np.broadcast_to(np.asarray(color, np.float64), near.shape).reshape(-1, 3)
    mesh = _mesh(
        np.concatenate([near.reshape(-1, 3), far.reshape(-1, 3)]), faces, np.tile(paint, (2, 1))
    )
    if signed_volume(mesh) < 0.0:
        mesh = Mesh(mesh.vertices, mesh.faces[:, ::-1].copy(), mesh.colors)
    return mesh


def patch(grid: npt.ArrayLike, color: npt.ArrayLike = _GRAY) -> Mesh:
    """Return the open surface over a grid (R, C, 3), one of several that close a solid.

    It is seen from the side where going on along C and then along R turns counter-clockwise.
    """
    points = np.asarray(grid, np.float64)
    rows, cols = points.shape[:2]
    starts = np.arange(rows) * cols
    return _mesh(points, _bands(starts[:-1], starts[1:], cols, closed=False), color)


def _rim(rows: int, cols: int) -> Int64:
    """Return the indices round the edge of a grid, in the order of its faces."""
    index = np.arange(rows * cols).reshape(rows, cols)
    return np.concatenate([index[0, :-1], index[:-1, -1], index[-1, :0:-1], index[:0:-1, 0]])


def net(
    width: float,
    height: float,
    spacing: float,
    radius: float,
    color: npt.ArrayLike = _GRAY,
) -> Mesh:
    """Return a net of thin bars in the xz plane, its lower edge's middle at the origin.

    Parameters
    ----------
    width, height
        Metres along x and z.
    spacing
        Metres between bars, about.
    radius
        Half a bar's thickness (m).
    color
        Linear RGB.
    """
    across = np.linspace(-width / 2.0, width / 2.0, max(2, round(width / spacing) + 1))
    above = np.linspace(0.0, height, max(2, round(height / spacing) + 1))
    upright = [((x, 0.0, 0.0), (x, 0.0, height)) for x in across]
    level = [((across[0], 0.0, z), (across[-1], 0.0, z)) for z in above]
    return rods(upright + level, radius, color)


def leaves(
    roots: npt.ArrayLike,
    tips: npt.ArrayLike,
    width: npt.ArrayLike,
    colors: npt.ArrayLike,
    facing: npt.ArrayLike = (0.0, 0.0, 1.0),
) -> Mesh:
    """Return thin pointed leaves of eight faces each.

    Parameters
    ----------
    roots, tips
        (N, 3) where each leaf begins and ends (m).
    width
        (N,) or one width (m).
    colors
        (N, 3) linear RGB.
    facing
        (3,) or (N, 3) where their upper sides look, about.
    """
    start, end = np.asarray(roots, np.float64), np.asarray(tips, np.float64)
    forward = end - start
    side = _unit(
        np.cross(forward, np.asarray(facing, np.float64)) + 1e-6 * np.array((1.0, 0.7, 0.0))
    )
    up = _unit(np.cross(side, forward))
    half = np.broadcast_to(np.asarray(width, np.float64) / 2.0, (len(start),))[:, None]
    middle = start + 0.45 * forward
    ring = [start, middle + half * side, end, middle - half * side]
    rise = 0.25 * half * up
    points = np.stack([*ring, middle + rise, middle + 0.5 * rise], axis=1)
    top = [(4, k, (k + 1) % 4) for k in range(4)]
    bottom = [(5, (k + 1) % 4, k) for k in range(4)]
    faces = np.asarray(top + bottom)[None] + 6 * np.arange(len(start))[:, None, None]
    return _mesh(points, faces, np.repeat(np.asarray(colors, np.float64), 6, axis=0))
