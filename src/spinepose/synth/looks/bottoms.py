"""Garments of the lower body."""

from __future__ import annotations

import numpy as np

from spinepose.synth.looks import cuts, fabrics
from spinepose.synth.looks.tailor import TIGHT, TROUSERS, WOVEN, Tailor
from spinepose.synth.render.materials import Material

__all__ = ["briefs", "free_skirt", "skirt", "trousers"]


def trousers(tailor: Tailor) -> None:
    """Add long trousers, leggings, three-quarter trousers or shorts."""
    rng = tailor.rng
    kind = rng.choice(
        ["trousers", "leggings", "three-quarter", "shorts", "bike-shorts"],
        p=[0.38, 0.20, 0.08, 0.24, 0.10],
    )
    hem = {
        "trousers": tailor.ankle - rng.uniform(0.02, 0.06),
        "leggings": tailor.ankle + rng.uniform(-0.02, 0.12),
        "three-quarter": tailor.knee - rng.uniform(0.08, 0.2),
        "shorts": tailor.knee + rng.uniform(0.0, 0.28),
        "bike-shorts": tailor.knee + rng.uniform(0.05, 0.25),
    }[kind]
    waist = tailor.hip + rng.uniform(0.06, 0.16)
    cover = cuts.bottom_cut(tailor.regions, waist=waist, hem=hem)
    if kind in ("leggings", "bike-shorts"):
        tailor.shell("tights", cover, 0.003, fabrics.cloth(rng, TIGHT, thick=0.0), smooth=3, ease=1)
        return
    # Loose legs: wider towards the hem.
    loose = rng.uniform(0.008, 0.026)
    depth = np.clip((tailor.hip - tailor.regions.rest[:, 2]) / (tailor.hip - tailor.ankle), 0, 1)
    flare = rng.uniform(0.3, 1.6) if kind != "shorts" else rng.uniform(1.0, 3.0)
    offset = loose * (0.7 + flare * depth)
    material = fabrics.cloth(rng, TROUSERS, thick=0.7, edge=float(rng.choice([0, 0, 0.02])))
    tailor.shell("trousers" if kind != "shorts" else "shorts", cover, offset, material, smooth=10)


def briefs(tailor: Tailor) -> None:
    """Add swimming trunks or briefs."""
    rise = tailor.rng.uniform(0.3, 1.1)
    cover = cuts.bottom_cut(
        tailor.regions, waist=tailor.hip + 0.07, hem=tailor.hip - 0.095, brief=rise
    )
    tailor.shell("briefs", cover, 0.004, fabrics.cloth(tailor.rng, TIGHT, thick=0), smooth=4)


def skirt(tailor: Tailor) -> None:
    """Add a skirt, on the free skirt mesh of the body."""
    rng, body = tailor.rng, tailor.regions.body
    hem = rng.uniform(tailor.ankle + 0.05, tailor.hip - 0.12)
    free_skirt(tailor, "skirt", hem, fabrics.cloth(rng, WOVEN, thick=0.8))
    cover = cuts.bottom_cut(tailor.regions, waist=tailor.waist, hem=tailor.hip - 0.10, brief=0.8)
    tailor.shell("skirt-band", cover, 0.005, tailor.materials["skirt"])
    if rng.uniform() < 0.4:
        tights = cuts.bottom_cut(tailor.regions, waist=tailor.hip + 0.05, hem=0.03)
        tailor.shell("tights", tights, 0.002, fabrics.cloth(rng, TIGHT, thick=0.0), smooth=2)
    del body


def free_skirt(tailor: Tailor, name: str, hem: float, material: Material) -> None:
    """Hang the body's own skirt mesh, cut at a height on the reference body."""
    tailor.free_mesh(tailor.regions.body.asset.helpers["skirt"], hem, name)
    tailor.materials[name] = material
    tailor.names.append(name)
