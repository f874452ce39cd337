"""Numbers that are missing do not count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spinepose.biomech.statistics import rms


def test_rms_of_what_is_there() -> None:
    assert rms(np.array([[3.0, np.nan], [np.inf, -4.0]])) == pytest.approx(math.sqrt(12.5))


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_rms_of_nothing_is_not_known(values: list[float]) -> None:
    assert math.isnan(rms(np.array(values)))
