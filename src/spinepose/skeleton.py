"""Keypoint vocabularies: names, mirror pairs, OKS sigmas, bones, the spine chain and subsets.

This is the only module where a keypoint is known by a bare number; everything else asks a
:class:`Skeleton` by name. The SpineTrack skeleton follows Khan, Krauß and Stricker, "Towards
Unconstrained 2D Pose Estimation of the Human Spine", CVPR Workshops 2025 (arXiv 2504.08110);
COCO-17 sigmas follow Ronchi and Perona, ICCV 2017; Halpe-26 follows Fang et al., TPAMI 2022;
COCO-WholeBody follows Jin et al., ECCV 2020; LSP follows Johnson and Everingham, BMVC 2010.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

__all__ = [
    "COCO17",
    "HALPE26",
    "LSP14",
    "SKELETONS",
    "SPINETRACK",
    "WHOLEBODY23",
    "Bone",
    "Skeleton",
    "get_skeleton",
]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Bone:
    """A drawn segment between two keypoints.

    Parameters
    ----------
    start, end
        Keypoint names.
    part
        What the bone belongs to: ``left``, ``right``, ``head``, ``spine`` or ``trunk``. Drawing
        chooses colours by it.
    """

    start: str
    end: str
    part: str


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of named keypoints.

    Parameters
    ----------
    name
        Identifier, as written in model cards and result files.
    keypoints
        Names in index order, K of them.
    sigmas
        OKS falloff per keypoint, K of them, relative to the square root of the person's area.
    bones
        Segments between keypoints.
    spine
        Names along the spine from the top down; empty when the skeleton has none.
    subsets
        Named groups of keypoints, for display and evaluation.
    """

    name: str
    keypoints: tuple[str, ...]
    sigmas: tuple[float, ...]
    bones: tuple[Bone, ...] = ()
    spine: tuple[str, ...] = ()
    subsets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.sigmas) != len(self.keypoints):
            raise ValueError(f"{self.name}: {len(self.keypoints)} names, {len(self.sigmas)} sigmas")
        if len(set(self.keypoints)) != len(self.keypoints):
            raise ValueError(f"{self.name}: keypoint names must be unique")
        known = set(self.keypoints)
        used = {n for bone in self.bones for n in (bone.start, bone.end)} | set(self.spine)
        used |= {n for names in self.subsets.values() for n in names}
        if not used <= known:
            raise ValueError(f"{self.name}: unknown keypoints {sorted(used - known)}")
        object.__setattr__(self, "subsets", MappingProxyType(dict(self.subsets)))

    def __len__(self) -> int:
        return len(self.keypoints)

    def __hash__(self) -> int:
        return hash((self.name, self.keypoints))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.keypoints)}

    def index(self, name: str) -> int:
        """Return the position of a keypoint; `KeyError` names the unknown one."""
        try:
            return self._index[name]
        except KeyError:
            raise KeyError(f"skeleton {self.name!r} has no keypoint {name!r}") from None

    def indices(self, names: Sequence[str] | str) -> IntArray:
        """Return positions (M,) of keypoint names, or of a subset given by its name."""
        if isinstance(names, str):
            try:
                names = self.subsets[names]
            except KeyError:
                raise KeyError(
                    f"skeleton {self.name!r} has no subset {names!r}; it has "
                    f"{', '.join(self.subsets)}"
                ) from None
        return np.array([self.index(n) for n in names], dtype=np.int64)

    @cached_property
    def flip(self) -> IntArray:
        """Permutation (K,) that swaps left and right: ``flipped = mirrored[..., flip, :]``."""

        def mirrored(name: str) -> str:
            for a, b in (("left_", "right_"), ("right_", "left_")):
                if name.startswith(a):
                    return b + name.removeprefix(a)
            return name

        return np.array([self.index(mirrored(n)) for n in self.keypoints], dtype=np.int64)

    @cached_property
    def sigma_array(self) -> FloatArray:
        """OKS sigmas as float32 (K,)."""
        return np.array(self.sigmas, dtype=np.float32)

    @cached_property
    def bone_indices(self) -> IntArray:
        """Bones as index pairs (B, 2)."""
        pairs = [(self.index(b.start), self.index(b.end)) for b in self.bones]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def spine_indices(self) -> IntArray:
        """Positions of the spine chain from the top down (S,)."""
        return self.indices(self.spine)

    def subset(self, name: str) -> Skeleton:
        """Return the skeleton of one subset, in that subset's order.

        Bones between kept keypoints stay. A dropped keypoint that joined exactly two others is
        bridged (spine_05 - clavicle - shoulder becomes spine_05 - shoulder), so that the figure
        does not fall apart.
        """
        names = tuple(self.keypoints[i] for i in self.indices(name))
        kept = set(names)
        return Skeleton(
            name=f"{self.name}/{name}",
            keypoints=names,
            sigmas=tuple(self.sigmas[self.index(n)] for n in names),
            bones=_bridge(self.bones, [n for n in self.keypoints if n not in kept]),
            spine=self.spine if set(self.spine) <= kept else (),
            subsets={k: v for k, v in self.subsets.items() if set(v) <= kept},
        )


def _bridge(bones: Sequence[Bone], dropped: Sequence[str]) -> tuple[Bone, ...]:
    """Remove keypoints from a set of bones, joining the two neighbours of a mere link."""
    kept = list(bones)
    for name in dropped:
        touching = [b for b in kept if name in (b.start, b.end)]
        kept = [b for b in kept if b not in touching]
        if len(touching) == 2:
            first, second = ((b.end if b.start == name else b.start) for b in touching)
            kept.append(Bone(first, second, touching[1].part))
    return tuple(kept)


_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_LIMBS = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
_COCO = _FACE + _LIMBS
_HALPE_EXTRA = ("head", "neck", "hip")
_FEET = tuple(
    f"{side}_{part}" for part in ("big_toe", "small_toe", "heel") for side in ("left", "right")
)
_WHOLEBODY_FEET = tuple(
    f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")
)
_LSP = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("right_wrist", "right_elbow", "right_shoulder"),
    *("left_shoulder", "left_elbow", "left_wrist"),
    *("neck", "head_top"),
)
_VERTEBRAE = tuple(f"spine_0{i}" for i in range(1, 6))
_EXPERIMENTAL = ("left_latissimus", "right_latissimus", "left_clavicle", "right_clavicle")
_NECK = ("neck_02", "neck_03")
_SPINE = ("neck_03", "neck_02", "neck", *reversed(_VERTEBRAE), "hip")

_COCO_SIGMAS = (
    *(0.026, 0.025, 0.025, 0.035, 0.035),
    *(0.079, 0.079, 0.072, 0.072, 0.062, 0.062),
    *(0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
)
_HALPE_SIGMAS = (*_COCO_SIGMAS, 0.026, 0.04, 0.07, *(0.079,) * 6)
_SPINETRACK_SIGMAS = (
    *_HALPE_SIGMAS,
    *(0.10, 0.10, 0.10, 0.08, 0.08),
    *(0.12, 0.12, 0.07, 0.07),
    *(0.07, 0.06),
)


def _limb_bones() -> tuple[Bone, ...]:
    chains = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    return tuple(Bone(f"{s}_{a}", f"{s}_{b}", s) for s in ("left", "right") for a, b in chains)


def _foot_bones() -> tuple[Bone, ...]:
    return tuple(
        Bone(f"{s}_ankle", f"{s}_{p}", s)
        for s in ("left", "right")
        for p in ("big_toe", "small_toe", "heel")
    )


def _face_bones() -> tuple[Bone, ...]:
    return tuple(
        bone
        for s in ("left", "right")
        for bone in (Bone("nose", f"{s}_eye", "head"), Bone(f"{s}_eye", f"{s}_ear", "head"))
    )


def _spine_bones() -> tuple[Bone, ...]:
    chain = ("head", *_SPINE)
    return tuple(Bone(a, b, "spine") for a, b in pairwise(chain))


def _trunk_bones() -> tuple[Bone, ...]:
    return tuple(
        bone
        for s in ("left", "right")
        for bone in (
            Bone(f"{s}_hip", "hip", s),
            Bone("spine_05", f"{s}_clavicle", "trunk"),
            Bone(f"{s}_clavicle", f"{s}_shoulder", s),
            Bone("spine_04", f"{s}_latissimus", "trunk"),
        )
    )


COCO17 = Skeleton(
    name="coco",
    keypoints=_COCO,
    sigmas=_COCO_SIGMAS,
    bones=(
        *_face_bones(),
        *_limb_bones(),
        Bone("left_shoulder", "right_shoulder", "trunk"),
        Bone("left_hip", "right_hip", "trunk"),
        Bone("left_shoulder", "left_hip", "left"),
        Bone("right_shoulder", "right_hip", "right"),
    ),
    subsets={"body": _COCO},
)
"""The 17 keypoints of COCO."""

HALPE26 = Skeleton(
    name="halpe26",
    keypoints=_COCO + _HALPE_EXTRA + _FEET,
    sigmas=_HALPE_SIGMAS,
    bones=(
        *_face_bones(),
        *_limb_bones(),
        *_foot_bones(),
        Bone("head", "neck", "head"),
        Bone("neck", "hip", "trunk"),
        *(Bone("neck", f"{s}_shoulder", s) for s in ("left", "right")),
        *(Bone("hip", f"{s}_hip", s) for s in ("left", "right")),
    ),
    subsets={"body": _COCO, "feet": _FEET},
)
"""The 26 body and foot keypoints of Halpe, the teachers' vocabulary."""

_ALL37 = (*HALPE26.keypoints, *_VERTEBRAE, *_EXPERIMENTAL, *_NECK)

SPINETRACK = Skeleton(
    name="spinetrack",
    keypoints=_ALL37,
    sigmas=_SPINETRACK_SIGMAS,
    bones=(*_face_bones(), *_limb_bones(), *_foot_bones(), *_trunk_bones(), *_spine_bones()),
    spine=_SPINE,
    subsets={
        "all": _ALL37,
        "default": tuple(n for n in _ALL37 if n not in _EXPERIMENTAL),
        # For evaluation: the groups of the paper's tables.
        "body": _COCO,
        "feet": _FEET,
        "spine": _SPINE,
        # For display: the groups of the project page. 18 + 6 + 9 = 33; neck and hip belong to
        # the spine there, and the head top to the body.
        "body18": (*_COCO, "head"),
        "feet6": _FEET,
        "spine9": _SPINE,
        "experimental4": _EXPERIMENTAL,
    },
)
"""The 37 keypoints of SpineTrack: body, feet, nine along the spine, four experimental."""

WHOLEBODY23 = Skeleton(
    name="wholebody23",
    keypoints=(*_COCO, *_WHOLEBODY_FEET),
    sigmas=(*_COCO_SIGMAS, *(0.068, 0.066, 0.066), *(0.092, 0.094, 0.094)),
    bones=(*COCO17.bones, *_foot_bones()),
    subsets={"body": _COCO, "feet": _WHOLEBODY_FEET},
)
"""Body and feet of COCO-WholeBody: the first 23 of its 133; the others are of face and hands."""

LSP14 = Skeleton(
    name="lsp",
    keypoints=_LSP,
    sigmas=tuple(HALPE26.sigmas[HALPE26.index({"head_top": "head"}.get(n, n))] for n in _LSP),
    bones=(
        *_limb_bones(),
        Bone("head_top", "neck", "head"),
        *(Bone("neck", f"{s}_{j}", s) for j in ("shoulder", "hip") for s in ("left", "right")),
    ),
)
"""The 14 joints of Leeds Sports Pose and its extension; they came without sigmas: Halpe's."""

SKELETONS: Mapping[str, Skeleton] = MappingProxyType(
    {s.name: s for s in (SPINETRACK, COCO17, HALPE26, WHOLEBODY23, LSP14)}
)


def get_skeleton(name: str) -> Skeleton:
    """Return a known skeleton by name; `KeyError` lists the known ones."""
    try:
        return SKELETONS[name]
    except KeyError:
        raise KeyError(f"unknown skeleton {name!r}; known: {', '.join(SKELETONS)}") from None
