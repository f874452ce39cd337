"""A person's clothes: drawn as an outfit, made to measure at rest, put on in the pose."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spinepose.synth.anatomy import Subject
from spinepose.synth.looks import fabrics
from spinepose.synth.looks.bottoms import briefs, skirt, trousers
from spinepose.synth.looks.feet import shoes
from spinepose.synth.looks.hair import hair
from spinepose.synth.looks.layers import Layer, Shell
from spinepose.synth.looks.regions import Regions
from spinepose.synth.looks.tailor import Solid, Tailor
from spinepose.synth.looks.tops import dress, leotard, top
from spinepose.synth.mesh import vertex_normals
from spinepose.synth.pose.solve import Posed
from spinepose.synth.render.materials import Material

__all__ = ["Wardrobe", "draw_wardrobe"]

_HIDDEN_INSIDE = 0.02
"""Skin this far inside a garment's edge is not drawn, m on the reference body."""


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """What one person wears, at rest, on that person's body.

    Attributes
    ----------
    shells
        Garments, inner ones first.
    solids
        Meshes that move with the body's bones: soles, long hair, skirts.
    materials
        By name; ``skin`` and ``eye`` always.
    sole
        Thickness under the foot, m.
    names
        What it is, for the annotations.
    bald
        Whether the scalp is bare.
    """

    shells: list[Shell]
    solids: list[Solid]
    materials: dict[str, Material]
    sole: float
    names: tuple[str, ...]

    def put_on(self, regions: Regions, posed: Posed) -> list[Layer]:
        """Return the person's skin, eyes and clothes in a pose."""
        normals = vertex_normals(posed.vertices, regions.faces).astype(np.float64)
        open_skin = np.ones(len(posed.vertices), bool)
        for shell in self.shells:
            inner = shell.cover > _HIDDEN_INSIDE
            open_skin &= ~inner
        faces = regions.faces[open_skin[regions.faces].any(axis=1)]
        everywhere = np.ones(len(posed.vertices))
        layers = [Layer(posed.vertices, faces, everywhere, regions.rest, "skin")]
        for helper in ("l_eye", "r_eye"):
            eye = regions.body.asset.helpers[helper]
            layers.append(Layer(posed.vertices, eye, everywhere, regions.rest, "eye"))
        layers += [shell.posed(posed, regions, normals) for shell in self.shells]
        layers += [solid.posed(posed, regions) for solid in self.solids]
        return layers


def draw_wardrobe(regions: Regions, subject: Subject, rng: np.random.Generator) -> Wardrobe:
    """Return random clothes, shoes and hair for one body."""
    tailor = Tailor(regions, subject, rng)
    shape = subject.shape
    hairs = fabrics.hair(rng)
    skin = fabrics.skin(rng, shape.african, shape.asian, hairs.first)
    if not tailor.female:
        skin = replace(skin, extra=float(np.clip(rng.normal(0.05, 0.35), 0, 0.8)))
    tailor.materials |= {"skin": skin, "eye": fabrics.eye(rng), "hair": hairs}
    whole = rng.uniform()
    shoes(tailor)
    if whole < (0.16 if tailor.female else 0.05):
        leotard(tailor)
        if rng.uniform() < 0.3:
            trousers(tailor)
    elif tailor.female and whole < 0.28:
        dress(tailor)
    else:
        lower = rng.uniform()
        if tailor.female and lower < 0.14:
            skirt(tailor)
        elif lower < 0.22:
            briefs(tailor)
        else:
            trousers(tailor)
        top(tailor)
    hair(tailor, hairs)
    return Wardrobe(
        tailor.shells, tailor.solids, tailor.materials, tailor.sole, tuple(tailor.names)
    )
