"""Pictures are known again in another size and quality, and others are not taken for them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from spinepose.curation.fingerprints import Fingerprint, fingerprint, near_pairs
from spinepose.errors import InputError
from tests.unit.curation.sets import photo


def made(rng: np.random.Generator) -> Fingerprint:
    bits, tiny = rng.random(64) < 0.5, rng.integers(0, 256, (16, 16)).astype(np.uint8)
    return Fingerprint((9, 9), rng.bytes(32), bits, tiny)


@pytest.mark.parametrize("size", [(640, 480), (1280, 960), (233, 175), (61, 46)])
@pytest.mark.parametrize("quality", [95, 50])
def test_another_size_and_quality_is_near(tmp_path: Path, size, quality: int) -> None:
    first = cv2.imread(str(photo(tmp_path / "a.png", 3, (640, 480))))
    path = tmp_path / "b.jpg"
    resized = cv2.resize(first, size, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), resized, [cv2.IMWRITE_JPEG_QUALITY, quality])
    other = photo(tmp_path / "c.png", 4, (640, 480))
    prints = [fingerprint(tmp_path / name) for name in ("a.png", "b.jpg", other.name)]
    assert prints[1].size == size
    assert near_pairs(prints).tolist() == [[0, 1]]


def test_pairs_are_those_of_a_search_through_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spinepose.curation.fingerprints._BLOCK", 7)
    monkeypatch.setattr("spinepose.curation.fingerprints._PAIRS", 2)
    rng = np.random.default_rng(5)
    prints = [made(rng) for _ in range(20)]
    for base in prints[:12]:
        bits = base.bits.copy()
        flipped = rng.choice(64, rng.integers(2, 14), replace=False)
        bits[flipped] = ~bits[flipped]
        prints.append(Fingerprint((9, 9), rng.bytes(32), bits, base.tiny))
    # The same bits by chance, and nothing else alike.
    prints.append(Fingerprint((9, 9), rng.bytes(32), prints[0].bits, made(rng).tiny))
    expected = [
        [a, b]
        for a in range(len(prints))
        for b in range(a + 1, len(prints))
        if (prints[a].bits != prints[b].bits).sum() <= 8
        and (prints[a].tiny == prints[b].tiny).all()
    ]
    assert 3 < len(expected) < 12
    assert sorted(near_pairs(prints).tolist()) == expected


def test_pictures_without_contrast_are_not_compared(tmp_path: Path) -> None:
    for value in (90, 91):
        cv2.imwrite(str(tmp_path / f"{value}.png"), np.full((40, 40, 3), value, np.uint8))
    assert near_pairs([fingerprint(path) for path in tmp_path.iterdir()]).size == 0
    assert near_pairs([]).shape == (0, 2)


@pytest.mark.parametrize("data", [b"", b"text", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.jpg"):
        fingerprint(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="cannot read"):
        fingerprint(tmp_path / "b.jpg")
