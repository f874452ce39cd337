"""Garments of the upper body, and those in one piece."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spinepose.synth.looks import cuts, fabrics
from spinepose.synth.looks.bottoms import free_skirt
from spinepose.synth.looks.tailor import TIGHT, TROUSERS, WOVEN, Tailor

__all__ = ["dress", "leotard", "top"]


def top(tailor: Tailor) -> None:
    """Add one of the garments of the upper body."""
    options: dict[str, float] = {
        "t-shirt": 0.36,
        "long-sleeve": 0.14,
        "hoodie": 0.10,
        "tank": 0.16,
        "jacket": 0.10,
        "bare": 0.10 if not tailor.female else 0.0,
        "bra": 0.14 if tailor.female else 0.0,
    }
    shares = np.array(list(options.values()))
    kind = str(tailor.rng.choice(list(options), p=shares / shares.sum()))
    makers: dict[str, Callable[[Tailor], None]] = {
        "t-shirt": t_shirt,
        "long-sleeve": long_sleeve,
        "hoodie": hoodie,
        "tank": tank,
        "jacket": jacket,
        "bra": bra,
    }
    if kind in makers:
        makers[kind](tailor)
    else:
        tailor.names.append("bare back")


def t_shirt(tailor: Tailor) -> None:
    """Add a T-shirt or a blouse, tight or loose."""
    rng = tailor.rng
    hem = tailor.hip + rng.uniform(-0.065, 0.06)
    sleeve = rng.uniform(0.06, 0.24)
    neckline = str(rng.choice(["crew", "crew", "v", "scoop"]))
    cover = cuts.top_cut(tailor.regions, hem=hem, sleeve=sleeve, neckline=neckline)  # type: ignore[arg-type]
    loose = rng.uniform(0.006, 0.028)
    arm = np.clip(tailor.regions.arm_length / max(sleeve, 0.05), 0, 1)
    tailor.shell(
        "t-shirt",
        cover,
        loose * (1 + arm * rng.uniform(0.2, 1.4)),
        fabrics.cloth(rng, WOVEN, thick=0.4, edge=float(rng.choice([0, 0, 0.012]))),
        extra=tailor.hang(tailor.chest, hem, rng.uniform(0, 0.9) if loose > 0.008 else 0.0),
        smooth=int(rng.integers(5, 14)),
    )


def long_sleeve(tailor: Tailor) -> None:
    """Add a shirt or sweater with long sleeves."""
    rng = tailor.rng
    hem = tailor.hip + rng.uniform(-0.065, 0.03)
    cover = cuts.top_cut(
        tailor.regions,
        hem=hem,
        sleeve=tailor.arm - rng.uniform(-0.02, 0.12),
        neckline=str(rng.choice(["crew", "v", "high"])),  # type: ignore[arg-type]
    )
    loose = rng.uniform(0.007, 0.024)
    tailor.shell(
        "long-sleeve",
        cover,
        loose,
        fabrics.cloth(rng, WOVEN, thick=0.6, edge=float(rng.choice([0, 0.025]))),
        extra=tailor.hang(tailor.chest, hem, rng.uniform(0, 0.8)),
        smooth=int(rng.integers(6, 14)),
    )


def hoodie(tailor: Tailor) -> None:
    """Add a thick sweater with a hood lying on the shoulders."""
    rng = tailor.rng
    hem = tailor.hip + rng.uniform(-0.065, 0.0)
    cover = cuts.top_cut(tailor.regions, hem=hem, sleeve=tailor.arm - 0.02, neckline="high")
    thick = rng.uniform(0.014, 0.026)
    material = fabrics.cloth(rng, WOVEN, thick=0.9, edge=0.03)
    z, y = tailor.regions.rest[:, 2], tailor.regions.rest[:, 1]
    nape = tailor.regions.point("neck")
    # The hood: a roll behind the neck.
    roll = np.exp(-(((z - nape[2] + 0.005) / 0.045) ** 2)) * (y > nape[1] - 0.03)
    tailor.shell(
        "hoodie",
        cover,
        thick + 0.035 * roll,
        material,
        extra=tailor.hang(tailor.chest, hem, rng.uniform(0.3, 0.9)),
        smooth=12,
        ease=3,
    )


def tank(tailor: Tailor) -> None:
    """Add a top without sleeves, sometimes with straps or a deep back."""
    rng = tailor.rng
    strap = tailor.female and rng.uniform() < 0.5
    hem = tailor.hip + rng.uniform(-0.06, 0.05)
    if tailor.female and rng.uniform() < 0.35:
        hem = tailor.waist + rng.uniform(0.0, 0.12)
    cover = cuts.top_cut(
        tailor.regions,
        hem=hem,
        sleeve=0.0,
        neckline="strap" if strap else "tank",
        back=rng.uniform(0.08, 0.24) if rng.uniform() < 0.5 else 0.0,
    )
    loose = rng.uniform(0.003, 0.018)
    tailor.shell(
        "tank",
        cover,
        loose,
        fabrics.cloth(rng, WOVEN, thick=0.3, edge=float(rng.choice([0, 0.01]))),
        extra=tailor.hang(tailor.chest, hem, rng.uniform(0, 0.8) if loose > 0.007 else 0.0),
        smooth=6,
    )


def jacket(tailor: Tailor) -> None:
    """Add an open jacket over a T-shirt."""
    rng = tailor.rng
    t_shirt(tailor)
    hem = tailor.hip + rng.uniform(-0.065, 0.03)
    cover = cuts.top_cut(
        tailor.regions,
        hem=hem,
        sleeve=tailor.arm - rng.uniform(0.0, 0.05),
        neckline="high",
        open_front=rng.uniform(0.015, 0.10) if rng.uniform() < 0.7 else 0.0,
    )
    tailor.shell(
        "jacket",
        cover,
        rng.uniform(0.012, 0.026),
        fabrics.cloth(rng, TROUSERS, thick=0.8),
        extra=tailor.hang(tailor.chest, hem, rng.uniform(0.2, 0.9)),
        smooth=12,
    )


def bra(tailor: Tailor) -> None:
    """Add a sports bra or a bikini top: a bare back but for a band."""
    rng = tailor.rng
    cover = cuts.top_cut(
        tailor.regions,
        hem=tailor.chest - rng.uniform(0.03, 0.08),
        sleeve=0.0,
        neckline=str(rng.choice(["strap", "tank", "bandeau"])),  # type: ignore[arg-type]
        back=rng.uniform(0.05, 0.15),
    )
    tailor.shell("bra", cover, 0.004, fabrics.cloth(rng, TIGHT, thick=0.0), smooth=4, ease=1)


def leotard(tailor: Tailor) -> None:
    """Add one piece from the shoulders to the legs: swimsuit, leotard, wrestling suit."""
    rng = tailor.rng
    upper = cuts.top_cut(
        tailor.regions,
        hem=-1.0,
        sleeve=float(rng.choice([0.0, 0.0, tailor.arm - 0.02])),
        neckline=str(rng.choice(["tank", "strap", "scoop"])),  # type: ignore[arg-type]
        back=rng.uniform(0.05, 0.30) if rng.uniform() < 0.6 else 0.0,
    )
    short = rng.uniform() < 0.7
    lower = cuts.bottom_cut(
        tailor.regions,
        waist=9.0,
        hem=tailor.hip - 0.10 if short else tailor.knee + rng.uniform(0.0, 0.2),
        brief=rng.uniform(0.3, 1.1) if short else 0.0,
    )
    arms = tailor.regions.arm
    lower[arms] = 1.0
    material = fabrics.cloth(rng, TIGHT, thick=0.0, edge=float(rng.choice([0, 0.01])))
    tailor.shell("leotard", np.minimum(upper, lower), 0.003, material, smooth=3, ease=1)


def dress(tailor: Tailor) -> None:
    """Add a dress: a bodice and the free skirt in one fabric."""
    rng = tailor.rng
    material = fabrics.cloth(rng, WOVEN, thick=0.6)
    cover = cuts.top_cut(
        tailor.regions,
        hem=tailor.hip - 0.08,
        sleeve=float(rng.choice([0.0, 0.1, 0.2, tailor.arm - 0.05])),
        neckline=str(rng.choice(["crew", "v", "scoop"])),  # type: ignore[arg-type]
        back=rng.uniform(0.1, 0.25) if rng.uniform() < 0.3 else 0.0,
    )
    tailor.shell("dress", cover, rng.uniform(0.004, 0.010), material, smooth=8)
    free_skirt(tailor, "dress-skirt", rng.uniform(tailor.ankle + 0.05, tailor.hip - 0.2), material)
