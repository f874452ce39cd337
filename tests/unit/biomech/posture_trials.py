"""How wrong measures of posture are: ``python -m tests.unit.biomech.posture_trials``, a minute."""

from __future__ import annotations

import numpy as np

from spinepose.biomech.ik import Fit
from spinepose.biomech.measures import MEASURES
from spinepose.biomech.posture import measure_posture
from spinepose.biomech.scaling import scale_and_solve
from spinepose.biomech.smoothing import smooth
from tests.unit.biomech.motions import BODY, SPEC, moving_person

PEOPLE, FRAMES, RATE, NOISE = 8, 100, 50.0, 0.01
_BODIES = [SPEC.body_index[marker.body] for marker in SPEC.markers]


def errors(seed: int, beside: float) -> np.ndarray:
    """Return the errors (F, N) of one moving person whose size is estimated.

    Keypoints lie `beside` the model's places, metres per axis, fixed in their bodies: people differ
    in more than size.
    """
    rng = np.random.default_rng(100 + seed)
    q = moving_person(FRAMES, RATE, seed)
    size = rng.uniform(0.92, 1.08, len(SPEC.groups))
    truth = BODY.markers(q, size)
    axes = BODY.frames(q, size).axes[:, _BODIES]
    truth += np.einsum("fmij,mj->fmi", axes, rng.normal(0, 1, (len(_BODIES), 3)) * beside)
    points = truth + rng.normal(0, NOISE, truth.shape)
    motion = smooth(scale_and_solve(points, BODY), points, BODY, RATE).fit
    exact = Fit(q, truth, np.zeros(truth.shape[:2]), size)
    found, wanted = measure_posture(points, motion, BODY), measure_posture(truth, exact, BODY)
    return found.values - wanted.values


def main() -> None:
    """Print the error of one frame, and that of the mean of a recording."""
    for beside in (0.0, 0.01):
        print(f"keypoints {beside * 1000:.0f} mm per axis beside the model's")
        each = np.stack([errors(seed, beside) for seed in range(PEOPLE)])
        frame, mean = (
            np.sqrt(np.nanmean(part**2, axis=(0, 1)))
            for part in (each, each.mean(axis=1, keepdims=True))
        )
        for measure, one, whole in zip(MEASURES, frame, mean, strict=True):
            print(f"{measure.name:28} frame {one:5.2f}   mean of {FRAMES} frames {whole:5.2f}")


if __name__ == "__main__":
    main()
