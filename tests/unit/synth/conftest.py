"""Fixtures of the synthetic people: the body model is built once (a minute) and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spinepose.synth.scene import Studio


@pytest.fixture(scope="session")
def studio() -> Studio:
    """Everything that makes people, at a small size."""
    pytest.importorskip("anny")
    pytest.importorskip("numba")
    from spinepose.synth.scene import Recipe, Studio

    return Studio(Recipe(seed=1, size=160, people=1, occluders=0.0))
