"""Where things are on the skin: smooth coordinates of the reference body, to cut clothes by.

Everything is measured once, on the mean adult at rest (stature 1.84 m, m, the origin between the
feet), and holds for every body, since all bodies share one mesh.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from spinepose.skeleton import SPINETRACK
from spinepose.synth.anatomy import Anatomy
from spinepose.synth.body.model import Shape
from spinepose.synth.mesh import vertex_normals

__all__ = ["Regions"]

Float64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ARM_BONES = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
_FOOT_BONES = ("foot", "toe")
_HEAD_BONES = ("head", "eye", "neck03")


class Regions:
    """Coordinates and masks of the reference mesh."""

    def __init__(self, anatomy: Anatomy) -> None:
        body = anatomy.body
        self.body = body
        self.reference = anatomy.subject(Shape())
        self.rest = self.reference.rest.vertices
        """(V, 3) m, the reference mesh at rest."""
        self.faces = body.skin_faces
        self.normals = vertex_normals(self.rest, self.faces)
        count = len(self.rest)
        self.skin: Mask = np.zeros(count, bool)
        self.skin[body.skin_vertices] = True
        self.arm = self._share(_ARM_BONES) > 0.5
        self.foot = self._share(_FOOT_BONES) > 0.5
        self.head = self._share(_HEAD_BONES) > 0.5
        self.arm_length = self._along_arm()
        """(V,) m along the arm from the shoulder joint, negative on the trunk."""
        self.mean_of_neighbours = _averaging(self.faces, count)
        """(V, V) sparse: the mean of a vertex's neighbours on the skin."""
        self.eyes = {side: np.unique(body.asset.helpers[f"{side}_eye"]) for side in ("l", "r")}

    def point(self, name: str) -> Float64:
        """Return a keypoint (3,) of the reference body, m."""
        return np.asarray(self.reference.keypoints[SPINETRACK.index(name)])

    def _share(self, prefixes: tuple[str, ...]) -> Float64:
        """Return the share (V,) of the bones with these prefixes in each vertex."""
        columns = [i for bone, i in self.body.index.items() if bone.startswith(prefixes)]
        return np.asarray(self.body.weights[:, columns].sum(axis=1)).ravel()

    def _along_arm(self) -> Float64:
        result = np.full(len(self.rest), -1.0)
        for side in ("left", "right"):
            shoulder, elbow, wrist = (
                self.point(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist")
            )
            mine = (self.rest[:, 0] > 0) == (side == "left")
            upper = float(np.linalg.norm(elbow - shoulder))
            first = (self.rest - shoulder) @ ((elbow - shoulder) / upper)
            lower = float(np.linalg.norm(wrist - elbow))
            second = (self.rest - elbow) @ ((wrist - elbow) / lower)
            along = np.where(second > 0, upper + second, np.minimum(first, upper))
            result[mine] = np.where(self.arm, along, np.minimum(first, 0.0) - 0.02)[mine]
        return result


def _averaging(faces: npt.NDArray[np.int32], count: int) -> sparse.csr_matrix:
    """Return the matrix (V, V) that takes the mean over the neighbours of each vertex."""
    start = faces[:, [0, 1, 2]].ravel()
    end = faces[:, [1, 2, 0]].ravel()
    ones = np.ones(len(start))
    edges = sparse.coo_matrix((ones, (start, end)), (count, count)).tocsr()
    edges = sparse.csr_matrix(edges + edges.T)
    edges.data[:] = 1.0
    degree = np.asarray(edges.sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(degree, 1)) @ edges)
