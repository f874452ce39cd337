"""Fetch SpineTrack from the hub: all of it, its labels, or the pictures of some splits.

A split appears under its name only when it is whole; until then it grows in ``.spinetrack/``, and
the next call goes on with it. ``.spinetrack/manifest.json`` holds what is finished.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spinepose.dataset.archives import Member, list_members, open_archive, unpack_member
from spinepose.dataset.hub import (
    HubError,
    HubFile,
    NoRangesError,
    RemoteReader,
    check_sha256,
    fetch,
    find_file,
    need_extra,
    part_of,
)
from spinepose.dataset.layout import SPLITS, SpineTrackLayout, check_splits
from spinepose.dataset.manifest import Manifest, Part, size_of
from spinepose.errors import DataError, OutputError, UsageError
from spinepose.files import errors_for, remove_leftovers

__all__ = ["Downloaded", "Progress", "download", "is_offline"]

_WORK = ".spinetrack"
_ARCHIVES = ("annotations.zip", "images.zip")
_BUFFER = 1 << 18
"""Bytes, enough for the headers between pictures."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step is.

    Attributes
    ----------
    step
        ``fetch <archive>`` or ``unpack <folder>``.
    done, total
        Bytes.
    """

    step: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
Chosen = dict[PurePosixPath, Member]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a call of :func:`download` did.

    Attributes
    ----------
    layout
        The data set.
    revision
        The commit that it is of, `None` if it came from archives that lay there.
    new, kept
        Folders that were made, and those that were whole already.
    """

    layout: SpineTrackLayout
    revision: str | None
    new: tuple[str, ...]
    kept: tuple[str, ...]


def is_offline() -> bool:
    """Tell whether `SPINEPOSE_OFFLINE` or `HF_HUB_OFFLINE` forbids the network."""
    names = ("SPINEPOSE_OFFLINE", "HF_HUB_OFFLINE")
    return any(os.environ.get(name, "") not in ("", "0") for name in names)


def download(
    out: str | Path,
    *,
    splits: Sequence[str] | None = None,
    annotations_only: bool = False,
    endpoints: Sequence[str] | None = None,
    revision: str | None = None,
    keep_archives: bool = False,
    on_progress: OnProgress | None = None,
) -> Downloaded:
    """Bring SpineTrack, or a part of it, into a folder.

    The labels of all splits always come (25 MB). Without `splits` the archive of all pictures
    (19.4 GB) is fetched whole and compared with the hub's sha256; for some splits only their bytes
    of it are fetched, and each picture is compared with its CRC-32. A call that was stopped, at
    whatever moment, is gone on with by the next; what is whole is not fetched again. An archive
    that lies in the folder already is unpacked instead of fetched.

    Parameters
    ----------
    out
        The folder of the data set.
    splits
        Which pictures; `None` = all.
    annotations_only
        No pictures.
    endpoints
        Addresses of hubs, tried in order. `None` = ``HF_ENDPOINT``, or Hugging Face. An account
        is named to that one only.
    revision
        Branch, tag or commit. `None` = that of the folder, or for a new one the newest.
    keep_archives
        Fetch the archives whole and leave them in the folder.
    on_progress
        Called often.

    Raises
    ------
    UsageError
        If a split is unknown, or another process fetches into the folder.
    DataError
        If no hub gives what it should, the network is forbidden, or an archive is broken or not
        safe to unpack.
    OutputError
        If there is no room, or something cannot be written.
    MissingExtraError
        If the extra ``data`` is not installed.
    """
    chosen = tuple(SPLITS) if splits is None else tuple(dict.fromkeys(splits))
    check_splits(chosen)
    parts = [Part("annotations")]
    parts += [] if annotations_only else [Part(f"images/{split}") for split in chosen]
    need_extra()
    out = Path(out)
    with _alone(out):
        job = _Job(
            out=out,
            manifest=Manifest.read(out / _WORK),
            endpoints=_endpoints(endpoints),
            revision=revision,
            keep=keep_archives,
            report=on_progress or (lambda _: None),
        )
        new = [part for part in parts if not job.manifest.has(part, out)]
        job.make(new)
        job.tidy()
    return Downloaded(
        SpineTrackLayout(out),
        job.manifest.revision,
        tuple(part.folder for part in new),
        tuple(part.folder for part in parts if part not in new),
    )


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep a second process out of a folder; the system frees the lock when a process dies."""
    from filelock import FileLock, Timeout

    work = out / _WORK
    with errors_for(work):
        work.mkdir(parents=True, exist_ok=True)
        lock = FileLock(work / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise UsageError(f"another process fetches into {out}: wait for it") from error
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class _Job:
    """One call of :func:`download`; the attributes are its arguments."""

    out: Path
    manifest: Manifest
    endpoints: tuple[str | None, ...]
    revision: str | None
    keep: bool
    report: OnProgress

    @property
    def work(self) -> Path:
        return self.out / _WORK

    def make(self, parts: list[Part]) -> None:
        """Bring folders that are not whole."""
        for part in parts:
            if part.folder not in self.manifest.parts and (self.out / part.folder).exists():
                raise OutputError(
                    f"{self.out / part.folder} is there already and was not fetched by this "
                    "command: move it away or choose another folder"
                )
        jobs = [(name, [part for part in parts if part.archive == name]) for name in _ARCHIVES]
        away = [name for name, wanted in jobs if wanted and self._at_hand(name) is None]
        if away and is_offline():
            raise DataError(
                f"{' and '.join(away)} are not in {self.out} and SPINEPOSE_OFFLINE or "
                "HF_HUB_OFFLINE forbids to fetch them: run this on a machine with a network and "
                "copy the folder, or put the archives into it"
            )
        for name, wanted in jobs:
            path = self._at_hand(name)
            if wanted and path is not None:
                self._unpack_file(path, wanted)
            elif wanted:
                self._ask_hubs(name, wanted)

    def tidy(self) -> None:
        """Remove or hand out the archives that are not needed any more."""
        for name in _ARCHIVES:
            path = self.work / name
            with errors_for(path):
                if self.keep and path.is_file():
                    path.replace(self.out / name)
                path.unlink(missing_ok=True)
        if all(self.manifest.has(Part(f"images/{split}"), self.out) for split in SPLITS):
            for path in self.work.glob(".*.zip.*.part"):
                path.unlink(missing_ok=True)

    def _at_hand(self, name: str) -> Path | None:
        """Return an archive that was fetched whole before, or was put into the folder."""
        found = (path / name for path in (self.work, self.out) if (path / name).is_file())
        return next(found, None)

    def _ask_hubs(self, name: str, parts: list[Part]) -> None:
        failures = []
        for endpoint in self.endpoints:
            try:
                return self._ask_hub(endpoint, name, parts)
            except HubError as error:
                failures.append(f"{endpoint or _default_endpoint()} {error}")
        raise DataError(
            f"{name} of SpineTrack cannot be fetched ({'; '.join(failures)}): check the network "
            "and run again, what came already is kept"
        )

    def _ask_hub(self, endpoint: str | None, name: str, parts: list[Part]) -> None:
        file = find_file(name, self.revision or self.manifest.revision or "main", endpoint)
        self._agree(file)
        if self.keep or name != "images.zip" or len(parts) == len(SPLITS):
            self._unpack_file(self._fetch_whole(file, parts), parts)
            return
        with _remote_archive(file) as packed:
            self._unpack(packed, parts)

    def _agree(self, file: HubFile) -> None:
        """See that a folder does not become a mixture of revisions."""
        if self.manifest.revision is None:
            self.manifest.revision = file.commit
            self.manifest.write()
        elif self.manifest.revision != file.commit:
            raise DataError(
                f"{self.out} holds revision {self.manifest.revision[:12]} and not "
                f"{file.commit[:12]}: choose another folder, or leave out the revision"
            )

    def _fetch_whole(self, file: HubFile, parts: list[Part]) -> Path:
        known = self.manifest.sha256.get(file.name)
        if known is not None and file.sha256 not in (None, known):
            raise HubError(f"announces a {file.name} with the sha256 {file.sha256}, not {known}")
        target = self.work / file.name
        there = size_of(part_of(file, target)) or 0
        self._need_room(file.name, file.size - there + self._unpacked_size(file, parts))
        self.manifest.sha256[file.name] = fetch(
            file,
            target,
            file.sha256 or known,
            lambda done: self.report(Progress(f"fetch {file.name}", done, file.size)),
        )
        self.manifest.write()
        return target

    def _unpacked_size(self, file: HubFile, parts: list[Part]) -> int:
        """Return what an archive on a hub will unpack to, from its table of contents."""
        if file.name != "images.zip":
            # Not worth asking: there is a second look when it is here.
            return 0
        try:
            with _remote_archive(file) as packed:
                members = list_members(packed)
                missing = [self._missing(part, part.select(members)) for part in parts]
        except NoRangesError:
            # Pictures do not become smaller in an archive.
            return file.size
        return sum(size for part in missing for size in _sizes(part).values())

    def _need_room(self, what: str, needed: int) -> None:
        with errors_for(self.out):
            free = shutil.disk_usage(self.out).free
        if needed > free:
            raise OutputError(
                f"{what} needs {needed / 1e9:.3g} GB in {self.out} and {free / 1e9:.3g} GB are "
                "free: make room, or choose another folder or fewer splits"
            )

    def _unpack_file(self, path: Path, parts: list[Part]) -> None:
        known = self.manifest.sha256.get(path.name)
        try:
            # In the working folder lie only archives that were checked when they came.
            if known is not None and path.parent != self.work:
                check_sha256(path, known)
            with path.open("rb") as file, open_archive(file) as packed:
                self._unpack(packed, parts)
        except HubError as error:
            raise DataError(f"{path} is damaged (it {error}): remove it and run again") from error
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error

    def _unpack(self, packed: zipfile.ZipFile, parts: list[Part]) -> None:
        members = list_members(packed)
        chosen = [part.select(members) for part in parts]
        missing = [self._missing(*pair) for pair in zip(parts, chosen, strict=True)]
        needed = sum(sum(_sizes(part).values()) for part in missing)
        self._need_room(" and ".join(part.folder for part in parts), needed)
        for part, everything, rest in zip(parts, chosen, missing, strict=True):
            self._finish(packed, part, everything, rest)

    def _missing(self, part: Part, chosen: Chosen) -> Chosen:
        """Return what of a folder is not there from earlier calls."""
        growing = self.work / part.folder
        base = growing if growing.exists() else self.out / part.folder
        return {
            path: member
            for path, member in chosen.items()
            if size_of(base / path) != member.info.file_size
        }

    def _finish(self, packed: zipfile.ZipFile, part: Part, chosen: Chosen, missing: Chosen) -> None:
        """Unpack what is missing of a folder and give it its place."""
        growing, final = self.work / part.folder, self.out / part.folder
        with errors_for(growing):
            if final.exists() and not growing.exists():
                # It was finished once and lost something since: it grows again.
                growing.parent.mkdir(parents=True, exist_ok=True)
                final.rename(growing)
        remove_leftovers(growing)
        total = sum(_sizes(chosen).values())
        done = total - sum(_sizes(missing).values())
        for path, member in missing.items():
            self.report(Progress(f"unpack {part.folder}", done, total))
            unpack_member(packed, member, growing / path)
            done += member.info.file_size
        self.report(Progress(f"unpack {part.folder}", done, total))
        # Noted first: a folder that is there but not noted is somebody else's.
        self.manifest.parts[part.folder] = _sizes(chosen)
        self.manifest.write()
        with errors_for(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            growing.rename(final)


@contextlib.contextmanager
def _remote_archive(file: HubFile) -> Iterator[zipfile.ZipFile]:
    """Open an archive where it is; a broken one is the hub's fault."""
    try:
        with (
            io.BufferedReader(RemoteReader(file), _BUFFER) as stream,
            open_archive(stream) as packed,
        ):
            yield packed
    except DataError as error:
        raise HubError(f"gives a broken archive: {error}") from error


def _sizes(chosen: Chosen) -> dict[str, int]:
    return {str(path): member.info.file_size for path, member in chosen.items()}


def _endpoints(endpoints: Sequence[str] | None) -> tuple[str | None, ...]:
    if endpoints is None:
        return (None,)
    if not endpoints:
        raise UsageError("no hub is named: give an address, or leave it out")
    return tuple(endpoint.rstrip("/") for endpoint in endpoints)


def _default_endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT
