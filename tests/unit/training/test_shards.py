"""People packed for training: places survive, batches repeat, broken files are refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from spinepose.dataset.people import Person  # noqa: E402
from spinepose.errors import DataError  # noqa: E402
from spinepose.skeleton import SPINETRACK  # noqa: E402
from spinepose.training.pose.shards import (  # noqa: E402
    CONTEXT,
    PADDING,
    SIDE,
    Mixture,
    pack,
    read_pack,
)

K = len(SPINETRACK)


def _person(folder: Path, number: int, activity: str = "") -> Person:
    """Return a person whose nose is the middle of a white dot on a grey picture."""
    rng = np.random.default_rng(number)
    image = np.full((200, 260, 3), 90, np.uint8)
    dot = rng.integers((60, 60), (200, 140))
    cv2.circle(image, (int(dot[0]), int(dot[1])), 4, (255, 255, 255), -1)
    path = folder / f"{number}.png"
    cv2.imwrite(str(path), image)
    points = np.full((K, 2), np.nan, np.float32)
    trust = np.zeros(K, np.float32)
    points[0], trust[0] = dot, 1
    box = np.array([40, 20, 220, 180], np.float32)
    return Person(path, "made", box, points, trust, "front", activity)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    path = folder / "made.npz"
    pack([_person(folder, n, f"a{n}") for n in range(12)], path)
    return path


def test_keypoints_stay_on_what_they_mark(packed: Path) -> None:
    people = read_pack(packed)
    assert len(people) == 12
    for row in range(12):
        picture = people.picture(row)
        assert picture.shape == (SIDE, SIDE, 3)
        weights = np.where(picture[..., 0] > 200, picture[..., 0].astype(float), 0)
        y, x = np.mgrid[:SIDE, :SIDE]
        middle = np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()
        assert np.abs(middle - people.points[row, 0]).max() < 0.4


def test_the_box_fills_its_share_of_the_picture(packed: Path) -> None:
    box = read_pack(packed).boxes[0]
    assert (box[2] - box[0]) == pytest.approx(SIDE / (PADDING * CONTEXT), rel=1e-3)
    assert (box[:2] + box[2:]) / 2 == pytest.approx([SIDE / 2, SIDE / 2], abs=0.01)


def test_a_step_always_sees_the_same_people(packed: Path) -> None:
    people = read_pack(packed)
    one = Mixture([people, people], [3, 1], seed=5)
    two = Mixture([people, people], [3, 1], seed=5, threads=3)
    assert one.rows(17, 8) == two.rows(17, 8)
    assert one.rows(17, 8) != one.rows(18, 8)
    assert one.rows(17, 8) != Mixture([people, people], [3, 1], seed=6).rows(17, 8)
    a, b = one.batch(one.rows(17, 8)), two.batch(two.rows(17, 8))
    assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True) if not x.isnan().any())
    assert a.crops.shape == (8, 3, SIDE, SIDE)
    assert a.crops.dtype == torch.uint8


def test_shares_are_met_in_every_batch(packed: Path) -> None:
    people = read_pack(packed)
    mixture = Mixture([people, people, people], [0.5, 0.3, 0.2], seed=1)
    counts = np.array(
        [np.bincount([p for p, _ in mixture.rows(s, 16)], minlength=3) for s in range(200)]
    )
    assert (counts.sum(axis=1) == 16).all()
    assert (np.abs(counts - [8, 4.8, 3.2]) < 2).all()
    assert counts.mean(axis=0) == pytest.approx([8, 4.8, 3.2], abs=0.15)


def test_a_part_is_spread_over_the_whole(packed: Path) -> None:
    people = read_pack(packed)
    part = people.first(0.5)
    assert len(part) == 6
    assert part.activities[0] == "a0"
    assert part.activities[-1] == "a11"
    for row, name in enumerate(part.activities):
        same = list(people.activities).index(name)
        assert (part.picture(row) == people.picture(same)).all()


def test_nobody_and_broken_files_are_refused(tmp_path: Path, packed: Path) -> None:
    with pytest.raises(DataError, match="nobody"):
        pack([], tmp_path / "none.npz")
    with pytest.raises(DataError, match="not a pack"):
        read_pack(tmp_path / "missing.npz")
    (tmp_path / "half.npz").write_bytes(packed.read_bytes()[:1000])
    with pytest.raises(DataError, match="not a pack"):
        read_pack(tmp_path / "half.npz")
    with np.load(packed) as content:
        fields = dict(content)
    fields["points"][3, 0] = np.nan
    np.savez(tmp_path / "nan.npz", **fields)
    with pytest.raises(DataError, match="no number"):
        read_pack(tmp_path / "nan.npz")


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    person = _person(tmp_path, 1)
    person.path.unlink()
    with pytest.raises(DataError, match=r"1\.png"):
        pack([person], tmp_path / "x.npz")
    assert not (tmp_path / "x.npz").exists()
