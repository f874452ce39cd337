"""Hair: shells over the scalp, long hair, buns and tails."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spinepose.synth.looks import cuts
from spinepose.synth.looks.tailor import Solid, Tailor
from spinepose.synth.render.materials import Material

__all__ = ["hair"]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]


def hair(tailor: Tailor, material: Material) -> None:
    """Add a hair style."""
    rng, regions = tailor.rng, tailor.regions
    styles = (
        {"long": 0.34, "tail": 0.22, "bun": 0.14, "short": 0.16, "curly": 0.10, "shaved": 0.04}
        if tailor.female
        else {"short": 0.52, "shaved": 0.2, "curly": 0.12, "bald": 0.1, "long": 0.06}
    )
    style = str(rng.choice(list(styles), p=np.array(list(styles.values())) / sum(styles.values())))
    tailor.names.append(f"hair: {style}")
    if style == "bald":
        return
    recede = rng.uniform(0.0, 0.035) if not tailor.female and rng.uniform() < 0.3 else 0.0
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
    tailor.shell("hair", cover, thickness, material, smooth=8 if style != "shaved" else 2, ease=0)
    if style == "long":
        _long_hair(tailor)
    elif style in ("tail", "bun"):
        _knot(tailor, style)


def _long_hair(tailor: Tailor) -> None:
    """Add the body's own mesh of long hair, cut at a random length."""
    regions = tailor.regions
    faces = regions.body.asset.helpers["hair"]
    ears = (regions.point("left_ear") + regions.point("right_ear")) / 2
    centre = regions.rest[faces].mean(axis=1) - ears
    face = (centre[:, 1] < -0.025) & (centre[:, 2] < 0.06)
    length = tailor.rng.uniform(regions.point("spine_05")[2], regions.point("neck_03")[2] - 0.01)
    tailor.free_mesh(faces[~face], length, "hair")


def _knot(tailor: Tailor, style: str) -> None:
    """Add a bun or a pony tail at the back of the head."""
    rng, subject = tailor.rng, tailor.subject
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
    rest = tailor.regions.point("head") + (vertices - top)
    tailor.solids.append(Solid(vertices, faces, np.full(len(vertices), anchor), rest, "hair"))


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
