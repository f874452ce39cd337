"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def examples() -> Path:
    """The gallery of the repository."""
    return ROOT / "examples"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recordings that are not part of the repository; tests that want them skip without them."""
    folder = Path(os.environ.get("SPINEPOSE_TEST_DATA", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("needs recordings that are not part of the repository: SPINEPOSE_TEST_DATA")
    return folder
