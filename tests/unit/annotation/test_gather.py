"""People of photos and videos become items, each once, whatever happens in between."""

from __future__ import annotations

import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinepose.annotation.gather import Gathered, gather, item_id
from spinepose.annotation.project import Project
from spinepose.errors import InputError, UsageError
from spinepose.media import VideoInfo, VideoWriter, read_image, write_image


class BrightSpots:
    """Finds the bright rectangles of a picture, and may give up after some pictures."""

    def __init__(self, patience: int = 1000) -> None:
        self.patience = patience

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.patience:
            raise KeyboardInterrupt
        self.patience -= 1
        bright = (image.min(axis=2) > 128).astype(np.uint8)
        stats = cv2.connectedComponentsWithStats(bright)[2][1:]
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in stats], np.float32)
        return boxes.reshape(-1, 4), np.ones(len(stats), np.float32)


def picture(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    image = np.zeros((160, 240, 3), np.uint8)
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = 255
    return image


PERSON, OTHER, LYING, CHILD = (20, 20, 60, 120), (160, 30, 200, 130), (20, 130, 120, 150), (
    120, 20, 140, 60,
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project", {})


def film(path: Path, show: Callable[[int], np.ndarray], frames: int = 20) -> Path:
    """Write a film of ten frames a second."""
    info = VideoInfo(240, 160, Fraction(10), Fraction(1, 10), frames)
    with VideoWriter(path, info) as video:
        for index in range(frames):
            video.write(show(index), pts=index)
    return path


def test_photos_stay_and_people_become_items(tmp_path: Path, project: Project) -> None:
    write_image(tmp_path / "photos" / "a.png", picture(PERSON, LYING, CHILD))
    write_image(tmp_path / "photos" / "b.png", picture())
    steps: list[tuple[int, int]] = []
    found = gather(
        project,
        [tmp_path / "photos"],
        BrightSpots(),
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert found == Gathered(pictures=2, items=2, small=1)
    assert steps == [(1, 2), (2, 2)]
    items = list(project.items().values())
    assert sorted(item.box.tolist() for item in items) == sorted(map(list, (PERSON, LYING)))
    assert {item.picture for item in items} == {"../photos/a.png"}
    assert project.picture(items[0]).samefile(tmp_path / "photos" / "a.png")
    assert items[0].size == (240, 160)
    assert len({item.group for item in items}) == 1
    assert not (project.root / "pictures").exists()
    assert [item.id for item in items] == [item_id(item.sha256, item.box) for item in items]


def test_the_same_picture_is_taken_once_under_any_name(tmp_path: Path, project: Project) -> None:
    write_image(tmp_path / "a.png", picture(PERSON, OTHER))
    (tmp_path / "copy.png").write_bytes((tmp_path / "a.png").read_bytes())
    both = [tmp_path / "a.png", tmp_path / "copy.png"]
    assert gather(project, both, BrightSpots()) == Gathered(pictures=1, items=2, known=1)
    assert gather(project, both, BrightSpots()) == Gathered(known=2)
    assert len(project.items()) == 2


def test_frames_are_taken_at_intervals_and_only_with_people(
    tmp_path: Path, project: Project
) -> None:
    def walk(index: int) -> np.ndarray:
        return picture((20 + index, 20, 60 + index, 120)) if index < 12 else picture()

    path = film(tmp_path / "walk.mp4", walk)
    assert gather(project, [path], BrightSpots()) == Gathered(pictures=4, items=3)
    items = sorted(project.items().values(), key=lambda item: item.frame)
    assert [item.frame for item in items] == [0, 5, 10]
    assert [item.time_s for item in items] == pytest.approx([0, 0.5, 1])
    assert len({item.group for item in items}) == 1
    assert [Path(item.picture).parent.name for item in items] == ["pictures"] * 3
    assert items[1].picture.startswith("pictures/walk-")
    assert items[1].picture.endswith("-000005.jpg")
    assert read_image(project.picture(items[1]))[70, 40].min() > 200
    # A shorter interval is another question; frames that are there are not taken again.
    found = gather(project, [path], BrightSpots(), every_s=0.3)
    assert found.items == 3  # 3, 6 and 9; 0 is there, 12 and later are empty
    assert len(project.items()) == 6


def test_a_film_in_which_nothing_moves_is_hardly_more_than_a_picture(
    tmp_path: Path, project: Project
) -> None:
    path = film(tmp_path / "still.mp4", lambda i: picture(PERSON))
    found = gather(project, [path], BrightSpots())
    assert found.pictures == 4
    # The codec may touch up the first picture once.
    assert 1 <= found.items <= 2
    assert found.items == len(project.items()) == len(list((project.root / "pictures").iterdir()))


def test_killed_and_called_again_it_goes_on(tmp_path: Path, project: Project) -> None:
    write_image(tmp_path / "in" / "a.png", picture(PERSON))
    film(tmp_path / "in" / "b.mp4", lambda i: picture((20 + i, 20, 60 + i, 120)))
    write_image(tmp_path / "in" / "c.png", picture(OTHER))
    with pytest.raises(KeyboardInterrupt):
        gather(project, [tmp_path / "in"], BrightSpots(patience=3))
    assert len(project.items()) == 3
    resumed = BrightSpots(patience=3)  # just enough for what is left
    found = gather(project, [tmp_path / "in"], resumed)
    assert (found.items, found.known, resumed.patience) == (3, 1, 0)
    lines = (project.root / "items.jsonl").read_text().splitlines()
    assert len(lines) == len(project.items()) == 6


def test_broken_pictures_are_warned_of_in_a_line_each(
    tmp_path: Path, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    write_image(tmp_path / "a.png", picture(PERSON))
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    with caplog.at_level(logging.WARNING, logger="spinepose.annotation"):
        found = gather(project, [tmp_path / n for n in ("b.png", "c.mp4", "a.png")], BrightSpots())
    assert found == Gathered(pictures=1, items=1, broken=2)
    assert len(caplog.messages) == 2
    assert "b.png" in caplog.messages[0]


def test_nonsense_is_refused_before_anything(tmp_path: Path, project: Project) -> None:
    with pytest.raises(InputError, match="does not exist"):
        gather(project, [tmp_path / "nothing.jpg"], BrightSpots())
    with pytest.raises(UsageError, match="record"):
        gather(project, ["webcam"], BrightSpots())
    with pytest.raises(UsageError, match="every_s"):
        gather(project, [tmp_path], BrightSpots(), every_s=0)
