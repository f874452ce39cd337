"""A person's clothes: drawn as an outfit, made to measure at rest, put on in the pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from spinepose.synth.anatomy import Subject
from spinepose.synth.looks import cuts, fabrics
from spinepose.synth.looks.layers import Layer, Shell, hanging, make_shell, rest_normals
from spinepose.synth.looks.regions import Regions
from spinepose.synth.mesh import vertex_normals
from spinepose.synth.pose.solve import Posed
from spinepose.synth.render.materials import Kind, Material, Pattern

__all__ = ["Wardrobe", "draw_wardrobe"]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

_WOVEN = (
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
_TROUSERS = (
    *([Pattern.PLAIN] * 5),
    *([Pattern.DENIM] * 4),
    Pattern.SIDE_STRIPE,
    Pattern.SIDE_STRIPE,
    Pattern.CHECK,
    Pattern.BLOTCHES,
    Pattern.HEATHER,
)
_TIGHT = (*([Pattern.PLAIN] * 5), Pattern.SIDE_STRIPE, Pattern.BLOTCHES, Pattern.HEATHER)

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
    anchors: npt.NDArray[np.intp]
    rest: Float64
    material: str
    cover: Float64 | None = None

    def posed(self, posed: Posed, regions: Regions) -> Layer:
        """Return it on the posed body."""
        body = regions.body
        moved = body.skin(self.vertices, posed.transforms, body.weights[self.anchors])
        cover = np.ones(len(moved)) if self.cover is None else self.cover
        return Layer(moved, self.faces, cover, self.rest, self.material)


class _Tailor:
    """Cuts one person's clothes."""

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

    # -- pieces ---------------------------------------------------------------------------------

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

    def hang(self, top: float, bottom: float, looseness: float) -> Float64:
        """Return what a loose garment hangs away from the trunk; heights on the reference."""
        scale = self.subject.rest.stature / self.regions.reference.rest.stature
        trunk = self.regions.skin & ~self.regions.arm & ~self.regions.head
        return hanging(self.subject.rest.vertices, trunk, top * scale, bottom * scale, looseness)

    # -- garments -------------------------------------------------------------------------------

    def trousers(self) -> None:
        """Long trousers, leggings, three-quarter trousers, shorts."""
        rng = self.rng
        kind = rng.choice(
            ["trousers", "leggings", "three-quarter", "shorts", "bike-shorts"],
            p=[0.38, 0.20, 0.08, 0.24, 0.10],
        )
        hem = {
            "trousers": self.ankle - rng.uniform(0.02, 0.06),
            "leggings": self.ankle + rng.uniform(-0.02, 0.12),
            "three-quarter": self.knee - rng.uniform(0.08, 0.2),
            "shorts": self.knee + rng.uniform(0.0, 0.28),
            "bike-shorts": self.knee + rng.uniform(0.05, 0.25),
        }[kind]
        waist = self.hip + rng.uniform(0.06, 0.16)
        cover = cuts.bottom_cut(self.regions, waist=waist, hem=hem)
        if kind in ("leggings", "bike-shorts"):
            self.shell(
                "tights", cover, 0.003, fabrics.cloth(rng, _TIGHT, thick=0.0), smooth=3, ease=1
            )
            return
        # Loose legs: wider towards the hem.
        loose = rng.uniform(0.008, 0.026)
        depth = np.clip((self.hip - self.regions.rest[:, 2]) / (self.hip - self.ankle), 0, 1)
        flare = rng.uniform(0.3, 1.6) if kind != "shorts" else rng.uniform(1.0, 3.0)
        offset = loose * (0.7 + flare * depth)
        material = fabrics.cloth(rng, _TROUSERS, thick=0.7, edge=float(rng.choice([0, 0, 0.02])))
        self.shell("trousers" if kind != "shorts" else "shorts", cover, offset, material, smooth=10)

    def briefs(self) -> None:
        """Swimming trunks or briefs."""
        rise = self.rng.uniform(0.3, 1.1)
        cover = cuts.bottom_cut(
            self.regions, waist=self.hip + 0.07, hem=self.hip - 0.095, brief=rise
        )
        self.shell("briefs", cover, 0.004, fabrics.cloth(self.rng, _TIGHT, thick=0), smooth=4)

    def skirt(self) -> None:
        """A skirt on the free skirt mesh of the body."""
        rng, body = self.rng, self.regions.body
        hem = rng.uniform(self.ankle + 0.05, self.hip - 0.12)
        self.free_skirt("skirt", hem, fabrics.cloth(rng, _WOVEN, thick=0.8))
        cover = cuts.bottom_cut(self.regions, waist=self.waist, hem=self.hip - 0.10, brief=0.8)
        self.shell("skirt-band", cover, 0.005, self.materials["skirt"])
        if rng.uniform() < 0.4:
            tights = cuts.bottom_cut(self.regions, waist=self.hip + 0.05, hem=0.03)
            self.shell("tights", tights, 0.002, fabrics.cloth(rng, _TIGHT, thick=0.0), smooth=2)
        del body

    def free_skirt(self, name: str, hem: float, material: Material) -> None:
        """Hang the body's own skirt mesh, cut at a height on the reference body."""
        regions = self.regions
        faces = regions.body.asset.helpers["skirt"]
        used, corners = np.unique(faces, return_inverse=True)
        self.solids.append(
            Solid(
                self.subject.rest.vertices[used],
                corners.reshape(faces.shape).astype(np.int32),
                used,
                regions.rest[used],
                name,
                regions.rest[used, 2] - hem,
            )
        )
        self.materials[name] = material
        self.names.append(name)

    def top(self) -> None:
        """One of the garments of the upper body."""
        options: dict[str, float] = {
            "t-shirt": 0.36,
            "long-sleeve": 0.14,
            "hoodie": 0.10,
            "tank": 0.16,
            "jacket": 0.10,
            "bare": 0.10 if not self.female else 0.0,
            "bra": 0.14 if self.female else 0.0,
        }
        shares = np.array(list(options.values()))
        kind = str(self.rng.choice(list(options), p=shares / shares.sum()))
        makers: dict[str, Callable[[], None]] = {
            "t-shirt": self.t_shirt,
            "long-sleeve": self.long_sleeve,
            "hoodie": self.hoodie,
            "tank": self.tank,
            "jacket": self.jacket,
            "bra": self.bra,
        }
        if kind in makers:
            makers[kind]()
        else:
            self.names.append("bare back")

    def t_shirt(self) -> None:
        """A T-shirt or a blouse, tight or loose, tucked in or not."""
        rng = self.rng
        hem = self.hip + rng.uniform(-0.065, 0.06)
        sleeve = rng.uniform(0.06, 0.24)
        neckline = str(rng.choice(["crew", "crew", "v", "scoop"]))
        cover = cuts.top_cut(self.regions, hem=hem, sleeve=sleeve, neckline=neckline)  # type: ignore[arg-type]
        loose = rng.uniform(0.006, 0.028)
        arm = np.clip(self.regions.arm_length / max(sleeve, 0.05), 0, 1)
        self.shell(
            "t-shirt",
            cover,
            loose * (1 + arm * rng.uniform(0.2, 1.4)),
            fabrics.cloth(rng, _WOVEN, thick=0.4, edge=float(rng.choice([0, 0, 0.012]))),
            extra=self.hang(self.chest, hem, rng.uniform(0, 0.9) if loose > 0.008 else 0.0),
            smooth=int(rng.integers(5, 14)),
        )

    def long_sleeve(self) -> None:
        """A shirt or sweater with long sleeves."""
        rng = self.rng
        hem = self.hip + rng.uniform(-0.065, 0.03)
        cover = cuts.top_cut(
            self.regions,
            hem=hem,
            sleeve=self.arm - rng.uniform(-0.02, 0.12),
            neckline=str(rng.choice(["crew", "v", "high"])),  # type: ignore[arg-type]
        )
        loose = rng.uniform(0.007, 0.024)
        self.shell(
            "long-sleeve",
            cover,
            loose,
            fabrics.cloth(rng, _WOVEN, thick=0.6, edge=float(rng.choice([0, 0.025]))),
            extra=self.hang(self.chest, hem, rng.uniform(0, 0.8)),
            smooth=int(rng.integers(6, 14)),
        )

    def hoodie(self) -> None:
        """A thick sweater with a hood lying on the shoulders."""
        rng = self.rng
        hem = self.hip + rng.uniform(-0.065, 0.0)
        cover = cuts.top_cut(self.regions, hem=hem, sleeve=self.arm - 0.02, neckline="high")
        thick = rng.uniform(0.014, 0.026)
        material = fabrics.cloth(rng, _WOVEN, thick=0.9, edge=0.03)
        z, y = self.regions.rest[:, 2], self.regions.rest[:, 1]
        nape = self.regions.point("neck")
        # The hood: a roll behind the neck.
        roll = np.exp(-(((z - nape[2] + 0.005) / 0.045) ** 2)) * (y > nape[1] - 0.03)
        self.shell(
            "hoodie",
            cover,
            thick + 0.035 * roll,
            material,
            extra=self.hang(self.chest, hem, rng.uniform(0.3, 0.9)),
            smooth=12,
            ease=3,
        )

    def tank(self) -> None:
        """A top without sleeves, sometimes with straps or a deep back."""
        rng = self.rng
        strap = self.female and rng.uniform() < 0.5
        hem = self.hip + rng.uniform(-0.06, 0.05)
        if self.female and rng.uniform() < 0.35:
            hem = self.waist + rng.uniform(0.0, 0.12)
        cover = cuts.top_cut(
            self.regions,
            hem=hem,
            sleeve=0.0,
            neckline="strap" if strap else "tank",
            back=rng.uniform(0.08, 0.24) if rng.uniform() < 0.5 else 0.0,
        )
        loose = rng.uniform(0.003, 0.018)
        self.shell(
            "tank",
            cover,
            loose,
            fabrics.cloth(rng, _WOVEN, thick=0.3, edge=float(rng.choice([0, 0.01]))),
            extra=self.hang(self.chest, hem, rng.uniform(0, 0.8) if loose > 0.007 else 0.0),
            smooth=6,
        )

    def jacket(self) -> None:
        """An open jacket or a shirt worn over a T-shirt."""
        rng = self.rng
        self.t_shirt()
        hem = self.hip + rng.uniform(-0.065, 0.03)
        cover = cuts.top_cut(
            self.regions,
            hem=hem,
            sleeve=self.arm - rng.uniform(0.0, 0.05),
            neckline="high",
            open_front=rng.uniform(0.015, 0.10) if rng.uniform() < 0.7 else 0.0,
        )
        self.shell(
            "jacket",
            cover,
            rng.uniform(0.012, 0.026),
            fabrics.cloth(rng, _TROUSERS, thick=0.8),
            extra=self.hang(self.chest, hem, rng.uniform(0.2, 0.9)),
            smooth=12,
        )

    def bra(self) -> None:
        """A sports bra or a bikini top: a bare back but for a band."""
        rng = self.rng
        cover = cuts.top_cut(
            self.regions,
            hem=self.chest - rng.uniform(0.03, 0.08),
            sleeve=0.0,
            neckline=str(rng.choice(["strap", "tank", "bandeau"])),  # type: ignore[arg-type]
            back=rng.uniform(0.05, 0.15),
        )
        self.shell("bra", cover, 0.004, fabrics.cloth(rng, _TIGHT, thick=0.0), smooth=4, ease=1)

    def leotard(self) -> None:
        """One piece from the shoulders to the legs: swimsuit, leotard, wrestling suit."""
        rng = self.rng
        upper = cuts.top_cut(
            self.regions,
            hem=-1.0,
            sleeve=float(rng.choice([0.0, 0.0, self.arm - 0.02])),
            neckline=str(rng.choice(["tank", "strap", "scoop"])),  # type: ignore[arg-type]
            back=rng.uniform(0.05, 0.30) if rng.uniform() < 0.6 else 0.0,
        )
        short = rng.uniform() < 0.7
        lower = cuts.bottom_cut(
            self.regions,
            waist=9.0,
            hem=self.hip - 0.10 if short else self.knee + rng.uniform(0.0, 0.2),
            brief=rng.uniform(0.3, 1.1) if short else 0.0,
        )
        arms = self.regions.arm
        lower[arms] = 1.0
        material = fabrics.cloth(rng, _TIGHT, thick=0.0, edge=float(rng.choice([0, 0.01])))
        self.shell("leotard", np.minimum(upper, lower), 0.003, material, smooth=3, ease=1)

    def dress(self) -> None:
        """A dress: a bodice and the free skirt in one fabric."""
        rng = self.rng
        material = fabrics.cloth(rng, _WOVEN, thick=0.6)
        cover = cuts.top_cut(
            self.regions,
            hem=self.hip - 0.08,
            sleeve=float(rng.choice([0.0, 0.1, 0.2, self.arm - 0.05])),
            neckline=str(rng.choice(["crew", "v", "scoop"])),  # type: ignore[arg-type]
            back=rng.uniform(0.1, 0.25) if rng.uniform() < 0.3 else 0.0,
        )
        self.shell("dress", cover, rng.uniform(0.004, 0.010), material, smooth=8)
        self.free_skirt("dress-skirt", rng.uniform(self.ankle + 0.05, self.hip - 0.2), material)

    # -- feet -----------------------------------------------------------------------------------

    def shoes(self) -> None:
        """Bare feet, socks, shoes or boots."""
        rng = self.rng
        kind = str(
            rng.choice(["bare", "socks", "low", "high", "boots"], p=[0.2, 0.07, 0.5, 0.13, 0.10])
        )
        self.names.append(f"feet: {kind}")
        if kind == "bare":
            return
        if kind == "socks" or rng.uniform() < 0.5:
            height = rng.uniform(0.10, 0.28)
            sock = fabrics.cloth(rng, _TIGHT, thick=0.1)
            if rng.uniform() < 0.5:
                value = float(rng.choice([0.03, 0.7]))
                sock = replace(sock, first=(value, value, value), pattern=Pattern.PLAIN)
            self.shell("socks", cuts.foot_cut(self.regions, height), 0.002, sock, smooth=4, ease=0)
        if kind == "socks":
            return
        top = {
            "low": rng.uniform(0.065, 0.085),
            "high": rng.uniform(0.11, 0.15),
            "boots": rng.uniform(0.2, 0.38),
        }[kind]
        self.sole = float(rng.uniform(0.012, 0.032))
        self.shell(
            "shoes",
            cuts.foot_cut(self.regions, top),
            0.007,
            fabrics.leather(rng),
            extra=self._toe_box(),
            smooth=14,
            ease=0,
        )
        self._soles()

    def _toe_box(self) -> Float64:
        """Return what closes the shell over the toes: all of them under one smooth vault."""
        skin = self.subject.rest.vertices
        moved = np.zeros_like(skin)
        foot = self.regions.foot & self.regions.skin
        for sign in (1, -1):
            mine = foot & (np.sign(self.regions.rest[:, 0]) == sign)
            points = skin[mine]
            front = points[:, 1].min()
            near = np.clip((points[:, 1] - front) / 0.06, 0, 1)
            vault = 0.028 + 0.018 * near
            low = np.clip(vault - points[:, 2], 0, None) * (points[:, 2] > 0.015)
            moved[mine, 2] = low * (near < 1) * 0.8
        return moved

    def _soles(self) -> None:
        """Add a flat sole under each foot: the outline of the foot, a little wider."""
        skin = self.subject.rest.vertices
        rng = self.rng
        value = float(rng.choice([0.75, 0.6, 0.03, 0.25]))
        tone = fabrics.color(rng) if rng.uniform() < 0.3 else (value, value, value)
        self.materials["soles"] = Material(Kind.CLOTH, tone, tone, tone, gloss=0.02)
        for sign in (1, -1):
            mine = np.flatnonzero(
                self.regions.foot
                & self.regions.skin
                & (skin[:, 2] < 0.045)
                & (np.sign(self.regions.rest[:, 0]) == sign)
            )
            flat = skin[mine][:, :2]
            hull = ConvexHull(flat).vertices
            outline = flat[hull]
            middle = outline.mean(axis=0)
            ring = _resampled(outline, 28)
            away = ring - middle
            ring = middle + away * (1 + 0.007 / np.linalg.norm(away, axis=1, keepdims=True))
            nearest = mine[np.linalg.norm(flat[None] - ring[:, None], axis=2).argmin(axis=1)]
            levels = (0.012, -0.2 * self.sole, -self.sole)
            widths = (0.0, 0.004, 0.0)
            rows = []
            for level, width in zip(levels, widths, strict=True):
                unit = away / np.linalg.norm(away, axis=1, keepdims=True)
                xy = ring + width * unit
                rows.append(np.column_stack([xy, np.full(len(xy), level)]))
            # The inside of the ring is closed at the bottom.
            centre = np.array([[middle[0], middle[1], -self.sole]])
            vertices = np.concatenate([*rows, centre])
            count = len(ring)
            faces = []
            for k in range(2):
                a = np.arange(count) + k * count
                b = (np.arange(count) + 1) % count + k * count
                faces += [np.stack([a, a + count, b + count], 1), np.stack([a, b + count, b], 1)]
            last = np.arange(count) + 2 * count
            follow = (np.arange(count) + 1) % count + 2 * count
            faces.append(np.stack([last, np.full(count, 3 * count), follow], 1))
            anchors = np.concatenate([nearest, nearest, nearest, nearest[:1]])
            self.solids.append(
                Solid(vertices, np.concatenate(faces).astype(np.int32), anchors, vertices, "soles")
            )

    # -- head -----------------------------------------------------------------------------------

    def hair(self, material: Material) -> None:
        """A hair style."""
        rng, regions = self.rng, self.regions
        styles = (
            {"long": 0.34, "tail": 0.22, "bun": 0.14, "short": 0.16, "curly": 0.10, "shaved": 0.04}
            if self.female
            else {"short": 0.52, "shaved": 0.2, "curly": 0.12, "bald": 0.1, "long": 0.06}
        )
        style = str(
            rng.choice(list(styles), p=np.array(list(styles.values())) / sum(styles.values()))
        )
        self.names.append(f"hair: {style}")
        if style == "bald":
            return
        recede = rng.uniform(0.0, 0.035) if not self.female and rng.uniform() < 0.3 else 0.0
        cover = cuts.hair_cut(regions, recede)
        height = np.clip((regions.rest[:, 2] - regions.point("left_eye")[2]) / 0.09, 0, 1)
        thickness = {
            "shaved": 0.002,
            "short": rng.uniform(0.006, 0.012) + rng.uniform(0.0, 0.022) * height,
            "curly": rng.uniform(0.018, 0.055) * (0.5 + 0.5 * height),
            "tail": 0.008,
            "bun": 0.008,
            "long": 0.010 + 0.010 * height,
        }[style]
        self.shell("hair", cover, thickness, material, smooth=8 if style != "shaved" else 2, ease=0)
        if style == "long":
            self._long_hair()
        elif style in ("tail", "bun"):
            self._knot(style)

    def _long_hair(self) -> None:
        """Add the body's own mesh of long hair, cut at a random length."""
        regions = self.regions
        faces = regions.body.asset.helpers["hair"]
        ears = (regions.point("left_ear") + regions.point("right_ear")) / 2
        centre = regions.rest[faces].mean(axis=1) - ears
        face = (centre[:, 1] < -0.025) & (centre[:, 2] < 0.06)
        faces = faces[~face]
        used, corners = np.unique(faces, return_inverse=True)
        length = self.rng.uniform(regions.point("spine_05")[2], regions.point("neck_03")[2] - 0.01)
        self.solids.append(
            Solid(
                self.subject.rest.vertices[used],
                corners.reshape(faces.shape).astype(np.int32),
                used,
                regions.rest[used],
                "hair",
                regions.rest[used, 2] - length,
            )
        )

    def _knot(self, style: str) -> None:
        """Add a bun or a pony tail at the back of the head."""
        rng, subject = self.rng, self.subject
        top = subject.keypoints[17]
        ears = (subject.keypoints[3] + subject.keypoints[4]) / 2
        high = rng.uniform(0.0, 1.0)
        root = ears + np.array([0.0, 0.115 - 0.03 * high, 0.02 + 0.08 * high])
        anchor = int(np.argmin(np.linalg.norm(subject.rest.vertices - top, axis=1)))
        if style == "bun":
            radius = rng.uniform(0.03, 0.05)
            vertices, faces = _ball(root, np.array([radius, radius, radius * 0.9]))
        else:
            length = rng.uniform(0.12, 0.38)
            middle = root + np.array([0.0, 0.055, -length / 2])
            vertices, faces = _ball(
                middle, np.array([rng.uniform(0.022, 0.035), 0.034, length / 2 + 0.03])
            )
        rest = self.regions.point("head") + (vertices - top)
        self.solids.append(Solid(vertices, faces, np.full(len(vertices), anchor), rest, "hair"))


def draw_wardrobe(regions: Regions, subject: Subject, rng: np.random.Generator) -> Wardrobe:
    """Return random clothes, shoes and hair for one body."""
    tailor = _Tailor(regions, subject, rng)
    shape = subject.shape
    hairs = fabrics.hair(rng)
    skin = fabrics.skin(rng, shape.african, shape.asian, hairs.first)
    if not tailor.female:
        skin = replace(skin, extra=float(np.clip(rng.normal(0.05, 0.35), 0, 0.8)))
    tailor.materials |= {"skin": skin, "eye": fabrics.eye(rng), "hair": hairs}
    whole = rng.uniform()
    tailor.shoes()
    if whole < (0.16 if tailor.female else 0.05):
        tailor.leotard()
        if rng.uniform() < 0.3:
            tailor.trousers()
    elif tailor.female and whole < 0.28:
        tailor.dress()
    else:
        lower = rng.uniform()
        if tailor.female and lower < 0.14:
            tailor.skirt()
        elif lower < 0.22:
            tailor.briefs()
        else:
            tailor.trousers()
        tailor.top()
    tailor.hair(hairs)
    return Wardrobe(
        tailor.shells, tailor.solids, tailor.materials, tailor.sole, tuple(tailor.names)
    )


def _resampled(outline: Float64, count: int) -> Float64:
    """Return a closed line with its points at equal distances."""
    closed = np.concatenate([outline, outline[:1]])
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, arc[-1], count, endpoint=False)
    return np.column_stack([np.interp(at, arc, closed[:, k]) for k in range(2)])


def _ball(centre: Float64, radii: Float64) -> tuple[Float64, Int32]:
    """Return an ellipsoid of 12 x 8 patches."""
    around, along = 12, 8
    theta = np.linspace(0, np.pi, along + 1)[1:-1]
    phi = np.arange(around) / around * 2 * np.pi
    ring = np.stack(
        [
            np.outer(np.sin(theta), np.cos(phi)),
            np.outer(np.sin(theta), np.sin(phi)),
            np.outer(np.cos(theta), np.ones(around)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    points = np.concatenate([[[0, 0, 1.0]], ring, [[0, 0, -1.0]]])
    faces = []
    for k in range(around):
        follow = (k + 1) % around
        faces.append([0, 1 + k, 1 + follow])
        for row in range(along - 2):
            a, b = 1 + row * around + k, 1 + row * around + follow
            faces += [[a, a + around, b + around], [a, b + around, b]]
        last = 1 + (along - 2) * around
        faces.append([len(points) - 1, last + follow, last + k])
    return centre + points * radii, np.array(faces, np.int32)
