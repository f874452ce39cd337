import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinepose.errors import UsageError
from spinepose.multiview import Camera, Triangulation, triangulate
from tests.unit.multiview.conftest import LENSES, cloud, looking, ring, seen


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_known_points_come_back(count: int) -> None:
    cameras, points = ring(count), cloud(count)
    found = triangulate(cameras, seen(cameras, points))
    # Two views of a point on the line between their cameras do not tell where it is.
    assert found.solved.mean() > 0.98
    off = np.linalg.norm(found.points - points, axis=-1)
    assert np.nanmax(off) < 1e-9
    assert np.nanmax(found.errors) < 1e-6
    assert not found.rejected.any()
    assert (found.views[found.solved] == count).all()


def test_with_noise_the_error_is_what_theory_says() -> None:
    """Covariance of the least squares solution: sigma^2 (J^T J)^-1."""
    cameras = [looking(f"c{i}", c.centre) for i, c in enumerate(ring(4))]
    points, sigma = cloud(1, frames=60), 2.0
    pixels = seen(cameras, points)
    noise = np.random.default_rng(2).normal(0, sigma, pixels.shape)
    found = triangulate(cameras, pixels + noise)
    assert found.solved.all()
    step, jacobian = 1e-5, []
    for axis in np.eye(3):
        moved = seen(cameras, points + step * axis) - seen(cameras, points - step * axis)
        jacobian.append(moved / (2 * step))
    slopes = np.stack(jacobian, axis=-1)
    covariance = sigma**2 * np.linalg.inv(np.einsum("cfkia,cfkib->fkab", slopes, slopes))
    expected = np.sqrt(np.trace(covariance, axis1=-2, axis2=-1).mean())
    off = found.points - points
    rmse = np.sqrt((off**2).sum(axis=-1).mean())
    assert rmse == pytest.approx(expected, rel=0.03)
    # Normalised errors follow a chi-squared distribution with 3 degrees of freedom.
    nees = np.einsum("fka,fkab,fkb->fk", off, np.linalg.inv(covariance), off)
    assert nees.mean() == pytest.approx(3, abs=0.15)
    # 2 C - 3 degrees of freedom are left in the residuals.
    squared = (found.errors**2).sum(axis=0).mean()
    assert squared == pytest.approx((2 * 4 - 3) * sigma**2, rel=0.03)


@pytest.mark.parametrize("wrong", [0, 2, 4])
def test_one_wrong_camera_is_rejected(five: list[Camera], wrong: int) -> None:
    points = cloud(3)
    pixels = seen(five, points)
    angle = np.random.default_rng(4).uniform(0, 2 * np.pi, pixels.shape[1:3])
    pixels[wrong] += 100 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    found = triangulate(five, pixels)
    np.testing.assert_allclose(found.points, points, atol=1e-9)
    expected = np.zeros(found.rejected.shape, bool)
    expected[wrong] = True
    np.testing.assert_array_equal(found.rejected, expected)
    assert (found.errors[wrong] > 60).all()
    assert (found.views == 4).all()


def test_two_wrong_of_five_are_rejected(five: list[Camera]) -> None:
    points = cloud(5)
    pixels = seen(five, points)
    pixels[1] += [100, 30]
    pixels[3] += [-40, 120]
    found = triangulate(five, pixels)
    np.testing.assert_allclose(found.points, points, atol=1e-9)
    assert found.rejected[[1, 3]].all()
    assert found.rejected.sum() == 2 * points.shape[0] * points.shape[1]


def test_missing_views_are_left_out(five: list[Camera]) -> None:
    points = cloud(6)
    pixels = seen(five, points)
    scores = np.ones(pixels.shape[:3])
    pixels[0, 0] = np.nan
    pixels[1, 1, :, 1] = np.inf
    scores[2, 2] = 0.01
    scores[3, 3] = np.nan
    pixels[2, 2] += 500
    found = triangulate(five, pixels, scores)
    np.testing.assert_allclose(found.points, points, atol=1e-9)
    assert found.views.tolist() == [[4] * 37] * 4 + [[5] * 37]
    assert not found.rejected.any()
    for view in range(4):
        assert np.isnan(found.errors[view, view]).all()
        assert not found.present[view, view].any()


def test_a_point_needs_two_views(five: list[Camera]) -> None:
    pixels = seen(five, cloud(7))
    pixels[1:, 0] = np.nan
    pixels[:, 1] = np.nan
    found = triangulate(five, pixels)
    assert not found.solved[:2].any()
    assert found.solved[2:].all()
    assert np.isnan(found.errors[:, :2]).all()
    assert (found.views[:2] == 0).all()
    assert not found.rejected.any()


def test_two_views_that_disagree_make_no_point() -> None:
    cameras = ring(2)
    pixels = seen(cameras, cloud(8))
    pixels[0, ..., 1] += 150
    found = triangulate(cameras, pixels)
    assert not found.solved.any()
    assert not found.rejected.any()


def test_nearly_parallel_rays_make_no_point() -> None:
    # Two cameras side by side see a point 4 m away under 1 degree and one 1 m away under 4.
    cameras = [looking(f"{x}", (x, 0.0, 1.0), (0.0, 4.0, 1.0)) for x in (-0.035, 0.035)]
    points = np.array([[[0.0, 4.0, 1.0], [0.0, 1.0, 1.0]]])
    found = triangulate(cameras, seen(cameras, points))
    assert found.solved.tolist() == [[False, True]]
    found = triangulate(cameras, seen(cameras, points), least_angle=0.5)
    np.testing.assert_allclose(found.points, points, atol=1e-9)


def test_rays_that_meet_head_on_make_no_point() -> None:
    cameras = [looking("a", (4.0, 0.0, 1.0)), looking("b", (-4.0, 0.0, 1.0))]
    points = np.array([[[0.5, 0.0, 1.0], [0.5, 0.5, 1.0]]])
    found = triangulate(cameras, seen(cameras, points))
    assert found.solved.tolist() == [[False, True]]


def test_points_are_in_front_of_the_cameras_that_tell_them() -> None:
    # The cameras look away from each other, and the rays of their middles meet behind both.
    cameras = [
        looking("a", (0.0, -1.0, 1.0), (5.0, -3.0, 1.0)),
        looking("b", (0.0, 1.0, 1.0), (5.0, 3.0, 1.0)),
    ]
    middle = np.broadcast_to([639.5, 489.0], (2, 1, 1, 2))
    assert not triangulate(cameras, middle).solved.any()


def test_scores_weigh_the_views() -> None:
    cameras, points = ring(4), cloud(9, frames=20)
    pixels = seen(cameras, points)
    generator = np.random.default_rng(10)
    spread = np.array([1.0, 1, 6, 6])[:, None, None, None]
    pixels += generator.normal(0, 1, pixels.shape) * spread
    scores = np.broadcast_to((1 / spread**2)[..., 0], pixels.shape[:3])

    def rmse(weights: np.ndarray | None) -> float:
        found = triangulate(cameras, pixels, weights, threshold=40, least_score=0.0)
        return float(np.sqrt(((found.points - points) ** 2).sum(-1).mean()))

    assert rmse(scores) < 0.7 * rmse(None)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(3, 6))
def test_the_order_of_cameras_does_not_matter(seed: int, count: int) -> None:
    cameras, points = ring(count), cloud(seed, frames=1)
    generator = np.random.default_rng(seed)
    pixels = seen(cameras, points) + generator.normal(0, 3, (count, 1, 37, 2))
    pixels[0, :, :5] += 90
    pixels[-1, :, 30:] = np.nan
    scores = generator.uniform(0.2, 1, pixels.shape[:3])
    order = generator.permutation(count)
    one = triangulate(cameras, pixels, scores)
    other = triangulate([cameras[i] for i in order], pixels[order], scores[order])
    np.testing.assert_allclose(other.points, one.points, atol=1e-8)
    np.testing.assert_array_equal(other.rejected, one.rejected[order])


@st.composite
def rigs(draw: st.DrawFn) -> list[Camera]:
    """Two to five cameras around the origin, in any directions at least 10 degrees apart."""
    count = draw(st.integers(2, 5))
    around = draw(st.lists(st.integers(0, 17), min_size=count, max_size=count, unique=True))
    made = []
    for number, turn in enumerate(around):
        far, high = draw(st.floats(2.5, 8)), draw(st.floats(0.2, 3))
        angle = np.radians(20 * turn + 3.0 * number)
        place = (far * np.cos(angle), far * np.sin(angle), high)
        focal, lens = draw(st.floats(600, 2500)), draw(st.sampled_from(LENSES))
        made.append(looking(f"c{number}", place, lens=lens, focal=focal))
    return made


@settings(max_examples=60, deadline=None)
@given(cameras=rigs(), seed=st.integers(0, 10**6))
def test_any_rig_gives_the_points_back(cameras: list[Camera], seed: int) -> None:
    points = 0.25 * (cloud(seed, frames=1, joints=8) - [0, 0, 1]) + [0, 0, 1]
    found = triangulate(cameras, seen(cameras, points))
    off = np.linalg.norm(found.points - points, axis=-1)
    assert (off[found.solved] < 1e-9).all()
    if len(cameras) > 2:
        assert found.solved.all()


def test_many_points_go_through_in_pieces_and_fast() -> None:
    cameras, points = ring(4), cloud(11, frames=1000)
    pixels = seen(cameras, points)
    start = time.perf_counter()
    found = triangulate(cameras, pixels)
    seconds = time.perf_counter() - start
    print(f"4 cameras x 1000 frames x 37 keypoints: {seconds:.2f} s")
    np.testing.assert_allclose(found.points, points, atol=1e-9)


def test_no_frames_make_no_points(five: list[Camera]) -> None:
    found = triangulate(five, np.zeros((5, 0, 37, 2)))
    assert found.points.shape == (0, 37, 3)
    assert found.views.shape == (0, 37)


@pytest.mark.parametrize(
    ("keypoints", "scores", "options", "word"),
    [
        ((4, 2, 3, 2), None, {}, "keypoints have shape"),
        ((5, 2, 3, 3), None, {}, "keypoints have shape"),
        ((5, 2, 3, 2), (5, 2, 4), {}, "scores have shape"),
        ((5, 2, 3, 2), None, {"threshold": 0}, "threshold"),
        ((5, 2, 3, 2), None, {"least_angle": 0}, "least_angle"),
        ((5, 2, 3, 2), None, {"least_angle": 90}, "least_angle"),
    ],
)
def test_what_does_not_fit_is_refused(
    five: list[Camera],
    keypoints: tuple[int, ...],
    scores: tuple[int, ...] | None,
    options: dict[str, float],
    word: str,
) -> None:
    with pytest.raises(UsageError, match=word):
        triangulate(
            five, np.zeros(keypoints), None if scores is None else np.ones(scores), **options
        )


def test_one_camera_is_too_few(five: list[Camera]) -> None:
    with pytest.raises(UsageError, match="two cameras"):
        triangulate(five[:1], np.zeros((1, 2, 3, 2)))


@pytest.mark.parametrize("size", [1e5, 1e150, 1e300])
def test_pixels_far_out_are_no_trouble(five: list[Camera], size: float) -> None:
    points = cloud(12)
    pixels = seen(five, points)
    pixels[4] *= -size
    found = triangulate(five, pixels)
    np.testing.assert_allclose(found.points, points, atol=1e-9)
    assert (found.views == 4).all()


@pytest.mark.parametrize(
    ("count", "wrong", "least", "most"),
    [
        (3, 1, 0.9, 0.12),
        (4, 1, 0.99, 0.04),
        (5, 1, 0.99, 0.03),
        (6, 1, 0.99, 0.03),
        (5, 2, 0.99, 0.04),
    ],
)
def test_wrong_views_are_found_in_noise(count: int, wrong: int, least: float, most: float) -> None:
    """Three cameras are few: two rays often meet somewhere by chance."""
    cameras, points = ring(count), cloud(13, frames=200)
    generator = np.random.default_rng(14)
    pixels = seen(cameras, points)
    pixels += generator.normal(0, 4, pixels.shape)

    def rmse(found: Triangulation) -> float:
        return float(np.sqrt(np.nanmean(((found.points - points) ** 2).sum(axis=-1))))

    clean = rmse(triangulate(cameras, pixels))
    angle = generator.uniform(0, 2 * np.pi, (wrong, *pixels.shape[1:3]))
    pixels[:wrong] += 100 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    found, everything = triangulate(cameras, pixels), triangulate(cameras, pixels, threshold=1e4)
    share = found.rejected[:wrong].mean()
    print(
        f"{wrong} of {count} wrong: {share:.1%} found, {found.rejected[wrong:].mean():.2%} of the "
        f"others rejected, {1000 * rmse(found):.0f} mm, all views "
        f"{1000 * rmse(everything):.0f} mm, nobody wrong {1000 * clean:.0f} mm"
    )
    assert share > least
    assert rmse(found) < most < rmse(everything)
