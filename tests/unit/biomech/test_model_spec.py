"""The body model is whole, and a broken one is refused with the reason."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from spinepose.biomech.body import body_model
from spinepose.biomech.spec import Body, Marker, ModelSpec, Turn
from spinepose.biomech.spine import REGIONS, VERTEBRAE
from spinepose.errors import DataError
from spinepose.skeleton import SPINETRACK


def changed(index: int, **changes: object) -> ModelSpec:
    """Return the model with one body changed."""
    spec = body_model()
    bodies = list(spec.bodies)
    bodies[index] = replace(bodies[index], **changes)  # type: ignore[arg-type]
    return replace(spec, bodies=tuple(bodies))


def test_sizes() -> None:
    spec = body_model()
    sizes = [len(part) for part in (spec.bodies, spec.coordinates, spec.markers, spec.groups)]
    assert sizes == [40, 45, 37, 11]
    assert tuple(marker.name for marker in spec.markers) == SPINETRACK.keypoints
    assert spec.limits.shape == (2, 45)


def test_the_spine_has_25_joints_in_five_regions() -> None:
    spec = body_model()
    joints = [name for region in REGIONS for name in spec.shares(f"{region}_extension")]
    assert joints == [*(vertebra.name for vertebra in VERTEBRAE), "head"]
    for region in REGIONS:
        for motion in ("extension", "bending", "rotation"):
            assert sum(spec.shares(f"{region}_{motion}").values()) == pytest.approx(1, abs=1e-12)


def test_shares_are_the_ranges() -> None:
    lumbar = body_model().shares("lumbar_extension")
    assert lumbar["L5"] / lumbar["L1"] == pytest.approx(17 / 12)
    assert body_model().shares("upper_neck_rotation")["C1"] == pytest.approx(40 / 48)


def test_levels_lie_where_synthetic_people_have_them() -> None:
    """The shares of the way from L5/S1 to C7 of spinepose.synth.anatomy."""
    heights = np.array([vertebra.height for vertebra in VERTEBRAE])
    centres = dict(zip([v.name for v in VERTEBRAE], np.cumsum(heights) - heights / 2, strict=True))
    expected = {"L5": 0.0375, "L3": 0.190, "T8": 0.632, "T3": 0.869, "T1": 0.957}
    for name, share in expected.items():
        assert centres[name] / centres["C7"] == pytest.approx(share, abs=1e-3)
    top = centres["L1"] + VERTEBRAE[4].height / 2
    assert top / centres["C7"] == pytest.approx(0.367, abs=1e-3)


def test_neutral_curves_are_those_of_standing_people() -> None:
    """Vialle et al. 2005: lordosis 60, kyphosis of T4 to T12 41 degrees, to a fifth."""
    tilt = {v.name: v.tilt for v in VERTEBRAE}
    lordosis = (tilt["L1"] + tilt["T12"]) / 2 + 41
    kyphosis = (tilt["T12"] + tilt["T11"]) / 2 - (tilt["T4"] + tilt["T3"]) / 2
    assert lordosis == pytest.approx(60, rel=0.2)
    assert kyphosis == pytest.approx(41, rel=0.2)


def test_mirror_is_its_own_inverse() -> None:
    order, sign = body_model().mirror
    np.testing.assert_array_equal(order[order], np.arange(45))
    np.testing.assert_array_equal(sign * sign[order], 1)
    index = body_model().coordinate_index
    assert order[index["knee_flexion_l"]] == index["knee_flexion_r"]
    assert sign[index["pelvis_tz"]] == sign[index["lumbar_bending"]] == -1
    assert sign[index["pelvis_tilt"]] == sign[index["hip_adduction_r"]] == 1


@pytest.mark.parametrize(
    ("index", "changes", "reason"),
    [
        (1, {"name": "pelvis"}, "'pelvis' comes 2 times"),
        (1, {"parent": "T1"}, "no body 'T1' before its child 'L5'"),
        (0, {"parent": "head"}, "has a parent"),
        (0, {"tilt": 0.1}, "does not rest at the ground"),
        (1, {"group": "tail"}, "unknown scale group 'tail'"),
        (1, {"sources": ()}, "'L5' lacks a source"),
        (1, {"sources": ("hearsay",)}, "hearsay"),
        (1, {"turns": (Turn("z", "lumbar_extension"),)}, "'lumbar_extension' add up to"),
        (1, {"turns": (Turn("z", "lumbar_extension"), Turn("z", "lumbar_bending"))}, "turns about"),
        (1, {"turns": (Turn("q", "lumbar_extension", 0.2),)}, r"turns about \['q'\]"),
        (1, {"turns": (Turn("x", "lumbar_extension", 0.2),)}, "several axes"),
        (1, {"turns": (Turn("z", "tail_flexion"),)}, "'tail_flexion' is not known"),
        (1, {"offset": (0.0, 0.1, 0.01)}, "'L5' has no mirror image"),
        (-1, {"offset": (0.0, -0.4, 0.01)}, "'foot_l' has no mirror image"),
        (-1, {"turns": ()}, "'foot_l' has no mirror image"),
    ],
)
def test_broken_models_are_refused(index: int, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        changed(index, **changes)


def test_broken_lists_are_refused() -> None:
    spec = body_model()
    with pytest.raises(DataError, match="unknown body 'tail'"):
        replace(spec, markers=(*spec.markers, Marker("end", "tail", (0, 0, 0), ("model",))))
    with pytest.raises(DataError, match="'left_eye' has no mirror image"):
        replace(spec, markers=tuple(m for m in spec.markers if m.name != "right_eye"))
    with pytest.raises(DataError, match="groups repeat"):
        replace(spec, groups=(*spec.groups, "foot"))
    one = replace(spec.coordinates[9], low=0.1)
    with pytest.raises(DataError, match="limits of"):
        replace(spec, coordinates=(*spec.coordinates[:9], one, *spec.coordinates[10:]))
    odd = replace(spec.coordinates[-1], high=0.5)
    with pytest.raises(DataError, match="no mirror image"):
        replace(spec, coordinates=(*spec.coordinates[:-1], odd))
    far = replace(spec.coordinates[0], translation="w")
    with pytest.raises(DataError, match="moves along 'w'"):
        replace(spec, coordinates=(far, *spec.coordinates[1:]))


def test_limits_are_radians_around_the_standing_pose() -> None:
    low, high = body_model().limits
    assert (low <= 0).all()
    assert (high >= 0).all()
    index = body_model().coordinate_index
    assert high[index["knee_flexion_r"]] == pytest.approx(math.radians(160))
    assert high[index["hip_flexion_l"]] == pytest.approx(math.radians(120 * 1.2))
    assert low[index["hip_adduction_r"]] == pytest.approx(math.radians(-45 * 1.2))
    assert low[index["ankle_flexion_l"]] == pytest.approx(math.radians(-50 * 1.2))
    assert low[index["lumbar_extension"]] == pytest.approx(math.radians(-0.75 * 86 * 1.2))
    assert np.isinf(high[:6]).all()
    assert (high[6:] <= math.pi).all()


def test_bodies_are_plain_data() -> None:
    assert body_model() is body_model()
    assert isinstance(body_model().bodies[0], Body)
    with pytest.raises(TypeError):
        body_model().sources["mine"] = "me"  # type: ignore[index]
