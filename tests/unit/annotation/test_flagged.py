"""People that a validation flagged, as a round of a project."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from spinepose.annotation.flagged import take_flagged
from spinepose.annotation.project import Project
from spinepose.annotation.queue import Choice, read_queue
from spinepose.annotation.tasks import find_tasks
from spinepose.errors import DataError
from spinepose.export.queue import QueueItem, QueueKeypoint
from spinepose.skeleton import SPINETRACK

SIZE = (80, 60)
"""Width and height of the pictures, px."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for number in range(3):
        grey = np.full((SIZE[1], SIZE[0], 3), 40 + number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), grey)
    return Project.create(tmp_path / "project", {})


def flagged(picture: Path, priority: float, **suggested: tuple[float, float] | None) -> QueueItem:
    """Return a person with all keypoints at (20, 30), and where the body has some of them."""
    doubted = tuple(QueueKeypoint(n, 20.0, 30.0, 0.9, s, 50.0, "mm") for n, s in suggested.items())
    return QueueItem(
        source=str(picture),
        frame=0,
        time_s=0.0,
        camera=None,
        track_id=None,
        box=(5.0, 5.0, 70.0, 55.0),
        priority=priority,
        reason="too far from the body",
        skeleton=SPINETRACK.name,
        keypoints=((20.0, 30.0, 0.9),) * len(SPINETRACK),
        flagged=doubted,
    )


def test_the_worst_comes_first_and_the_page_can_show_it(project: Project, tmp_path: Path) -> None:
    entries = [flagged(tmp_path / f"{n}.png", p, nose=None) for n, p in enumerate((1.5, 7.0, 3.0))]
    taken = take_flagged(project, [*entries, flagged(tmp_path / "none.png", 9.0, nose=None)])
    assert (taken.round, taken.items, taken.missing) == (0, 3, 1)
    names = {Path(item.picture).name: item.id for item in project.items().values()}
    order = [names[f"{n}.png"] for n in (1, 2, 0)]
    tasks = find_tasks(project, 0)
    assert [task.item for task in tasks] == order
    assert tasks[0] == Choice(order[0], "too far from the body", 7.0)
    assert read_queue(project, 0).strategy == "flagged"
    assert take_flagged(project, entries).round == 1
    assert len(project.items()) == 3


def test_a_keypoint_is_shown_where_the_body_has_it(project: Project, tmp_path: Path) -> None:
    entry = flagged(tmp_path / "0.png", 1.0, neck=(23.0, 34.0), hip=(-4.0, 3.0), nose=None)
    take_flagged(project, [entry])
    (guess,) = project.guesses(0).values()
    neck, hip, nose = map(SPINETRACK.index, ("neck", "hip", "nose"))
    assert guess.keypoints[neck].tolist() == [23, 34]
    assert (guess.spread[neck], guess.sources[neck]) == (5, "body model")
    others = np.delete(np.arange(len(SPINETRACK)), neck)
    assert (guess.keypoints[others] == (20, 30)).all()
    assert np.isnan(guess.spread[others]).all()
    assert (guess.scores < 0.5).nonzero()[0].tolist() == sorted((neck, hip, nose))


def test_nothing_to_show_is_told(project: Project, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 1 entries"):
        take_flagged(project, [flagged(tmp_path / "none.png", 1.0, nose=None)])
