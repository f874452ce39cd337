"""Where backdrops come from: a folder of pictures, one file, or nothing but chance."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np

from spinepose.errors import InputError, UsageError
from spinepose.media.sources import IMAGE_SUFFIXES
from spinepose.synth.backdrops.base import Backdrop
from spinepose.synth.backdrops.panorama import Panorama
from spinepose.synth.backdrops.photo import Photo
from spinepose.synth.backdrops.pictures import Picture, load_picture
from spinepose.synth.backdrops.places import procedural as new_place

__all__ = ["BackdropSource", "open_backdrops"]

_KEPT = 6


class BackdropSource:
    """An endless supply of backdrops.

    Parameters
    ----------
    files
        Pictures, decoded when they are picked; the last few are kept.
    procedural
        Share of places that are computed, 0..1; without files it is 1.
    kept
        How many decoded pictures are kept in memory, at least 1.
    """

    def __init__(self, files: tuple[Path, ...], procedural: float, kept: int = _KEPT) -> None:
        self.files = files
        self.procedural = procedural if files else 1.0
        self._kept = kept
        self._pictures: OrderedDict[Path, Picture] = OrderedDict()

    def pick(self, rng: np.random.Generator) -> Backdrop:
        """Return a backdrop that depends on nothing but the files and the random numbers.

        Parameters
        ----------
        rng
            Source of random numbers.

        Raises
        ------
        InputError
            If the picked file cannot be read; the message names it.
        """
        if rng.uniform() < self.procedural:
            return new_place(rng)
        picture = self._picture(self.files[int(rng.integers(len(self.files)))])
        return Panorama(picture, rng) if picture.panorama else Photo(picture, rng)

    def _picture(self, path: Path) -> Picture:
        """Return a decoded file, from memory if it was used lately."""
        picture = self._pictures.pop(path, None) or load_picture(path)
        self._pictures[path] = picture
        if len(self._pictures) > self._kept:
            self._pictures.popitem(last=False)
        return picture


def open_backdrops(source: Path | None, procedural: float = 0.5) -> BackdropSource:
    """Return backdrops from files, computed ones, or both.

    Parameters
    ----------
    source
        A picture; or a folder, whose pictures and those of its sub-folders are taken in the order
        of their names; or `None` for computed places only. Pictures about twice as wide as high
        (1.9 to 2.1) are panoramas of all directions, others flat photos.
    procedural
        Share of computed places among the picks, 0..1.

    Raises
    ------
    InputError
        If the source does not exist, or the folder has no picture.
    UsageError
        If the share is not within 0..1.
    """
    if not 0.0 <= procedural <= 1.0:
        raise UsageError(f"the share of procedural backdrops must be 0 to 1, not {procedural:g}")
    if source is None:
        return BackdropSource((), 1.0)
    source = Path(source)
    if source.is_file():
        return BackdropSource((source,), procedural)
    if not source.is_dir():
        raise InputError(f"backgrounds {source} do not exist: give a folder of pictures or a file")
    files = tuple(
        path
        for path in sorted(source.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
        if path.is_file()
    )
    if not files:
        raise InputError(f"{source} has no pictures to use as backgrounds, nor its sub-folders")
    return BackdropSource(files, procedural)
