"""Triangle meshes: arrays of vertices, faces and colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["Mesh", "joined", "vertex_normals"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Mesh:
    """A triangle mesh with a colour at each vertex.

    Attributes
    ----------
    vertices
        (V, 3) m.
    faces
        (F, 3) indices of vertices, counter-clockwise seen from outside.
    colors
        (V, 3) linear RGB albedo in 0..1.
    """

    vertices: Float32
    faces: Int32
    colors: Float32

    def moved(self, rotation: npt.ArrayLike, translation: npt.ArrayLike) -> Mesh:
        """Return the mesh turned by a matrix (3, 3), then shifted by a vector (3,) m."""
        turned = self.vertices @ np.asarray(rotation, np.float32).T
        return replace(self, vertices=turned + np.asarray(translation, np.float32))

    def painted(self, color: npt.ArrayLike) -> Mesh:
        """Return the mesh in one linear RGB colour."""
        paint = np.asarray(color, np.float32)
        return replace(self, colors=np.broadcast_to(paint, self.vertices.shape).copy())


def joined(meshes: list[Mesh]) -> Mesh:
    """Return several meshes as one."""
    if not meshes:
        empty = np.zeros((0, 3), np.float32)
        return Mesh(empty, np.zeros((0, 3), np.int32), empty)
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate(
            [mesh.faces + np.int32(start) for mesh, start in zip(meshes, starts, strict=False)]
        ),
        np.concatenate([mesh.colors for mesh in meshes]),
    )


def vertex_normals(vertices: npt.NDArray[np.floating], faces: Int32) -> Float32:
    """Return outward unit normals (V, 3), faces weighted by their area; 0 for unused vertices."""
    normals = np.zeros((len(vertices), 3))
    _sum_normals(np.ascontiguousarray(vertices, np.float64), faces, normals)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(normals / np.maximum(length, 1e-12), np.float32)


@numba.njit(cache=True)
def _sum_normals(
    vertices: npt.NDArray[np.float64], faces: Int32, normals: npt.NDArray[np.float64]
) -> None:  # pragma: no cover - compiled
    """Add the cross product of each face to the normals of its corners."""
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += x
            normals[corner, 1] += y
            normals[corner, 2] += z
