"""A validated motion as the files that other programs of the field read."""

from __future__ import annotations

from pathlib import Path

from spinepose.biomech.c3d import write_c3d
from spinepose.biomech.osim import write_osim
from spinepose.biomech.tables import write_motion
from spinepose.biomech.validation import Validation
from spinepose.export.trc import write_trc

__all__ = ["write_motion_files"]


def write_motion_files(
    folder: str | Path, validation: Validation, *, c3d: bool = False
) -> list[Path]:
    """Write a person's model, motion and keypoints; return the paths.

    ``person.osim`` has the person's size, ``motion.mot`` the smooth poses of the frames that have
    one, ``keypoints.trc`` the keypoints as they were measured, all of them y up, in metres and
    degrees.

    Parameters
    ----------
    folder
        It is made if it is not there.
    validation
        What to write.
    c3d
        Write ``keypoints.c3d`` as well.

    Raises
    ------
    MissingExtraError
        If `c3d` is wanted and `ezc3d` is not installed.
    OutputError
        If a file cannot be written.
    """
    folder = Path(folder)
    spec, fit = validation.body.spec, validation.motion.fit
    names = [marker.name for marker in spec.markers]
    written = [folder / "keypoints.trc", folder / "person.osim", folder / "motion.mot"]
    write_trc(written[0], validation.markers, names, validation.rate, rotation=None)
    write_osim(written[1], spec, fit.scale, name="person")
    write_motion(written[2], spec, fit.coordinates[fit.solved], validation.times[fit.solved])
    if c3d:
        written.append(folder / "keypoints.c3d")
        write_c3d(written[-1], validation.markers, names, validation.rate)
    return written
