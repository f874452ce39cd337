"""The tailor: cuts garments to one body, and keeps what was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinepose.synth.anatomy import Subject
from spinepose.synth.looks.layers import Layer, Shell, hanging, make_shell, rest_normals
from spinepose.synth.looks.regions import Regions
from spinepose.synth.pose.solve import Posed
from spinepose.synth.render.materials import Material, Pattern

__all__ = ["TIGHT", "TROUSERS", "WOVEN", "Solid", "Tailor"]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

WOVEN = (
    *([Pattern.PLAIN] * 6),
    Pattern.ACROSS,
    Pattern.ALONG,
    Pattern.CHECK,
    Pattern.DOTS,
    Pattern.BLOTCHES,
    Pattern.HEATHER,
    Pattern.HEATHER,
    Pattern.BLOCKS,
    Pattern.PRINT,
    Pattern.PRINT,
    Pattern.FLOWERS,
)
"""Patterns of tops and skirts, as often as they are worn."""

TROUSERS = (
    *([Pattern.PLAIN] * 5),
    *([Pattern.DENIM] * 4),
    Pattern.SIDE_STRIPE,
    Pattern.SIDE_STRIPE,
    Pattern.CHECK,
    Pattern.BLOTCHES,
    Pattern.HEATHER,
)
"""Patterns of trousers and jackets."""

TIGHT = (*([Pattern.PLAIN] * 5), Pattern.SIDE_STRIPE, Pattern.BLOTCHES, Pattern.HEATHER)
"""Patterns of what lies on the skin."""


@dataclass(frozen=True, slots=True)
class Solid:
    """A mesh of its own that moves with the bones.

    Attributes
    ----------
    vertices
        (P, 3) m at rest.
    faces
        (F, 3).
    anchors
        (P,) vertices of the body whose bone weights it takes.
    rest
        (P, 3) m on the reference body, for the texture.
    material
        As in `Layer`.
    cover
        (P,) or None when nothing is cut away.
    """

    vertices: Float64
    faces: Int32
    anchors: npt.NDArray[np.integer]
    rest: Float64
    material: str
    cover: Float64 | None = None

    def posed(self, posed: Posed, regions: Regions) -> Layer:
        """Return it on the posed body."""
        body = regions.body
        moved = body.skin(self.vertices, posed.transforms, body.weights[self.anchors])
        cover = np.ones(len(moved)) if self.cover is None else self.cover
        return Layer(moved, self.faces, cover, self.rest, self.material)


class Tailor:
    """Cuts one person's clothes to the body at rest, inner ones first.

    Attributes
    ----------
    regions, subject, rng
        Where things are on the skin, whose body it is, what draws the sizes.
    normals
        (V, 3) of the skin at rest.
    female
        Whose clothes are likely.
    shells, solids, materials, names, sole
        What was made so far (`Wardrobe`).
    hip, knee, ankle, waist, chest, arm
        Heights of joints on the reference body, and the length of its arm, m.
    """

    def __init__(self, regions: Regions, subject: Subject, rng: np.random.Generator) -> None:
        self.regions = regions
        self.subject = subject
        self.rng = rng
        self.normals = rest_normals(regions, subject)
        self.female = subject.shape.gender > 0.5
        self.shells: list[Shell] = []
        self.solids: list[Solid] = []
        self.names: list[str] = []
        self.materials: dict[str, Material] = {}
        self.sole = 0.0
        points = regions.reference.keypoints
        self.hip = float(regions.point("left_hip")[2])
        self.knee = float(regions.point("left_knee")[2])
        self.ankle = float(regions.point("left_ankle")[2])
        self.waist = float(regions.point("spine_02")[2])
        self.chest = float(regions.point("spine_04")[2])
        self.arm = float(
            np.linalg.norm(points[7] - points[5]) + np.linalg.norm(points[9] - points[7])
        )

    def shell(
        self,
        name: str,
        cover: Float64,
        offset: float | Float64,
        material: Material,
        *,
        extra: Float64 | None = None,
        smooth: int = 6,
        ease: int = 2,
    ) -> None:
        """Add a garment over those already worn."""
        beneath = np.zeros(len(self.normals))
        for other in self.shells:
            # Over another garment, by its own thickness.
            height = np.einsum(
                "pi,pi->p", other.vertices - self.subject.rest.vertices, self.normals
            )
            worn = other.cover > -0.01
            beneath[worn] = np.maximum(beneath[worn], height[worn] + 0.005)
        offsets = np.maximum(np.asarray(offset, np.float64), beneath)
        shell = make_shell(
            self.regions,
            self.subject,
            self.normals,
            cover,
            offsets,
            name,
            extra=extra,
            smooth=smooth,
            ease=ease,
            folds=self.rng if name != "hair" else None,
            beneath=beneath,
        )
        self.shells.append(shell)
        self.materials[name] = material
        self.names.append(name)

    def free_mesh(self, faces: Int32, lowest: float, material: str) -> None:
        """Add a mesh that the body model carries along, cut at a height on the reference body."""
        used, corners = np.unique(faces, return_inverse=True)
        rest = self.regions.rest[used]
        self.solids.append(
            Solid(
                self.subject.rest.vertices[used],
                np.asarray(corners, np.int32).reshape(faces.shape),
                used,
                rest,
                material,
                rest[:, 2] - lowest,
            )
        )

    def hang(self, top: float, bottom: float, looseness: float) -> Float64:
        """Return what a loose garment hangs away from the trunk; heights on the reference."""
        scale = self.subject.rest.stature / self.regions.reference.rest.stature
        trunk = self.regions.skin & ~self.regions.arm & ~self.regions.head
        return hanging(self.subject.rest.vertices, trunk, top * scale, bottom * scale, looseness)
