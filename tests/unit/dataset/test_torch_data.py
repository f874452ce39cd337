"""People as samples, and people with their pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from spinepose.dataset import pictures as module
from spinepose.dataset.pictures import iterate_people, picture_size, read_picture
from spinepose.dataset.torch_data import PeopleDataset, Sample
from spinepose.errors import DataError, UsageError
from spinepose.geometry import apply_affine
from spinepose.skeleton import COCO17, HALPE26, SPINETRACK
from tests.unit.dataset.labelled import K, person, picture

SPOT = (88, 101)  # x, y of a red pixel square
SIZE = (48, 64)


@pytest.fixture
def spotted(tmp_path):
    """Return a person whose nose is the middle of a red square on grey."""
    path = tmp_path / "a.png"
    image = np.full((200, 220, 3), 90, np.uint8)
    x, y = SPOT
    image[y - 3 : y + 4, x - 3 : x + 4] = (0, 0, 255)  # BGR
    cv2.imwrite(str(path), image)
    found = person(path, view="back")
    found.keypoints[0] = SPOT
    return found


def doubled(sample: Sample) -> Sample:
    return sample._replace(keypoints=2 * sample.keypoints)


def test_the_labels_lie_on_what_they_name(spotted):
    sample = PeopleDataset([spotted], SIZE)[0]
    assert sample.crop.shape == (3, SIZE[1], SIZE[0])
    assert sample.crop.dtype == np.uint8
    red = sample.crop[0].astype(float) - sample.crop[2]  # and RGB, not BGR
    rows, columns = np.nonzero(red > 100)
    np.testing.assert_allclose(sample.keypoints[0], [columns.mean(), rows.mean()], atol=0.3)
    back = np.linalg.inv(np.vstack([sample.meta["transform"], [0, 0, 1]]))[:2]
    there = apply_affine(back[None], sample.keypoints[None].astype(float))[0]
    np.testing.assert_allclose(there, spotted.keypoints, atol=1e-3)
    assert sample.meta["view"] == "back"
    assert sample.meta["path"] == str(spotted.path)


def test_only_what_is_labelled_has_a_place(spotted):
    spotted.trust[:3] = (0, 0.4, 1)
    sample = PeopleDataset([spotted], SIZE)[0]
    assert np.isnan(sample.keypoints[0]).all()
    np.testing.assert_allclose(sample.trust[:3], [0, 0.4, 1])
    np.testing.assert_array_equal(sample.flags, spotted.flags)
    assert np.isfinite(sample.keypoints[1:]).all()


def test_another_skeleton_is_asked_for(tmp_path):
    people = [person(picture(tmp_path / "a.png"), COCO17)]
    sample = PeopleDataset(people, SIZE, HALPE26)[0]
    assert sample.keypoints.shape == (26, 2)
    assert np.isfinite(sample.keypoints[:17]).all()
    assert np.isnan(sample.keypoints[17:]).all()
    assert sample.flags[17:].tolist() == sample.trust[17:].tolist() == [0] * 9


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_stacks_samples(tmp_path, workers):
    torch = pytest.importorskip("torch")
    people = [person(picture(tmp_path / f"{i}.png", 20 * i)) for i in range(5)]
    data = PeopleDataset(people, SIZE, transform=doubled)
    plain = PeopleDataset(people, SIZE)
    batches = list(torch.utils.data.DataLoader(data, batch_size=2, num_workers=workers))
    assert [len(batch.crop) for batch in batches] == [2, 2, 1]
    assert batches[0].crop.dtype == torch.uint8
    assert batches[0].keypoints.shape == (2, K, 2)
    assert torch.cat([b.meta["index"] for b in batches]).tolist() == list(range(5))
    assert [int(b.crop[0].max()) for b in batches] == [0, 40, 80]
    np.testing.assert_allclose(batches[1].keypoints[0], 2 * plain[2].keypoints)


def test_numbers_count_from_the_end_too(tmp_path):
    people = [person(picture(tmp_path / f"{i}.png")) for i in range(3)]
    data = PeopleDataset(people, SIZE)
    assert len(list(data)) == len(data) == 3
    assert data[-1].meta["index"] == 2
    with pytest.raises(IndexError):
        data[3]


@pytest.mark.parametrize("size", [(0, 5), (5,), (5, 5, 5)])
def test_a_crop_needs_two_sides(size):
    with pytest.raises(UsageError, match="input_size"):
        PeopleDataset([], size)


def test_each_picture_is_opened_once(tmp_path, monkeypatch):
    paths = [picture(tmp_path / name, value) for name, value in (("a.png", 10), ("b.png", 20))]
    people = [person(paths[i]) for i in (0, 1, 0, 1, 1)]
    opened = []

    def counted(path):
        opened.append(path)
        return read_picture(path)

    monkeypatch.setattr(module, "read_picture", counted)
    found = list(iterate_people(people))
    assert opened == paths
    assert [people.index(one) for _, one in found] == [0, 2, 1, 3, 4]
    assert [int(image.max()) for image, _ in found] == [10, 10, 20, 20, 20]
    assert found[0][0] is found[1][0]
    with pytest.raises(ValueError, match="read-only"):
        found[0][0][:] = 0


def test_pictures_are_rgb_and_have_a_size(spotted):
    image = read_picture(spotted.path)
    assert image[SPOT[1], SPOT[0]].tolist() == [255, 0, 0]
    assert picture_size(spotted.path) == (220, 200)


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_what_is_no_picture_is_named(tmp_path, content):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.jpg: cannot be read"):
        PeopleDataset([person(path)], SIZE)[0]


def test_all_keypoints_are_asked_for_by_default(spotted):
    assert PeopleDataset([spotted], SIZE).skeleton is SPINETRACK
