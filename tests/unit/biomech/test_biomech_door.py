"""The names of the package: all are there, and what is heavy is imported only when asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import spinepose.biomech as door


def test_every_name_is_what_its_module_makes() -> None:
    listed = [name for names in door._HOMES.values() for name in names]
    assert sorted(listed) == sorted(door.__all__) == sorted(dir(door))
    for home, names in door._HOMES.items():
        for name in names:
            assert getattr(door, name).__module__ == f"spinepose.biomech.{home}"


def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="no attribute 'solv'"):
        _ = door.solv


def test_a_body_model_needs_nothing_heavy() -> None:
    code = (
        "import sys; from spinepose.biomech import body_model, scale_and_solve, judge_poses; "
        "print([name for name in ('scipy', 'cv2', 'opensim', 'ezc3d') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
