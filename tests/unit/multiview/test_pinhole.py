import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinepose.errors import UsageError
from spinepose.multiview import Camera
from tests.unit.multiview.conftest import LENSES, cloud, looking


def with_lens(lens: tuple[float, ...]) -> Camera:
    return looking("a", (3.0, -2.0, 1.6), lens=lens)


@pytest.mark.parametrize("lens", LENSES)
def test_projection_is_opencvs(lens: tuple[float, ...]) -> None:
    camera, points = with_lens(lens), cloud(0)
    turn = cv2.Rodrigues(camera.rotation)[0]
    expected, _ = cv2.projectPoints(
        points.reshape(-1, 1, 3), turn, camera.translation, camera.matrix, camera.distortion
    )
    np.testing.assert_allclose(camera.project(points), expected.reshape(5, 37, 2), atol=1e-9)


def test_the_projection_matrix_projects_what_is_not_distorted() -> None:
    camera, points = with_lens(LENSES[0]), cloud(1)
    homogeneous = np.concatenate([points, np.ones((5, 37, 1))], axis=-1) @ camera.projection.T
    pixels = homogeneous[..., :2] / homogeneous[..., 2:]
    np.testing.assert_allclose(camera.project(points), pixels, atol=1e-9)


@pytest.mark.parametrize("lens", LENSES)
@settings(max_examples=25, deadline=None)
@given(u=st.floats(0, 1279), v=st.floats(0, 959))
def test_undistortion_undoes_distortion(lens: tuple[float, ...], u: float, v: float) -> None:
    camera = with_lens(lens)
    ray = camera.undistort([u, v])
    place = camera.centre + camera.rotation.T @ (2.5 * np.array([*ray, 1]))
    np.testing.assert_allclose(camera.project(place), [u, v], atol=1e-8)


def test_what_is_missing_stays_missing() -> None:
    pixels = np.array([[np.nan, 3], [500, 400]])
    for lens in LENSES:
        rays = with_lens(lens).undistort(pixels)
        assert np.isnan(rays[0]).any()
        assert np.isfinite(rays[1]).all()


def test_no_ray_reaches_pixels_beyond_the_fold_of_a_lens() -> None:
    # x (1 - .5 x^2) never exceeds .55.
    camera = with_lens((-0.5, 0.0, 0.0, 0.0))
    far = camera.matrix[:2, 2] + [0.8 * camera.matrix[0, 0], 0]
    assert np.isnan(camera.undistort(far)).all()
    near = camera.matrix[:2, 2] + [0.5 * camera.matrix[0, 0], 0]
    assert camera.undistort(near)[0] == pytest.approx(0.6180339887, abs=1e-9)


def test_points_behind_are_not_seen() -> None:
    camera = with_lens(LENSES[1])
    behind = camera.centre - camera.rotation[2]
    assert np.isnan(camera.project(behind)).all()


def test_the_centre_is_where_it_was_put() -> None:
    np.testing.assert_allclose(with_lens(LENSES[0]).centre, [3, -2, 1.6], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"matrix": np.eye(4)}, "shape"),
        ({"matrix": np.zeros((3, 3))}, "K must"),
        ({"matrix": np.full((3, 3), np.nan)}, "finite"),
        ({"rotation": np.diag([1.0, 1, -1])}, "rotation"),
        ({"rotation": 2 * np.eye(3)}, "rotation"),
        ({"translation": np.zeros(4)}, "shape"),
        ({"distortion": np.zeros(6)}, "4, 5 or 8"),
        ({"distortion": np.full(5, np.inf)}, "finite"),
        ({"size": (0, 480)}, "size"),
    ],
)
def test_nonsense_is_refused(change: dict[str, object], word: str) -> None:
    sound = {
        "size": (640, 480),
        "matrix": np.diag([500.0, 500, 1]),
        "rotation": np.eye(3),
        "translation": np.zeros(3),
    }
    with pytest.raises(UsageError, match=word):
        Camera("a", **(sound | change))


def test_a_rotation_with_few_digits_becomes_one_exactly() -> None:
    rounded = with_lens(LENSES[0]).rotation.round(4)
    camera = Camera("a", (640, 480), np.diag([500.0, 500, 1]), rounded, np.zeros(3))
    np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(camera.rotation, rounded, atol=1e-4)
