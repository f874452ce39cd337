"""Boxes follow the pictures through turns, cuts and pastes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from spinepose.training.detector.augment import (
    Sample,
    cut,
    panorama_view,
    paste,
    random_matrix,
    recolour,
    warp_boxes,
    warp_sample,
)


def disc_sample(centre: tuple[int, int] = (60, 50), radius: tuple[int, int] = (10, 24)) -> Sample:
    """A white ellipse on black, with its box."""
    ys, xs = np.mgrid[:120, :160]
    inside = ((xs - centre[0]) / radius[0]) ** 2 + ((ys - centre[1]) / radius[1]) ** 2 <= 1
    image = np.repeat((inside * 255).astype(np.uint8)[..., None], 3, axis=2)
    box = [
        centre[0] - radius[0],
        centre[1] - radius[1],
        centre[0] + radius[0],
        centre[1] + radius[1],
    ]
    return Sample(image, np.array([box], dtype=np.float32), np.zeros((0, 5), dtype=np.float32))


def seen_box(image: np.ndarray) -> list[int]:
    bright = (image.min(axis=2) > 150) & (np.ptp(image, axis=2) == 0)
    rows, columns = np.nonzero(bright)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_boxes_follow_a_random_turn_of_the_picture() -> None:
    rng = np.random.default_rng(4)
    for _ in range(12):
        matrix = random_matrix(rng, (120, 160), (130, 120), 1.3)
        turned = warp_sample(disc_sample(), matrix, 256)
        assert turned.agreed.shape == (1, 4)
        assert seen_box(turned.image) == pytest.approx(turned.agreed[0].tolist(), abs=2.5)


def test_ceilings_stay_with_their_boxes() -> None:
    boxes = np.array([[0, 0, 10, 20, 0.4]], dtype=np.float32)
    shift = np.array([[1.0, 0, 5], [0, 1, 7]])
    assert warp_boxes(boxes, shift)[0] == pytest.approx([5, 7, 15, 27, 0.4], abs=1e-3)


def test_a_person_mostly_outside_becomes_doubtful_without_ceiling() -> None:
    sample = disc_sample()
    limited = cut(sample, (0, 0, 160, 40))
    assert not len(limited.agreed) or limited.agreed[0, 3] <= 40
    mostly_out = cut(sample, (0, 0, 160, 36))
    assert len(mostly_out.agreed) == 0
    assert mostly_out.doubtful.tolist() == [[50, 26, 70, 36, 1]]
    assert not len(cut(sample, (100, 0, 160, 120)).doubtful)


def test_pasting_adds_a_person_and_hides_the_one_behind() -> None:
    scene = disc_sample((30, 60), (8, 16))
    person = disc_sample()
    mask = person.image[..., 0]
    shift = np.array([[1.0, 0, 50], [0, 1, 0]])
    both = paste(scene, person.image, mask, shift, person=True)
    assert len(both.agreed) == 2
    assert both.agreed[1] == pytest.approx([100, 26, 121, 75], abs=2)
    over = np.array([[1.0, 0, -30], [0, 1, 10]])
    hidden = paste(scene, person.image, mask, over, person=True)
    assert len(hidden.agreed) == 1
    assert hidden.doubtful[0, 4] == 1
    wall = paste(scene, person.image, mask, shift, person=False)
    assert len(wall.agreed) == 1


def test_a_level_look_into_a_panorama_shows_its_horizon() -> None:
    panorama = np.zeros((128, 256, 3), dtype=np.uint8)
    panorama[:64] = 200  # sky
    view = panorama_view(np.random.default_rng(0), panorama, 96)
    assert view.shape == (96, 96, 3)
    assert view[0, 48, 0] == 200
    assert view[-1, 48, 0] == 0


def test_colours_change_and_shape_stays() -> None:
    image = disc_sample().image
    for seed in range(10):
        changed = recolour(np.random.default_rng(seed), image)
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
