"""Random streams: one for every component, so that a new feature leaves the others as they were."""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["stream"]


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """Return the random stream of one component of one item.

    Streams of different paths are independent, and a stream depends on nothing but its seed and
    path: not on how much of any other stream was used, nor on the order of the work.

    Parameters
    ----------
    seed
        The seed of the whole data set.
    path
        What the stream is for, from the whole to the part: ``stream(7, 12, "person", 0, "pose")``.

    Returns
    -------
    generator : numpy.random.Generator
        PCG64, whose output NumPy keeps the same between versions.
    """
    name = "/".join([str(seed), *(f"{part:d}" if isinstance(part, int) else part for part in path)])
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
