"""Bare feet, socks, shoes and their soles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from spinepose.synth.looks import cuts, fabrics
from spinepose.synth.looks.tailor import TIGHT, Solid, Tailor
from spinepose.synth.render.materials import Kind, Material, Pattern

__all__ = ["shoes"]

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]


def shoes(tailor: Tailor) -> None:
    """Add socks, shoes or boots, or leave the feet bare."""
    rng = tailor.rng
    kind = str(
        rng.choice(["bare", "socks", "low", "high", "boots"], p=[0.2, 0.07, 0.5, 0.13, 0.10])
    )
    tailor.names.append(f"feet: {kind}")
    if kind == "bare":
        return
    if kind == "socks" or rng.uniform() < 0.5:
        height = rng.uniform(0.10, 0.28)
        sock = fabrics.cloth(rng, TIGHT, thick=0.1)
        if rng.uniform() < 0.5:
            value = float(rng.choice([0.03, 0.7]))
            sock = replace(sock, first=(value, value, value), pattern=Pattern.PLAIN)
        tailor.shell("socks", cuts.foot_cut(tailor.regions, height), 0.002, sock, smooth=4, ease=0)
    if kind == "socks":
        return
    top = {
        "low": rng.uniform(0.065, 0.085),
        "high": rng.uniform(0.11, 0.15),
        "boots": rng.uniform(0.2, 0.38),
    }[kind]
    tailor.sole = float(rng.uniform(0.012, 0.032))
    tailor.shell(
        "shoes",
        cuts.foot_cut(tailor.regions, top),
        0.007,
        fabrics.leather(rng),
        extra=_toe_box(tailor),
        smooth=14,
        ease=0,
    )
    _soles(tailor)


def _toe_box(tailor: Tailor) -> Float64:
    """Return what closes the shell over the toes: all of them under one smooth vault."""
    skin = tailor.subject.rest.vertices
    moved = np.zeros_like(skin)
    foot = tailor.regions.foot & tailor.regions.skin
    for sign in (1, -1):
        mine = foot & (np.sign(tailor.regions.rest[:, 0]) == sign)
        points = skin[mine]
        front = points[:, 1].min()
        near = np.clip((points[:, 1] - front) / 0.06, 0, 1)
        vault = 0.028 + 0.018 * near
        low = np.clip(vault - points[:, 2], 0, None) * (points[:, 2] > 0.015)
        moved[mine, 2] = low * (near < 1) * 0.8
    return moved


def _soles(tailor: Tailor) -> None:
    """Add a flat sole under each foot: the outline of the foot, a little wider."""
    skin = tailor.subject.rest.vertices
    rng = tailor.rng
    value = float(rng.choice([0.75, 0.6, 0.03, 0.25]))
    tone = fabrics.color(rng) if rng.uniform() < 0.3 else (value, value, value)
    tailor.materials["soles"] = Material(Kind.CLOTH, tone, tone, tone, gloss=0.02)
    for sign in (1, -1):
        mine = np.flatnonzero(
            tailor.regions.foot
            & tailor.regions.skin
            & (skin[:, 2] < 0.045)
            & (np.sign(tailor.regions.rest[:, 0]) == sign)
        )
        flat = skin[mine][:, :2]
        hull = ConvexHull(flat).vertices
        outline = flat[hull]
        middle = outline.mean(axis=0)
        ring = _resampled(outline, 28)
        away = ring - middle
        ring = middle + away * (1 + 0.007 / np.linalg.norm(away, axis=1, keepdims=True))
        nearest = mine[np.linalg.norm(flat[None] - ring[:, None], axis=2).argmin(axis=1)]
        levels = (0.012, -0.2 * tailor.sole, -tailor.sole)
        widths = (0.0, 0.004, 0.0)
        rows = []
        for level, width in zip(levels, widths, strict=True):
            unit = away / np.linalg.norm(away, axis=1, keepdims=True)
            xy = ring + width * unit
            rows.append(np.column_stack([xy, np.full(len(xy), level)]))
        # The inside of the ring is closed at the bottom.
        centre = np.array([[middle[0], middle[1], -tailor.sole]])
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
        tailor.solids.append(
            Solid(vertices, np.concatenate(faces).astype(np.int32), anchors, vertices, "soles")
        )


def _resampled(outline: Float64, count: int) -> Float64:
    """Return a closed line with its points at equal distances."""
    closed = np.concatenate([outline, outline[:1]])
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, arc[-1], count, endpoint=False)
    return np.column_stack([np.interp(at, arc, closed[:, k]) for k in range(2)])
