"""Statistics of numbers some of which are missing."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["rms"]


def rms(values: npt.NDArray[np.float64]) -> float:
    """Return the root mean square of the finite values of an array of any shape; NaN of none."""
    known = values[np.isfinite(values)]
    return float(np.sqrt((known**2).mean())) if len(known) else math.nan
