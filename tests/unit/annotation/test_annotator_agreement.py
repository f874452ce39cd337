"""How well annotators agree, in numbers that can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinepose.annotation.agreement import agreement
from spinepose.annotation.project import Project
from spinepose.annotation.records import ABSENT
from spinepose.dataset.people import AREA_PER_BOX
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from tests.unit.annotation.projects import BOX, K, correct, make_project

SPINE = "spine_03"
AREA = float(np.prod(BOX[2:] - BOX[:2]))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", 4)


def test_numbers(project: Project) -> None:
    for item in ("i0", "i1"):
        correct(project, "ann", item)
    correct(project, "bob", "i0", shift={SPINE: (6, 8)}, visibility={"nose": ABSENT})
    correct(project, "bob", "i1")
    correct(project, "ann", "i2", rejected=True)
    correct(project, "bob", "i2")
    correct(project, "bob", "i3")  # whom ann did not see
    (found,) = agreement(project)
    assert (found.first, found.second, found.people) == ("ann", "bob", 2)
    assert found.rejected == pytest.approx(2 / 3)
    by_name = {item.name: item for item in found.keypoints}
    spine = by_name[SPINE]
    assert spine.people == 2
    assert spine.median_px == pytest.approx(5)
    assert spine.p95_px == pytest.approx(9.5)
    assert spine.median_share == pytest.approx(5 / np.sqrt(AREA))
    assert by_name["nose"].people == 1
    assert by_name["nose"].visibility == pytest.approx(0.5)
    sigma = SPINETRACK.sigmas[SPINETRACK.index(SPINE)]
    one = np.exp(-100 / (2 * AREA_PER_BOX * AREA * (2 * sigma) ** 2))
    # The nose that only one of them sees does not count.
    assert found.oks == pytest.approx((1 + (K - 2 + one) / (K - 1)) / 2)
    points = len(SPINETRACK.spine)
    assert found.spine_oks == pytest.approx((1 + (points - 1 + one) / points) / 2)


def test_it_does_not_matter_who_is_first(project: Project) -> None:
    correct(project, "ann", "i0", shift={SPINE: (3, 4)}, visibility={"nose": ABSENT})
    correct(project, "bob", "i0")
    (one,) = agreement(project, ("ann", "bob"))
    (other,) = agreement(project, ("bob", "ann"))
    assert one.oks == other.oks
    assert one.keypoints == other.keypoints


def test_pairs_and_reports(project: Project) -> None:
    for who in ("ann", "bob", "cid"):
        correct(project, who, "i0")
    correct(project, "dan", "i3")
    found = agreement(project)
    assert [(a.first, a.second) for a in found] == [("ann", "bob"), ("ann", "cid"), ("bob", "cid")]
    assert all(a.oks == pytest.approx(1) for a in found)
    assert "| spine_03 | 1 | 0.0 |" in found[0].to_markdown()


def test_nobody_both_kept_is_no_number(project: Project) -> None:
    correct(project, "ann", "i0", rejected=True)
    correct(project, "bob", "i0", rejected=True)
    (found,) = agreement(project)
    assert (found.people, found.rejected) == (0, 1.0)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["oks"] is None
    assert plain["keypoints"][0]["median_px"] is None


def test_nothing_to_compare(project: Project) -> None:
    correct(project, "ann", "i0")
    correct(project, "bob", "i1")
    with pytest.raises(DataError, match="second person"):
        agreement(project)
    with pytest.raises(UsageError, match="zoe"):
        agreement(project, ("ann", "zoe"))
