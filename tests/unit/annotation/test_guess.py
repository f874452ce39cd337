"""Items get a guess each, once, with its sources and doubts."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from spinepose.annotation.guess import CURVE, guess
from spinepose.annotation.project import Project
from spinepose.biomech.body import body_model
from spinepose.biomech.kinematics import Kinematics
from spinepose.dataset.spine_curve import curve_spine
from spinepose.errors import UsageError
from spinepose.skeleton import COCO17, SPINETRACK
from tests.unit.annotation.painted import ColourReader, painted_project, standing


def test_a_guess_is_what_the_network_says(tmp_path: Path) -> None:
    project = painted_project(tmp_path)
    steps: list[tuple[int, int]] = []
    count = guess(
        project, 0, ColourReader(), on_progress=lambda done, total: steps.append((done, total))
    )
    (found,) = project.guesses(0).values()
    assert (count, steps) == (1, [(1, 1)])
    np.testing.assert_allclose(found.keypoints, standing(), atol=2)
    np.testing.assert_allclose(found.scores, 0.9)
    assert set(found.sources) == {"colours 01234567"}
    assert found.doubts.keys() == {"score", "flip", "variance"}
    assert found.doubts["flip"] < 0.5
    assert (found.spread < 5).all()
    assert len(found.feature) > len(SPINETRACK)


def test_a_network_that_confuses_sides_is_doubted(tmp_path: Path) -> None:
    project = painted_project(tmp_path)
    guess(project, 0, ColourReader())
    guess(project, 1, ColourReader(confused=30))
    sure, unsure = (next(iter(project.guesses(number).values())) for number in (0, 1))
    assert unsure.doubts["flip"] > sure.doubts["flip"] + 0.2
    assert (unsure.spread > sure.spread).all()


def test_a_body_can_judge(tmp_path: Path) -> None:
    project = painted_project(tmp_path)
    guess(project, 0, ColourReader(), body=Kinematics(body_model()))
    (found,) = project.guesses(0).values()
    assert found.doubts["implausible"] > 0.5  # the limbs of the standing person are random


def test_the_first_spine_is_a_curve_through_shoulders_and_hips(tmp_path: Path) -> None:
    project = painted_project(tmp_path)
    guess(project, 0, ColourReader(COCO17.keypoints), curve=True)
    (found,) = project.guesses(0).values()
    spine = SPINETRACK.spine_indices
    body = SPINETRACK.indices(COCO17.keypoints)
    places = np.full((len(SPINETRACK), 2), np.nan)
    places[body] = found.keypoints[body]
    wanted, _ = curve_spine(places[None], np.isfinite(places[None, :, 0]))
    np.testing.assert_allclose(found.keypoints[spine], wanted[0], atol=0.02)
    assert {found.sources[i] for i in spine} == {CURVE}
    assert {found.sources[i] for i in body} == {"colours 01234567"}
    rest = np.setdiff1d(np.arange(len(SPINETRACK)), [*spine, *body])
    assert {found.sources[i] for i in rest} == {""}
    assert np.isnan(found.keypoints[rest]).all()
    assert np.isfinite(found.spread[spine]).all()


def test_only_what_is_missing_is_guessed_and_each_picture_read_once(tmp_path: Path) -> None:
    project = painted_project(tmp_path, 3)
    first, *_ = project.items()
    guess(project, 0, ColourReader())
    kept = project.guesses(0)[first]
    other = Project.create(tmp_path / "other", {})
    other.add_items(project.items().values())
    other.add_guesses(0, [kept])
    reader = ColourReader()
    assert guess(other, 0, reader) == 2
    assert reader.pictures == 2 * 2  # the picture, and its views in one strip
    assert guess(other, 0, reader) == 0
    assert set(other.guesses(0)) == set(project.items())


def test_a_lost_picture_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project = painted_project(tmp_path, 2)
    (tmp_path / "0.png").unlink()
    with caplog.at_level(logging.WARNING):
        assert guess(project, 0, ColourReader()) == 1
    assert "0.png" in caplog.text
    assert len(project.guesses(0)) == 1


def test_other_skeletons_are_refused(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {}, COCO17)
    with pytest.raises(UsageError, match="coco"):
        guess(project, 0, ColourReader())
