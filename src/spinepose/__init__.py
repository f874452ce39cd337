"""Find people in photos and videos and track their whole body with nine points along the spine.

>>> import spinepose
>>> poses = spinepose.infer_image("examples/astronaut.jpg")
>>> len(poses), poses.keypoints.shape
(1, (1, 33, 2))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinepose.errors import SpinePoseError
    from spinepose.inference import (
        PoseTracker,
        Settings,
        SpinePoseEstimator,
        infer_image,
        infer_video,
        stream,
    )
    from spinepose.poses import Poses
    from spinepose.skeleton import COCO17, HALPE26, SPINETRACK, Skeleton

__all__ = [
    "COCO17",
    "HALPE26",
    "SPINETRACK",
    "PoseTracker",
    "Poses",
    "Settings",
    "Skeleton",
    "SpinePoseError",
    "SpinePoseEstimator",
    "infer_image",
    "infer_video",
    "stream",
]

_HOMES = {
    "spinepose.errors": ("SpinePoseError",),
    "spinepose.inference": (
        *("PoseTracker", "Settings", "SpinePoseEstimator"),
        *("infer_image", "infer_video", "stream"),
    ),
    "spinepose.poses": ("Poses",),
    "spinepose.skeleton": ("COCO17", "HALPE26", "SPINETRACK", "Skeleton"),
}


def __getattr__(name: str) -> Any:
    # A door that opens on demand: `import spinepose` costs nothing, and the ground floor can be
    # had without the rooms above it.
    if name == "__version__":
        from importlib.metadata import version

        return version("spinepose")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
