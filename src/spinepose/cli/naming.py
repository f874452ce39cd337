"""Which file each input's results go to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from spinepose.errors import InputError, OutputError
from spinepose.inference import Outputs
from spinepose.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source

__all__ = ["name_outputs"]


def name_outputs(
    sources: Sequence[Source],
    output: Path | None,
    save: Path | None,
    openpose: Path | None,
    visual: bool,
) -> list[tuple[Source, Outputs]]:
    """Return what is written for each input.

    Parameters
    ----------
    sources
        The inputs.
    output
        A file for one input, a folder for any number, or `None` for ``NAME_spinepose.SUFFIX`` in
        the current folder. Something with a picture's or video's suffix is a file.
    save
        Likewise for the data; `None` writes none.
    openpose
        Folder of OpenPose files; several inputs get one folder each inside it.
    visual
        Whether pictures and videos are wanted at all.

    Raises
    ------
    OutputError
        One file for several inputs, or an output that would overwrite its input.
    InputError
        A picture's suffix for a video, or the other way round.
    """
    several = len(sources) > 1
    taken: set[Path] = set()
    plan = []
    for source in sources:
        drawn = _drawn_path(source, output, several, taken) if visual else None
        data = _data_path(source, save, several, taken)
        for path in (drawn, data):
            _spare_input(source, path)
        frames = openpose / source.name if openpose is not None and several else openpose
        plan.append((source, Outputs(visual=drawn, data=data, openpose=frames)))
    return plan


def _drawn_path(source: Source, output: Path | None, several: bool, taken: set[Path]) -> Path:
    image = source.kind == "image"
    suffixes = IMAGE_SUFFIXES if image else VIDEO_SUFFIXES
    if output is not None and _is_file(output, (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)):
        _only_one(several, output)
        if output.suffix.lower() not in suffixes:
            kind = "an image" if image else "a video"
            raise InputError(
                f"{source.location} is {kind}, but the output {output} ends in "
                f"{output.suffix}: use one of {' '.join(sorted(suffixes))}"
            )
        return output
    suffix = _writable_suffix(source)
    stem = source.name if output is not None else f"{source.name}_spinepose"
    return _free(output or Path(), stem, suffix, taken)


def _writable_suffix(source: Source) -> str:
    """Return the input's own suffix when we can write it, else a common one."""
    own = source.path.suffix.lower() if source.path is not None else ""
    if source.kind == "image":
        return own if own in (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff") else ".jpg"
    return own if own in (".mp4", ".mov", ".mkv") else ".mp4"


def _data_path(source: Source, save: Path | None, several: bool, taken: set[Path]) -> Path | None:
    if save is None:
        return None
    if _is_file(save, (".json", ".jsonl")):
        _only_one(several, save)
        return save
    return _free(save, source.name, ".json" if source.kind == "image" else ".jsonl", taken)


def _is_file(path: Path, suffixes: Iterable[str]) -> bool:
    return not path.is_dir() and path.suffix.lower() in suffixes


def _only_one(several: bool, path: Path) -> None:
    if several:
        raise OutputError(f"{path} is one file for several inputs: name a folder instead")


def _free(folder: Path, stem: str, suffix: str, taken: set[Path]) -> Path:
    """Return a path that no other input of this run has taken."""
    path, count = folder / f"{stem}{suffix}", 1
    while path in taken:
        count += 1
        path = folder / f"{stem}_{count}{suffix}"
    taken.add(path)
    return path


def _spare_input(source: Source, path: Path | None) -> None:
    if path is None or source.path is None:
        return
    if path.exists() and source.path.exists() and path.samefile(source.path):
        raise OutputError(f"the output {path} would overwrite its input: name another file")
