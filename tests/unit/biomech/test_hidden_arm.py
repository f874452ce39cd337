"""An arm found the wrong way about is seen though another marker is wrong in all frames."""

from __future__ import annotations

import numpy as np

from spinepose.biomech.ik import solve
from tests.unit.biomech.motions import BODY, SPEC, moving_person

FRAMES = 10


def test_a_wrong_marker_does_not_hide_an_arm_that_is_the_wrong_way_about() -> None:
    """Of this motion, solved from frame to frame, two frames end with a turned left arm."""
    size = np.random.default_rng(189).uniform(0.92, 1.08, len(SPEC.groups))
    points = BODY.markers(moving_person(FRAMES, 4, seed=189), size)
    bad = SPEC.marker_index["neck_03"]
    points[:, bad] += [0.1, 0.05, 0.1]
    fit = solve(points, BODY, scale=size)
    good = np.delete(fit.residuals, bad, axis=1)
    assert fit.residuals[:, bad].min() > 0.14
    assert good.max() < 0.01
