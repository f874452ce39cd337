import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinepose.draw import DEFAULT, contact_sheet, draw_poses, smooth_curve
from spinepose.poses import Poses
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK, Skeleton

SPINE = DEFAULT.parts["spine"]


def _standing(skeleton: Skeleton, shift: float = 0.0, scale: float = 1.0) -> Poses:
    """A person whose spine chain hangs straight down the middle; other points to the sides."""
    points = np.zeros((1, len(skeleton), 2))
    for i, name in enumerate(skeleton.keypoints):
        side = -30 if name.startswith("left") else 30
        points[0, i] = [side, 10 + 4 * i]
    for i, k in enumerate(skeleton.spine_indices if skeleton.spine else []):
        points[0, k] = [0, 20 + 15 * i]
    points = points * scale + [60 + shift, 10]
    low, high = points[0].min(0), points[0].max(0)
    return Poses.build(points, np.ones((1, len(skeleton))), [[*low, *high]], skeleton=skeleton)


@pytest.mark.parametrize(
    "skeleton",
    [SPINETRACK, SPINETRACK.subset("default"), SPINETRACK.subset("spine9"), COCO17, HALPE26],
)
def test_every_skeleton_is_drawn_on_a_copy(skeleton: Skeleton) -> None:
    image = np.full((200, 120, 3), 128, np.uint8)
    before = image.copy()
    drawn = draw_poses(image, _standing(skeleton))
    np.testing.assert_array_equal(image, before)
    assert drawn.shape == image.shape
    assert (drawn != image).any(-1).sum() > 300


def test_the_spine_has_its_colour_where_it_is() -> None:
    poses = _standing(SPINETRACK.subset("spine9"))
    drawn = draw_poses(np.zeros((200, 120, 3), np.uint8), poses)
    # Between two vertebrae, on the straight chain at x = 60.
    for y in (38, 53, 68, 83):
        assert np.abs(drawn[y, 60].astype(int) - SPINE).max() < 40
    assert (drawn[:, :40] == 0).all()
    assert (drawn[:, 80:] == 0).all()


def test_drawing_in_place_and_onto_another_picture() -> None:
    image = np.zeros((200, 120, 3), np.uint8)
    assert draw_poses(image, _standing(SPINETRACK), out=image) is image
    assert image.any()
    other = np.empty_like(image)
    assert draw_poses(np.full_like(image, 9), _standing(SPINETRACK), out=other) is other
    assert (other[0, 0] == 9).all()


def test_unsure_and_missing_points_are_left_out() -> None:
    poses = _standing(SPINETRACK.subset("spine9"))
    poses.scores[:] = 0.2
    blank = np.zeros((200, 120, 3), np.uint8)
    assert not draw_poses(blank, poses).any()
    poses.scores[:] = 1
    poses.keypoints[0, 3:] = np.nan
    drawn = draw_poses(blank, poses)
    assert drawn[:75].any()
    assert not drawn[80:].any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (40, 40), (3000, 20)])
def test_any_size_of_picture(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    poses = _standing(SPINETRACK, scale=0.2)
    tracked = Poses.build(poses.keypoints, poses.scores, poses.boxes, track_ids=[12])
    assert draw_poses(image, tracked, boxes=True).shape == image.shape


def test_far_away_and_endless_coordinates_do_not_crash() -> None:
    poses = _standing(SPINETRACK)
    poses.keypoints[0, 0] = 1e9
    poses.keypoints[0, 1] = np.inf
    poses.boxes[0] = np.nan
    assert draw_poses(np.zeros((50, 50, 3), np.uint8), poses).shape == (50, 50, 3)


def test_lines_grow_with_the_person() -> None:
    image = np.zeros((1200, 700, 3), np.uint8)
    small = (draw_poses(image, _standing(SPINETRACK)) > 0).any(-1).sum()
    large = (draw_poses(image, _standing(SPINETRACK, scale=6)) > 0).any(-1).sum()
    assert large > 15 * small


def test_an_id_is_written_inside_the_picture() -> None:
    plain = _standing(SPINETRACK)
    tracked = Poses.build(plain.keypoints, plain.scores, plain.boxes, track_ids=[7])
    image = np.full((200, 120, 3), 128, np.uint8)
    with_id, without = draw_poses(image, tracked), draw_poses(image, tracked, ids=False)
    assert (with_id != without).any()
    np.testing.assert_array_equal(without, draw_poses(image, plain))


def test_colours_differ_in_lightness_and_for_the_colour_blind() -> None:
    """Deuteranopia after Vienot, Brettel and Mollon, Color Res. Appl. 24 (1999), linear RGB."""
    colors = np.array(list(DEFAULT.parts.values())) / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = (
        linear @ np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]).T
    )
    gaps = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 0.08
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    left, right = (list(DEFAULT.parts).index(side) for side in ("left", "right"))
    ratio = (luminance + 0.05).max() / (luminance + 0.05)
    assert ratio[list(DEFAULT.parts).index("spine")] == 1
    assert abs(np.log(ratio[left] / ratio[right])) > np.log(1.3)


@given(hnp.arrays(np.float64, (5, 2), elements=st.floats(-100, 100)))
def test_the_curve_passes_through_its_points(points: np.ndarray) -> None:
    curve = smooth_curve(points)
    assert np.isfinite(curve).all()
    for point in points:
        assert np.linalg.norm(curve - point, axis=1).min() < 1e-6


def test_a_straight_chain_stays_straight_and_does_not_overshoot() -> None:
    y = np.array([0.0, 1.0, 10.0, 11.0, 40.0])
    curve = smooth_curve(np.stack([3 + 0 * y, y], axis=1))
    np.testing.assert_allclose(curve[:, 0], 3)
    assert (np.diff(curve[:, 1]) > 0).all()


def test_the_curve_leaves_out_what_is_missing() -> None:
    points = np.array([[0, 0], [np.nan, 5], [0, 10], [0, 10], [2, 20]])
    curve = smooth_curve(points)
    np.testing.assert_allclose(curve[[0, -1]], [[0, 0], [2, 20]])
    assert smooth_curve(np.zeros((0, 2))).shape == (0, 2)
    assert len(smooth_curve([[1, 2], [np.nan, 1]])) == 1


def test_a_sheet_fits_every_picture_into_its_tile() -> None:
    images = [np.full((50, 200, 3), 255, np.uint8), np.full((80, 20, 3), 100, np.uint8)] * 2
    sheet = contact_sheet(images, 3, (60, 40))
    assert sheet.shape == (80, 180, 3)
    assert (sheet[20, 2:58] == 255).all()
    assert (sheet[2, 30] < 50).all()
    assert (sheet[20, 90] == 100).all()
    captioned = contact_sheet(images, 2, (60, 40), ["a", "b", "c", "d"])
    assert captioned.shape == (2 * 58, 120, 3)
    with pytest.raises(ValueError, match="captions"):
        contact_sheet(images, 2, captions=["a"])
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([], 2)
