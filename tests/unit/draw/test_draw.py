import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinepose.draw import DEFAULT, contact_sheet, draw_poses, smooth_curve
from spinepose.draw.curves import curve_pieces
from spinepose.poses import Poses
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK, Bone, Skeleton

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


def test_an_id_covers_no_joint_wherever_the_head_points() -> None:
    rng = np.random.default_rng(3)
    for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        points = _standing(SPINETRACK, scale=2).keypoints[0] - [180, 180]
        cos, sin = np.cos(turn), np.sin(turn)
        points = points @ [[cos, sin], [-sin, cos]] + rng.uniform(280, 320, 2)
        box = [*points.min(0), *points.max(0)]
        poses = Poses.build([points], np.ones((1, 37)), [box], track_ids=[88])
        image = np.full((600, 600, 3), 128, np.uint8)
        label = (draw_poses(image, poses) != draw_poses(image, poses, ids=False)).any(-1)
        assert label.sum() > 100
        x, y = points.round().astype(int).T
        assert not label[y.clip(0, 599), x.clip(0, 599)].any()


def test_an_id_at_the_edge_stays_in_the_picture() -> None:
    for shift in (-59, 59):
        plain = _standing(SPINETRACK, shift)
        points = plain.keypoints - [0, 29]
        tracked = Poses.build(points, plain.scores, plain.boxes, track_ids=[1234])
        image = np.full((200, 120, 3), 128, np.uint8)
        drawn, without = draw_poses(image, tracked), draw_poses(image, tracked, ids=False)
        y, x = np.nonzero((drawn != without).any(-1))
        dark = (drawn[y.min() : y.max() + 1, x.min() : x.max() + 1] == DEFAULT.outline).all(-1)
        # All four sides of its ground are there.
        assert dark[[0, -1]].all()
        assert dark[:, [0, -1]].all()


def test_bones_fade_towards_the_threshold() -> None:
    blank = np.full((200, 120, 3), 128, np.uint8)
    seen = []
    for score in (0.29, 0.31, 0.45, 0.95):
        poses = _standing(SPINETRACK.subset("spine9"))
        poses.scores[:] = score
        seen.append(np.abs(draw_poses(blank, poses)[53, 60].astype(int) - 128).sum())
    assert seen[0] == 0
    assert 0 < seen[1] < seen[2] < seen[3]
    # With the highest threshold, what is certain is still drawn.
    poses.scores[:] = 1
    assert draw_poses(blank, poses, threshold=1.0).tolist() != blank.tolist()


def test_small_dots_are_round() -> None:
    one = Skeleton("one", ("nose",), (0.1,))
    poses = Poses.build([[[20, 20]]], [[1]], [[0, 0, 400, 400]], skeleton=one)
    drawn = draw_poses(np.zeros((41, 41, 3), np.uint8), poses)
    # 3.6 px from the middle, between axis and diagonal: a square on end would be narrower there.
    for x, y in ((2, 3), (3, 2), (-2, 3), (3, -2), (-3, -2), (-2, -3)):
        assert np.abs(drawn[20 + y, 20 + x].astype(int) - DEFAULT.parts["head"]).max() < 90
    y, x = np.nonzero(drawn.any(-1))
    assert np.hypot(x - 20, y - 20).max() < 7


def test_the_nearer_person_is_drawn_on_top() -> None:
    chain = Skeleton("chain", ("a", "b"), (0.1, 0.1), (Bone("a", "b", "left"),))
    points = [[[10, 100], [190, 100]], [[100, 10], [100, 190]]]
    boxes = [[0, 0, 2000, 2000], [0, 0, 200, 200]]
    poses = Poses.build(points, np.ones((2, 2)), boxes, skeleton=chain)
    drawn = draw_poses(np.zeros((200, 200, 3), np.uint8), poses)
    wide = (drawn[60, :] > 0).any(-1).sum()
    # The thick line of the large person hides the thin one of the small where they cross.
    assert wide < 12
    assert (drawn[100, 95:106] == DEFAULT.parts["left"]).all()
    assert (drawn[83:86, 99:102] == DEFAULT.outline).all()


def test_people_without_a_box_get_lines_for_their_size() -> None:
    poses = _standing(SPINETRACK, scale=5)
    image = np.full((1000, 500, 3), 128, np.uint8)
    boxed = (draw_poses(image, poses) != 128).any(-1).sum()
    poses.boxes[:] = np.nan
    assert (draw_poses(image, poses) != 128).any(-1).sum() == pytest.approx(boxed, rel=0.1)


def test_a_box_at_the_border_is_seen() -> None:
    poses = Poses.build(np.full((1, 37, 2), np.nan), np.zeros((1, 37)), [[0, 0, 50, 40]])
    drawn = draw_poses(np.full((40, 50, 3), 128, np.uint8), poses, boxes=True)
    for side in (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]):
        assert (side != 128).any(-1).all()
    assert (drawn[20, 25] == 128).all()


def test_views_can_be_drawn_on() -> None:
    bgr = np.full((200, 120, 3), 128, np.uint8)
    view = bgr[:, :, ::-1]
    assert draw_poses(view, _standing(SPINETRACK), out=view) is view
    plain = draw_poses(np.full((200, 120, 3), 128, np.uint8), _standing(SPINETRACK))
    np.testing.assert_array_equal(view, plain)


def _linear(colors: list[tuple[int, int, int]]) -> np.ndarray:
    srgb = np.array(colors) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _contrasts(colors: list[tuple[int, int, int]]) -> np.ndarray:
    """Contrast ratios (C, C) of relative luminance, WCAG 2.2."""
    light = _linear(colors) @ [0.2126, 0.7152, 0.0722] + 0.05
    return np.maximum(light[:, None] / light, light / light[:, None])


# Dichromats after Vienot, Brettel and Mollon, Color Res. Appl. 24 (1999), in linear RGB.
DICHROMATS = {
    "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
}


@pytest.mark.parametrize("eyes", DICHROMATS)
def test_parts_differ_for_the_colour_blind(eyes: str) -> None:
    seen = _linear(list(DEFAULT.parts.values())) @ np.array(DICHROMATS[eyes]).T
    gaps = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 0.08


def test_parts_differ_in_lightness_and_stand_out_from_their_rim() -> None:
    parts = list(DEFAULT.parts.values())
    contrasts = _contrasts([*parts, DEFAULT.outline, DEFAULT.text])
    between = contrasts[:5, :5][~np.eye(5, dtype=bool)]
    assert between.min() > 1.25
    assert contrasts[:5, 5].min() > 3  # WCAG 1.4.11, graphical objects
    assert contrasts[5, 6] > 7  # WCAG 1.4.6, text
    spine = list(DEFAULT.parts).index("spine")
    assert contrasts[5, :5].argmax() == spine


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


@given(hnp.arrays(np.float64, (6, 2), elements=st.integers(-3, 3)))
def test_pieces_join_at_the_points_also_where_these_repeat(points: np.ndarray) -> None:
    pieces = curve_pieces(points, 4)
    assert pieces.shape == (5, 5, 2)
    np.testing.assert_array_equal(pieces[:, 0], points[:-1])
    np.testing.assert_array_equal(pieces[:, -1], points[1:])
    moved = pieces[(points[1:] != points[:-1]).any(-1)]
    curve = smooth_curve(points, 4)
    if len(curve) > 2 and len(moved) > 1:
        np.testing.assert_allclose(curve, [*moved[:, :-1].reshape(-1, 2), points[-1]], atol=1e-9)


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
