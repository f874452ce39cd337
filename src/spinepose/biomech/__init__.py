"""Biomechanics: a body model with an articulated spine, its motion, and OpenSim's files."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinepose.biomech.body import body_model
    from spinepose.biomech.c3d import read_c3d, write_c3d
    from spinepose.biomech.comparison import compare_with_opensim
    from spinepose.biomech.ik import Fit, from_world, solve, to_world
    from spinepose.biomech.kinematics import BodyFrames, Kinematics
    from spinepose.biomech.osim import write_osim
    from spinepose.biomech.plausibility import Plausibility, judge_pose, judge_poses
    from spinepose.biomech.points import read_points
    from spinepose.biomech.posture import Posture, measure_posture, write_posture
    from spinepose.biomech.scaling import estimate_scale, scale_and_solve
    from spinepose.biomech.smoothing import Smoothed, smooth
    from spinepose.biomech.spec import Body, Coordinate, Marker, ModelSpec, Turn
    from spinepose.biomech.tables import Table, read_motion, read_table, write_motion, write_table
    from spinepose.biomech.validation import Sight, Validation, validate_markers, validate_sight
    from spinepose.biomech.verdict import Verdict, judge_markers

__all__ = [
    "Body",
    "BodyFrames",
    "Coordinate",
    "Fit",
    "Kinematics",
    "Marker",
    "ModelSpec",
    "Plausibility",
    "Posture",
    "Sight",
    "Smoothed",
    "Table",
    "Turn",
    "Validation",
    "Verdict",
    "body_model",
    "compare_with_opensim",
    "estimate_scale",
    "from_world",
    "judge_markers",
    "judge_pose",
    "judge_poses",
    "measure_posture",
    "read_c3d",
    "read_motion",
    "read_points",
    "read_table",
    "scale_and_solve",
    "smooth",
    "solve",
    "to_world",
    "validate_markers",
    "validate_sight",
    "write_c3d",
    "write_motion",
    "write_osim",
    "write_posture",
    "write_table",
]

_HOMES = {
    "body": ("body_model",),
    "c3d": ("read_c3d", "write_c3d"),
    "comparison": ("compare_with_opensim",),
    "ik": ("Fit", "from_world", "solve", "to_world"),
    "kinematics": ("BodyFrames", "Kinematics"),
    "osim": ("write_osim",),
    "plausibility": ("Plausibility", "judge_pose", "judge_poses"),
    "points": ("read_points",),
    "posture": ("Posture", "measure_posture", "write_posture"),
    "scaling": ("estimate_scale", "scale_and_solve"),
    "smoothing": ("Smoothed", "smooth"),
    "spec": ("Body", "Coordinate", "Marker", "ModelSpec", "Turn"),
    "tables": ("Table", "read_motion", "read_table", "write_motion", "write_table"),
    "validation": ("Sight", "Validation", "validate_markers", "validate_sight"),
    "verdict": ("Verdict", "judge_markers"),
}


def __getattr__(name: str) -> Any:
    # Opened on demand: a body model needs no scipy, as smoothing does, and no OpenCV, as views do.
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
