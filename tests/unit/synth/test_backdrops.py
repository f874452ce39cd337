from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from spinepose.errors import InputError, UsageError
from spinepose.media.images import write_image
from spinepose.synth.backdrops import KINDS, open_backdrops, procedural
from spinepose.synth.backdrops.base import camera_rays
from spinepose.synth.backdrops.panorama import Panorama
from spinepose.synth.backdrops.pictures import directions, load_picture, panorama_light
from spinepose.synth.backdrops.scene import CLEARANCE, _behind
from spinepose.synth.cameras import Camera, look_at
from spinepose.synth.light import Light, directional_sh, irradiance, sh_of_radiance, turned

UP = np.array([[0.0, 0.0, 1.0]])


def random(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def camera(
    height: float = 1.4,
    target: float = 1.0,
    distance: float = 4.0,
    size: int = 96,
    turn: float = 0.3,
) -> Camera:
    position = [distance * np.sin(turn), -distance * np.cos(turn), height]
    return Camera(size, size, size * 1.2, *look_at(position, [0, 0, target]))


def unit_vectors(count: int = 50) -> np.ndarray:
    vectors = random(3).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sphere() -> tuple[np.ndarray, np.ndarray]:
    rays = directions(128, 64).reshape(-1, 3)
    return rays, np.sqrt(1 - rays[:, 2] ** 2)


@pytest.fixture
def panorama_file(tmp_path: Path) -> Path:
    """White above the horizon, black below."""
    picture = np.zeros((256, 512, 3), np.uint8)
    picture[:128] = 255
    write_image(tmp_path / "sky.png", picture)
    return tmp_path / "sky.png"


# Light ----------------------------------------------------------------------------------------


def test_constant_radiance_reflects_constant() -> None:
    rays, weight = sphere()
    sh = sh_of_radiance(rays, np.full((len(rays), 3), [0.2, 0.5, 0.9]), weight)
    light = Light(sh, np.array([0, 0, 1], np.float32), np.zeros(3, np.float32))
    np.testing.assert_allclose(
        irradiance(light, unit_vectors()), np.tile([0.2, 0.5, 0.9], (50, 1)), atol=2e-3
    )


def test_linear_gradient_reflects_two_thirds_of_its_slope() -> None:
    # L(w) = 1 + w.z gives E(n) / pi = 1 + 2/3 n.z exactly.
    rays, weight = sphere()
    radiance = np.repeat(1 + rays[:, 2:], 3, axis=1)
    light = Light(sh_of_radiance(rays, radiance, weight), UP[0], np.zeros(3))
    normals = unit_vectors()
    expected = np.repeat(1 + 2 / 3 * normals[:, 2:], 3, axis=1)
    np.testing.assert_allclose(irradiance(light, normals), expected, atol=3e-3)


def test_directional_light_is_brightest_facing_it() -> None:
    toward = unit_vectors(1)[0]
    light = Light(directional_sh(toward, [1.0, 1.0, 1.0]), toward, np.zeros(3))
    # Order 2 gives 1/4 + 1/2 + 5/16 of the cosine lobe at its peak.
    assert irradiance(light, toward[None])[0, 0] == pytest.approx(17 / 16, abs=1e-3)
    assert irradiance(light, -toward[None])[0, 0] == pytest.approx(1 / 16, abs=1e-3)


def test_turned_light_is_the_same_seen_from_turned_normals() -> None:
    sh = random(5).normal(size=(9, 3)).astype(np.float32)
    sh[0] = 20
    light = Light(sh, np.array([0.6, 0.0, 0.8], np.float32), np.ones(3, np.float32))
    cos, sin = np.cos(0.7), np.sin(0.7)
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    normals = unit_vectors()
    other = turned(light, 0.7)
    np.testing.assert_allclose(
        irradiance(other, normals @ matrix.T), irradiance(light, normals), atol=1e-5
    )
    np.testing.assert_allclose(other.sun, matrix @ light.sun, atol=1e-6)


def test_sun_of_a_panorama_is_found() -> None:
    picture = np.full((256, 512, 3), 90, np.uint8)
    rays = directions(512, 256)
    sun = np.array([0.5, 0.6, 0.62])
    sun /= np.linalg.norm(sun)
    picture[rays @ sun > np.cos(np.radians(5))] = 255
    light = panorama_light(picture)
    assert light.sun @ sun > np.cos(np.radians(2))
    assert light.sun_color.min() > 0.05
    assert panorama_light(np.full((256, 512, 3), 90, np.uint8)).sun_color.max() < 0.01


# Pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0.3, 1.0, 1.6, 2.4])
@pytest.mark.parametrize("floor", [True, False])
def test_horizon_of_a_panorama_is_where_the_camera_sees_it(
    panorama_file: Path, target: float, floor: bool
) -> None:
    backdrop = Panorama(load_picture(panorama_file), random())
    view = camera(target=target)
    picture = backdrop.render(view, floor)
    assert picture.shape == (96, 96, 3)
    above = camera_rays(view)[..., 2] > 0
    rows = np.where(above.any(axis=1), above.sum(axis=0).mean(), above.sum(axis=0).mean())
    found = (picture[..., 1] > 0.2).sum(axis=0)
    assert np.abs(found - rows[0]).max() <= 1.5


def test_rays_agree_with_projection_even_through_a_bad_lens() -> None:
    rotation, translation = look_at([1.0, -4.0, 1.5], [0, 0, 1], roll=8)
    view = Camera(64, 48, 60.0, rotation, translation, np.array([-0.2, 0.05, 0.001, 0.002, 0.0]))
    rays = camera_rays(view)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1, atol=1e-5)
    points = view.position + 3 * rays[5:40:7, 9:60:11].reshape(-1, 3)
    columns, rows = np.meshgrid(np.arange(9, 60, 11), np.arange(5, 40, 7))
    pixels = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(view.project(points), pixels, atol=0.05)


def test_flat_photo_fills_a_picture_of_any_shape(tmp_path: Path) -> None:
    write_image(tmp_path / "wall.png", np.full((40, 60, 3), (200, 100, 50), np.uint8))
    backdrop = open_backdrops(tmp_path / "wall.png", procedural=0.0).pick(random())
    assert (backdrop.kind, backdrop.name, backdrop.shadow_plane) == ("photo", "wall.png", True)
    view = Camera(30, 80, 60.0, *look_at([0, -4, 1.5], [0, 0, 1]))
    picture = backdrop.render(view)
    assert picture.shape == (80, 30, 3)
    np.testing.assert_allclose(picture[3, 4], (np.array([200, 100, 50]) / 255) ** 2.2, atol=0.01)


# Where they come from -------------------------------------------------------------------------


def test_folders_are_searched_and_their_pictures_told_apart(tmp_path: Path) -> None:
    (tmp_path / "b" / "deep").mkdir(parents=True)
    write_image(tmp_path / "b" / "deep" / "round.jpg", np.full((64, 128, 3), 90, np.uint8))
    write_image(tmp_path / "a.png", np.full((64, 64, 3), 90, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    source = open_backdrops(tmp_path, procedural=0.0)
    assert [path.name for path in source.files] == ["a.png", "round.jpg"]
    rng = random()
    kinds = {(backdrop.name, backdrop.kind) for backdrop in (source.pick(rng) for _ in range(20))}
    assert kinds == {("a.png", "photo"), ("round.jpg", "panorama")}


def test_share_of_computed_places(panorama_file: Path) -> None:
    source = open_backdrops(panorama_file, procedural=0.5)
    rng = random()
    computed = sum(source.pick(rng).kind != "panorama" for _ in range(40))
    assert 10 <= computed <= 30
    with pytest.raises(UsageError, match="0 to 1"):
        open_backdrops(panorama_file, procedural=1.5)


def test_few_decoded_pictures_are_kept(tmp_path: Path) -> None:
    for n in range(12):
        write_image(tmp_path / f"{n:02d}.png", np.full((16, 16, 3), n, np.uint8))
    source = open_backdrops(tmp_path, procedural=0.0)
    rng = random()
    names = {source.pick(rng).name for _ in range(80)}
    assert len(names) == 12
    assert len(source._pictures) <= 6


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_errors_name_the_source(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=name) as error:
        open_backdrops(tmp_path / name)
    assert "\n" not in str(error.value)


def test_unreadable_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    source = open_backdrops(tmp_path, procedural=0.0)
    with pytest.raises(InputError, match=r"broken\.jpg") as error:
        source.pick(random())
    assert "\n" not in str(error.value)


# Computed places ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_places_are_finite_lit_and_not_blank(kind: str) -> None:
    contrast = []
    for seed in range(12):
        rng = random(seed)
        backdrop = procedural(rng, kind)
        turn, distance, height = rng.uniform(0, 6.3), rng.uniform(1.5, 9), rng.uniform(0.2, 4)
        picture = backdrop.render(camera(height, 1.0, distance, 48, turn), bool(seed % 3))
        assert picture.dtype == np.float32
        assert np.isfinite(picture).all()
        assert picture.min() >= 0
        assert picture.max() <= 4
        contrast.append(picture.std())
        light = backdrop.light
        assert backdrop.kind == kind
        assert light.sh.shape == (9, 3)
        assert light.sun[2] > 0.15
        assert np.linalg.norm(light.sun) == pytest.approx(1, abs=1e-5)
        assert light.sun_color.min() >= 0
        reflected = irradiance(light, unit_vectors()) + light.sun_color
        assert 0.1 < reflected.mean() < 3
    assert np.mean(contrast) > (0.005 if kind == "studio" else 0.06)


@pytest.mark.parametrize("kind", [*KINDS, None])
def test_places_depend_on_the_seed_alone(kind: str | None) -> None:
    first, second = procedural(random(9), kind), procedural(random(9), kind)
    view = camera(size=40)
    assert first.name == second.name
    assert first.render(view).tobytes() == second.render(view).tobytes()
    assert first.render(view).tobytes() == first.render(view).tobytes()
    assert first.light.sh.tobytes() == second.light.sh.tobytes()
    assert procedural(random(10), kind).render(view).tobytes() != first.render(view).tobytes()


def test_panoramas_depend_on_the_seed_alone(panorama_file: Path) -> None:
    source = open_backdrops(panorama_file, procedural=0.0)
    first, second = source.pick(random(4)), source.pick(random(4))
    assert first.render(camera()).tobytes() == second.render(camera()).tobytes()


def test_things_stand_behind_the_people() -> None:
    rng = random(2)
    for _ in range(10):
        place = procedural(rng, "clutter")
        origin = np.array([*rng.uniform(-5, 5, 2), 1.5], np.float32)
        kept = _behind(place._tables.solids, origin)
        reach = np.hypot(kept[:, 4], kept[:, 5])
        assert (np.linalg.norm(kept[:, 1:3], axis=1) - reach > CLEARANCE).all()
        # Nothing is nearer to the camera than the origin is.
        forward = -origin[:2] / np.linalg.norm(origin[:2])
        assert ((kept[:, 1:3] @ forward) - reach > 0).all()


def test_a_larger_picture_shows_the_same_place() -> None:
    place = procedural(random(1), "room")
    small, large = place.render(camera(size=60)), place.render(camera(size=240))
    mean = large.reshape(60, 4, 60, 4, 3).mean(axis=(1, 3))
    assert np.abs(mean - small).mean() < 0.03
