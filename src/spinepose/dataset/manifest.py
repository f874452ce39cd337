"""What a download into a folder has finished, and which members of which archive go where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from spinepose.dataset.archives import Member
from spinepose.errors import DataError
from spinepose.files import atomic_write

__all__ = ["Manifest", "Part", "size_of"]

_NAME = "manifest.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A folder that appears at once.

    Attributes
    ----------
    folder
        Below the data set: ``annotations`` or ``images/<split>``.
    """

    folder: str

    @property
    def archive(self) -> str:
        """The name of the archive that it comes from."""
        return self.folder.split("/")[0] + ".zip"

    def select(self, members: list[Member]) -> dict[PurePosixPath, Member]:
        """Return what of an archive goes into the folder, by its path in there.

        Folders around (``spinetrack/images/val2017/...``) are dropped.
        """
        chosen: dict[PurePosixPath, Member] = {}
        for member in members:
            path = self._place(member.path)
            if path is not None and chosen.setdefault(path, member) is not member:
                raise DataError(f"{self.archive} holds {str(path)!r} twice")
        if not chosen:
            raise DataError(f"{self.archive} holds nothing for {self.folder}")
        return chosen

    def _place(self, path: PurePosixPath) -> PurePosixPath | None:
        if self.folder == "annotations":
            return PurePosixPath(path.name) if path.suffix == ".json" else None
        split = self.folder.split("/")[1]
        if split not in path.parts[:-1]:
            return None
        return PurePosixPath(*path.parts[path.parts.index(split) + 1 :])


@dataclass(slots=True)
class Manifest:
    """What is known about a data set on disk.

    Attributes
    ----------
    revision
        Its commit, once a hub said so.
    sha256
        Of each archive that was fetched whole; every later copy is held to it.
    parts
        Bytes of each file of each folder that is finished.
    """

    path: Path
    revision: str | None = None
    sha256: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, work: Path) -> Manifest:
        """Return what was written last, or an empty one.

        Raises
        ------
        DataError
            If it cannot be understood.
        """
        path = work / _NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("schema") != _SCHEMA:
                raise DataError(f"{path} was written by a newer version: update spinepose")
            return cls(path, **content)
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{path} cannot be read ({error}): remove it and run again") from error

    def has(self, part: Part, out: Path) -> bool:
        """Tell whether a folder is finished and nothing of it was lost since."""
        sizes = self.parts.get(part.folder)
        return sizes is not None and all(
            size_of(out / part.folder / name) == size for name, size in sizes.items()
        )

    def write(self) -> None:
        """Write it in the place of the last."""
        content = {
            "schema": _SCHEMA,
            "revision": self.revision,
            "sha256": self.sha256,
            "parts": self.parts,
        }
        with atomic_write(self.path) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")


def size_of(path: Path) -> int | None:
    """Return the bytes of a file, `None` if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None
