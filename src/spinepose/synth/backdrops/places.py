"""All procedural places."""

from __future__ import annotations

import numpy as np

from spinepose.synth.backdrops.fields import field
from spinepose.synth.backdrops.rooms import room
from spinepose.synth.backdrops.scene import Parts, Procedural
from spinepose.synth.backdrops.studios import studio

__all__ = ["KINDS", "procedural"]

KINDS = ("room", "field", "studio", "clutter")
_CHANCES = (0.4, 0.33, 0.09, 0.18)


def procedural(rng: np.random.Generator, kind: str | None = None) -> Procedural:
    """Return a new place.

    Parameters
    ----------
    rng
        Source of random numbers; a place depends on nothing else.
    kind
        One of :data:`KINDS`; `None` for any.
    """
    if kind is None:
        kind = KINDS[int(rng.choice(len(KINDS), p=_CHANCES))]
    number = int(rng.integers(2**31))
    return Procedural(
        _parts(rng, kind),
        f"{kind}-{number:08x}",
        float(rng.uniform(0, 2 * np.pi)),
        float(rng.uniform(0.45, 0.95)),
    )


def _parts(rng: np.random.Generator, kind: str) -> Parts:
    """Return what a place of a kind is built of."""
    if kind == "room":
        return room(rng)
    if kind == "field":
        return field(rng)
    if kind == "studio":
        return studio(rng)
    return room(rng, clutter=True) if rng.uniform() < 0.5 else field(rng, clutter=True)
