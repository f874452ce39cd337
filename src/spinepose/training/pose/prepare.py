"""Make people ready for training: read, keep some back, let teachers fill in, pack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from spinepose.dataset.people import Person, held_out
from spinepose.dataset.readers import read_people
from spinepose.errors import DataError, UsageError
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.config import SetSettings, TeacherSettings
from spinepose.training.pose.labels import RENDERED, LabelWeights, labelled_people
from spinepose.training.pose.shards import pack

__all__ = ["chosen_people", "prepared"]

_FORMATS = {
    "coco": ("coco", ""),
    "lspe": ("persons", ""),
    "coco-train": ("persons", "train"),
    "coco-dev": ("persons", "dev"),
    "persons": ("persons", ""),
    "people": ("pictures", ""),
}
"""Format and use of the reader for each format of the settings."""

_RENDERED_BODY = 0.5  # joints of rendered people lie a little off the COCO convention
_LEAST_KEYPOINTS = 12
_LEAST_SIDE = 60.0  # pixels: smaller people teach noise


def prepared(
    settings: SetSettings,
    teacher: TeacherSettings,
    folder: Path,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Return the pack of a set, made now unless it is there.

    Parameters
    ----------
    settings
        Where the people are and which of them to take.
    teacher
        What labels real people.
    folder
        Where packs are kept; the name holds a hash of all that decides what is inside.
    progress
        Called with the number of people packed.

    Raises
    ------
    DataError
        The set is missing or broken.
    """
    source = Path(settings.path)
    if settings.format == "pack":
        if not source.is_file():
            raise DataError(f"{source}: no such pack")
        return source
    if not source.exists():
        raise DataError(f"{source}: no such data set")
    # The share, or how many of them to use, does not change the people inside.
    same = msgspec.structs.replace(settings, share=0.0, part=1.0)
    decides = [msgspec.to_builtins(same), teacher.models, teacher.spine_guess]
    key = json.dumps([*decides, source.stat().st_mtime])
    name = settings.name or source.stem
    path = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        people = chosen_people(settings)
        if teacher.models and people[0].source not in RENDERED:
            models = [Path(name) for name in teacher.models]
            weights = LabelWeights(spine_guess=teacher.spine_guess)
            people = labelled_people(people, models, folder, weights)
        pack(people, path, progress=progress)
    return path


def chosen_people(settings: SetSettings) -> list[Person]:
    """Return the people of a set that the settings ask for.

    Raises
    ------
    DataError
        If nobody is left.
    """
    source = Path(settings.path)
    format, use = _FORMATS[settings.format]
    try:
        people = [_weighted(p) for p in read_people(source, format=format, use=use).people]
    except UsageError as error:
        raise DataError(f"{source}: not a folder of {settings.format} people: {error}") from error
    if settings.format == "coco":
        people = [p for p in people if _worth_it(p)]
    skipped = (set(settings.skip_activities), set(settings.skip_backdrops))

    def is_kept(person: Person) -> bool:
        unseen = person.activity in skipped[0] or person.backdrop in skipped[1]
        return not unseen and not (settings.hold_out and held_out(person, settings.hold_out))

    chosen = [p for p in people if is_kept(p) != settings.kept_back]
    if not chosen:
        raise DataError(f"{source}: nobody is left of {len(people)} people")
    return chosen


def _weighted(person: Person) -> Person:
    """Return a person whose labels are believed as much as they deserve."""
    if person.source not in RENDERED:
        return person
    trust = person.trust.copy()
    trust[SPINETRACK.indices("body")] *= _RENDERED_BODY
    return replace(person, trust=trust)


def _worth_it(person: Person) -> bool:
    side = float((person.box[2:] - person.box[:2]).max())
    return side >= _LEAST_SIDE and int((person.trust > 0).sum()) >= _LEAST_KEYPOINTS
