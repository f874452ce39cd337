"""Leeds Sports Pose and its extension, as their authors keep them: ``joints.mat``.

The first set (Johnson and Everingham, BMVC 2010) has an array of 3 x 14 x N whose third row is 1
where a joint is *hidden*, against its own description; all joints are placed. The extension
(CVPR 2011) has 14 x 3 x N, and its third column is 1 where a joint was seen and placed; others
are guesses and count as not labelled.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinepose.dataset.formats.parts import BROKEN, box_around, placed, reason, refuse
from spinepose.dataset.formats.vocabularies import rows_of
from spinepose.dataset.people import LabelledPeople, Person
from spinepose.errors import DataError
from spinepose.skeleton import LSP14

__all__ = ["read_lsp"]

Float32 = npt.NDArray[np.float32]

_SUFFIXES = (".jpg", ".png")  # the extension exists as PNG in full size too
_LEAST_JOINTS = 2
"""People with fewer give no box."""


def read_lsp(path: Path, images: Path | None = None, use: str = "") -> LabelledPeople:
    """Read ``joints.mat`` of Leeds Sports Pose or of its extension.

    Boxes are around the joints, with a margin.

    Parameters
    ----------
    path
        The file, or its folder.
    images
        Folder of the pictures ``im0001.jpg`` or ``im00001.jpg``, where it is not ``images``
        beside the file.
    use
        Not known here.

    Raises
    ------
    DataError
        If it is not such a file.
    UsageError
        If `use` is given.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    refuse(path, use=use)
    file = path / "joints.mat" if path.is_dir() else path
    try:
        raw = np.asarray(loadmat(file)["joints"], np.float32)
    except (*BROKEN, MatReadError, NotImplementedError) as error:
        raise DataError(f"{file}: not joints of Leeds Sports Pose: {reason(error)}") from error
    source, joints = _joints(file, raw)
    folder = images or file.parent / "images"
    digits = 4 if source == "lsp" else 5
    pictures = [_picture(folder, f"im{i:0{digits}d}") for i in range(1, len(joints) + 1)]
    rows = rows_of(LSP14.keypoints, len(LSP14))
    people = []
    for picture, person in zip(pictures, joints, strict=True):
        points, trust, hidden = placed(person, rows)
        known = points[trust > 0]
        if len(known) >= _LEAST_JOINTS:
            box = box_around(known)
            people.append(Person(picture, source, box, points, trust, hidden=hidden))
    return LabelledPeople(file, people, pictures)


def _joints(file: Path, raw: Float32) -> tuple[str, Float32]:
    """Return which set it is, and x, y and COCO's visibility (N, 14, 3)."""
    if raw.shape[:2] == (3, len(LSP14)):
        joints = raw.transpose(2, 1, 0).copy()
        joints[..., 2] = np.where(joints[..., 2] > 0, 1, 2)
        return "lsp", joints
    if raw.shape[:2] == (len(LSP14), 3):
        joints = raw.transpose(2, 0, 1).copy()
        joints[..., 2] = np.where(joints[..., 2] > 0, 2, 0)
        return "lspe", joints
    raise DataError(f"{file}: joints are {raw.shape}, not 3 x 14 x N or 14 x 3 x N")


def _picture(folder: Path, stem: str) -> Path:
    found = (folder / f"{stem}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in found if path.is_file()), folder / f"{stem}{_SUFFIXES[0]}")
