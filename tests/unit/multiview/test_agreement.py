import json

import numpy as np
import pytest

from spinepose.errors import UsageError
from spinepose.multiview import Camera, Triangulation, reprojection_report, triangulate
from spinepose.skeleton import SPINETRACK
from tests.unit.multiview.conftest import cloud, seen


@pytest.fixture
def found(five: list[Camera]) -> Triangulation:
    points = cloud(0, frames=20)
    pixels = seen(five, points)
    neck = SPINETRACK.index("neck")
    pixels[1, :10, neck] += [90, 60]
    pixels[2, :5] = np.nan
    pixels[1:, 19] = np.nan
    return triangulate(five, pixels)


def test_shares_and_errors(found: Triangulation, five: list[Camera]) -> None:
    names = [camera.name for camera in five]
    report = reprojection_report(found, names, SPINETRACK.keypoints)
    assert report.cameras["cam0"].keypoints == 19 * 37
    assert report.cameras["cam2"].keypoints == 14 * 37
    assert report.cameras["cam1"].rejected == pytest.approx(10 / (19 * 37))
    assert report.cameras["cam0"].rejected == 0
    assert report.cameras["cam1"].p95 < 1e-6
    assert report.keypoints["neck"].rejected == pytest.approx(10 / (19 * 5 - 5))
    assert report.keypoints["nose"].rejected == 0
    assert report.rejected[1, SPINETRACK.index("neck")] == pytest.approx(10 / 19)
    assert report.solved == 1
    assert report.views == pytest.approx((5 * 19 * 37 - 5 * 37 - 10) / (19 * 37))


def test_statistics_are_of_the_views_used(five: list[Camera]) -> None:
    pixels = seen(five, cloud(1, frames=30))
    pixels += np.random.default_rng(0).normal(0, 2, pixels.shape)
    pixels[3, :, 0] += 100
    found = triangulate(five, pixels)
    report = reprojection_report(found, [c.name for c in five], SPINETRACK.keypoints)
    kept = found.errors[3][~found.rejected[3]]
    numbers = report.cameras["cam3"]
    assert numbers.mean == pytest.approx(kept.mean())
    assert numbers.median == pytest.approx(np.median(kept))
    assert numbers.p95 == pytest.approx(np.quantile(kept, 0.95))
    assert numbers.rejected == pytest.approx(1 / 37)


def test_as_dictionary_and_table(found: Triangulation, five: list[Camera]) -> None:
    report = reprojection_report(found, [c.name for c in five], SPINETRACK.keypoints)
    numbers = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert numbers["rejected"]["cam1"]["neck"] == pytest.approx(10 / 19)
    assert numbers["cameras"]["cam2"]["keypoints"] == 14 * 37
    assert set(numbers["keypoints"]) == set(SPINETRACK.keypoints)
    table = report.to_markdown()
    assert "100.0 % solved" in table
    assert "| neck | 90 | 0.0 | 0.0 | 0.0 | 11.1 | 0.0 | 52.6 | 0.0 | 0.0 | 0.0 |" in table
    widths = {line.count("|") for line in table.split("\n\n")[2].splitlines()}
    assert len(widths) == 1


def test_nothing_seen(five: list[Camera]) -> None:
    found = triangulate(five, np.full((5, 2, 3, 2), np.nan))
    report = reprojection_report(found, [c.name for c in five], ["a", "b", "c"])
    numbers = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert numbers["solved"] is None
    assert numbers["cameras"]["cam0"]["mean_px"] is None
    assert "| cam0 | 0 | - | - | - | - |" in report.to_markdown()


def test_names_must_fit(five: list[Camera]) -> None:
    found = triangulate(five, np.full((5, 2, 3, 2), np.nan))
    with pytest.raises(UsageError, match="1 cameras and 3 keypoints are named"):
        reprojection_report(found, ["x"] * 5, ["a", "b", "c"])
