"""Where SpineTrack keeps its labels and pictures: four splits, each a label file and a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spinepose.errors import DataError, UsageError

__all__ = ["SPLITS", "SpineTrackLayout", "SplitPaths", "check_splits", "find_layout"]

SPLITS = ("train-real-coco", "train-real-yoga", "train-unreal", "val2017")
"""Photos of COCO and of yoga, synthetic people, and the people that models are judged on."""

_ANNOTATIONS = "annotations"
_IMAGES = "images"


@dataclass(frozen=True, slots=True)
class SplitPaths:
    """Where one split lies, or would lie.

    Attributes
    ----------
    name
        One of `SPLITS`.
    annotations
        The label file, in the COCO format.
    images
        The folder of the pictures.
    """

    name: str
    annotations: Path
    images: Path

    @property
    def has_annotations(self) -> bool:
        """Whether the label file is there."""
        return self.annotations.is_file()

    @property
    def has_images(self) -> bool:
        """Whether the folder of the pictures is there."""
        return self.images.is_dir()


@dataclass(frozen=True, slots=True)
class SpineTrackLayout:
    """A folder in the layout of SpineTrack.

    ``annotations/person_keypoints_<split>.json`` and ``images/<split>/``. A folder of which only
    one split, or only the labels, were fetched is one as well.

    Attributes
    ----------
    root
        The folder that holds ``annotations``.
    """

    root: Path

    @property
    def splits(self) -> tuple[SplitPaths, ...]:
        """The splits whose labels are there, in the order of `SPLITS`."""
        return tuple(paths for paths in self._all() if paths.has_annotations)

    def split(self, name: str, *, images: bool = True) -> SplitPaths:
        """Return the paths of a split that is there.

        Parameters
        ----------
        name
            One of `SPLITS`.
        images
            The pictures are needed too.

        Raises
        ------
        UsageError
            If there is no split of that name.
        DataError
            If its labels, or its pictures where they are needed, are not in the folder.
        """
        check_splits((name,))
        paths = next(paths for paths in self._all() if paths.name == name)
        if not paths.has_annotations:
            raise DataError(f"{paths.annotations} is missing: download the split {name} first")
        if images and not paths.has_images:
            raise DataError(f"{paths.images} is missing: download the pictures of {name} first")
        return paths

    def _all(self) -> Iterator[SplitPaths]:
        for name in SPLITS:
            yield SplitPaths(
                name,
                self.root / _ANNOTATIONS / f"person_keypoints_{name}.json",
                self.root / _IMAGES / name,
            )


def find_layout(root: str | Path) -> SpineTrackLayout:
    """Return the data set in a folder, or in the one folder of it that holds a data set.

    Raises
    ------
    DataError
        If there is none, or several.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is no folder: give the folder that holds SpineTrack's annotations")
    if SpineTrackLayout(root).splits:
        return SpineTrackLayout(root)
    try:
        # Hidden ones may hold half a download.
        inside = [path for path in sorted(root.iterdir()) if path.name[0] != "."]
    except OSError as error:
        raise DataError(f"cannot read {root}: {error.strerror or error}") from error
    found = [layout for layout in map(SpineTrackLayout, inside) if layout.splits]
    if len(found) > 1:
        names = ", ".join(layout.root.name for layout in found)
        raise DataError(f"{root} holds several data sets ({names}): give one of them")
    if not found:
        raise DataError(
            f"{root} does not hold SpineTrack: annotations/person_keypoints_<split>.json is "
            f"missing for every split ({', '.join(SPLITS)})"
        )
    return found[0]


def check_splits(names: tuple[str, ...]) -> None:
    """See that all names are splits of SpineTrack.

    Raises
    ------
    UsageError
        If one is not.
    """
    for name in names:
        if name not in SPLITS:
            raise UsageError(f"no such split: {name!r}; there are {', '.join(SPLITS)}")
