"""Synthetic people: bodies with known vertebrae, dressed, posed, lit and photographed.

World frame: metres, right-handed, z up, the ground at z = 0. A person at rest stands at the origin
and faces -y; the left side is +x. Camera frame: x right, y down, z forward (OpenCV).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinepose.synth.body.asset import ensure_asset
    from spinepose.synth.dataset import Made, make_dataset
    from spinepose.synth.scene import Recipe

__all__ = ["Made", "Recipe", "activity_names", "ensure_asset", "make_dataset"]

_HOMES = {
    "Made": "spinepose.synth.dataset",
    "Recipe": "spinepose.synth.scene",
    "ensure_asset": "spinepose.synth.body.asset",
    "make_dataset": "spinepose.synth.dataset",
}


def activity_names() -> list[str]:
    """Return the names of all activities.

    Raises
    ------
    MissingExtraError
        If the extra ``synth`` is not installed.
    """
    _need_extra()
    from spinepose.synth.pose.activities import ACTIVITIES

    return [activity.name for activity in ACTIVITIES]


def _need_extra() -> None:
    """Raise MissingExtraError when a package of the extra is missing."""
    from importlib.util import find_spec

    from spinepose.errors import MissingExtraError

    if any(find_spec(name) is None for name in ("numba", "anny")):
        raise MissingExtraError("making synthetic people", "synth")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    _need_extra()
    return getattr(import_module(_HOMES[name]), name)
