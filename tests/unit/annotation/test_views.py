"""All views of a person are read back to the same places of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from spinepose.annotation.views import (
    BOX,
    MIRRORED,
    PLAIN,
    SIDE,
    VIEWS,
    View,
    patches_of,
    read_views,
)
from spinepose.geometry import apply_affine
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.painted import SIZE, ColourReader, painted, standing

PEOPLE = np.array([[40.0, 50, 160, 190], [55.0, 60, 150, 180]])


def test_every_view_gives_the_same_places() -> None:
    patches, affines = patches_of(painted(), PEOPLE)
    answers = read_views(ColourReader(), patches, affines)
    assert answers.shape == (len(VIEWS), 2, len(SPINETRACK), 3)
    off = np.linalg.norm(answers[..., :2] - standing(), axis=-1)
    # Colours are rounded: one step is 1.25 pixels across and 1.5 down.
    assert off.max() < 2.0
    assert np.median(off) < 0.8
    np.testing.assert_allclose(answers[..., 2], 0.9, rtol=1e-6)


def test_what_is_wrong_only_in_the_mirror_is_wrong_only_there() -> None:
    patches, affines = patches_of(painted(), PEOPLE[:1])
    answers = read_views(ColourReader(confused=24), patches, affines)
    off = answers[:, 0, :, 0] - standing()[:, 0]
    # To the right in the mirror is to the left in the picture.
    np.testing.assert_allclose(np.median(off[MIRRORED]), -24 / affines[0, 0, 0], atol=1)
    np.testing.assert_allclose(np.median(off[PLAIN]), 0, atol=1)


def test_a_reader_that_knows_little_stays_so() -> None:
    patches, affines = patches_of(painted(), PEOPLE[:1])
    known = ("nose", "left_hip")
    answers = read_views(ColourReader(known), patches, affines)
    rows = SPINETRACK.indices(known)
    # In the mirror image the left hip is called the right one.
    assert np.isfinite(answers[PLAIN][:, rows]).all()
    assert np.isnan(np.delete(answers[PLAIN], rows, axis=1)[..., :2]).all()
    assert not np.delete(answers[PLAIN], rows, axis=1)[..., 2].any()


@pytest.mark.parametrize("grown", [1, 9])
def test_the_square_shows_the_person_however_large(grown: int) -> None:
    image = painted().repeat(grown, axis=0).repeat(grown, axis=1)
    box = PEOPLE[:1] * grown
    patches, affines = patches_of(image, box)
    corners = apply_affine(affines, box.reshape(1, 2, 2) - 0.5)[0]
    np.testing.assert_allclose(corners[:, 1], BOX[[1, 3]] - 0.5, atol=1e-6)
    x, y = 3 * SIDE // 4, SIDE // 4  # the colours tell which place of the picture it is
    shown = (patches[0, y, x, :2].astype(float) - 10) / 160 * SIZE * grown
    np.testing.assert_allclose(apply_affine(affines, shown[None, None])[0, 0], (x, y), atol=7)


def test_outside_of_the_picture_is_black() -> None:
    patches, _ = patches_of(painted(), [[-60, -70, 20, 30], [900, 900, 950, 990]])
    assert not patches[0, 5, 5].any()
    assert patches[0, -80, -80].any()
    assert not patches[1].any()


def test_a_view_turns_about_the_middle() -> None:
    middle = np.full((1, 1, 2), (SIDE - 1) / 2)
    for view in (View(turn=30, scale=2), View(mirrored=True)):
        np.testing.assert_allclose(apply_affine(view.affine()[None], middle), middle)
    aside = middle + np.array([10, 0])
    right = apply_affine(View(turn=90).affine()[None], aside)[0, 0] - middle[0, 0]
    np.testing.assert_allclose(right, [0, 10], atol=1e-9)  # y is down: to the right is then down
