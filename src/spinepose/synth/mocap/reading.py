"""Find and read motion capture files; errors name the file and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from spinepose.errors import InputError
from spinepose.synth.mocap.acclaim import read_acclaim
from spinepose.synth.mocap.biovision import read_biovision
from spinepose.synth.mocap.recording import Recording

__all__ = ["MOTION_SUFFIXES", "find_motions", "read_motion"]

MOTION_SUFFIXES = (".amc", ".bvh")
_LARGEST = 200 << 20


def find_motions(source: Path) -> list[Path]:
    """Return the motion files that a path means: itself, or those in a folder, sorted by name.

    Raises
    ------
    InputError
        If there are none.
    """
    if source.is_dir():
        found = sorted(
            path for path in source.rglob("*") if path.suffix.lower() in MOTION_SUFFIXES
        )
        if not found:
            raise InputError(f"{source} holds no motion capture (.amc with .asf, or .bvh)")
        return found
    if not source.is_file():
        raise InputError(f"{source} does not exist")
    if source.suffix.lower() not in MOTION_SUFFIXES:
        raise InputError(f"{source} is no motion capture: give an .amc, a .bvh or a folder of them")
    return [source]


def read_motion(path: str | Path) -> Recording:
    """Read a recorded motion.

    Parameters
    ----------
    path
        A ``.bvh`` file, or an ``.amc`` file whose ``.asf`` lies beside it: with the name up to
        the first underscore, as in the CMU database, or the only one there.

    Raises
    ------
    InputError
        If a file is missing, too large or broken.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".amc":
        skeleton = _skeleton_of(path)
        return read_acclaim(_text(skeleton), _text(path), (str(skeleton), str(path)))
    if suffix == ".bvh":
        return read_biovision(_text(path), str(path))
    raise InputError(f"{path} is no motion capture: give an .amc or a .bvh file")


def _skeleton_of(path: Path) -> Path:
    beside = sorted(p for p in path.parent.glob("*") if p.suffix.lower() == ".asf")
    for candidate in beside:
        if candidate.stem in (path.stem.split("_", 1)[0], path.stem):
            return candidate
    if len(beside) == 1:
        return beside[0]
    raise InputError(f"{path} needs its skeleton: put the .asf file beside it")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is larger than 200 MB; cut it into pieces")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
