"""The report about the people of single pictures: how plausible they are, and what to correct."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np

from spinepose.biomech.body import body_model
from spinepose.biomech.kinematics import Kinematics
from spinepose.biomech.plausibility import (
    FLAG,
    NOTE,
    WARN,
    KeypointPlausibility,
    Plausibility,
    judge_poses,
)
from spinepose.biomech.report.markup import grid, table
from spinepose.biomech.report.pictures import MARKS, marked_picture
from spinepose.biomech.report.shell import shell
from spinepose.errors import InputError
from spinepose.export import read_poses, read_provenance
from spinepose.export.provenance import Provenance
from spinepose.export.queue import QueueItem, QueueKeypoint, write_queue
from spinepose.files import atomic_write
from spinepose.media import IMAGE_SUFFIXES, frames_at, read_image
from spinepose.poses import NO_TRACK, Poses
from spinepose.skeleton import SPINETRACK

__all__ = ["Judged", "headline", "judge_people", "plausibility_queue", "write_plausibility"]

UInt8 = np.typing.NDArray[np.uint8]

LEAST_SCORE = 0.3
"""Of a keypoint that is judged."""

_MOST_SHOWN, _MOST_ROWS = 24, 200
"""People with a picture, and in the table."""
_BATCH = 32
"""People judged at once."""
_HEAD = ("picture", "frame", "person", "flagged", "warned", "of the body height", "which")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One person of one picture.

    Attributes
    ----------
    source
        The picture or video, if it is known.
    poses
        The person alone, with the keypoints of :data:`.SPINETRACK`.
    found
        How plausible it is.
    """

    source: str | None
    poses: Poses
    found: Plausibility

    @property
    def person(self) -> int | None:
        """Track id, if there is one."""
        track = int(self.poses.track_ids[0])
        return None if track == NO_TRACK else track

    @property
    def worst(self) -> float:
        """Largest share of the body height that a keypoint is off by; 0 if not judged."""
        return max((k.share for k in self.found.keypoints if k.level != "missing"), default=0.0)

    @property
    def flagged(self) -> list[KeypointPlausibility]:
        """The flagged keypoints, the worst first."""
        flagged = [k for k in self.found.keypoints if k.level == "flag"]
        return sorted(flagged, key=lambda k: -k.share)

    @property
    def doubted(self) -> list[str]:
        """Names of the flagged keypoints, the worst first."""
        return [k.name for k in self.flagged]

    @property
    def said(self) -> str:
        """How far each flagged keypoint is off, the worst first."""
        return ", ".join(f"{k.name} {k.share:.1%}" for k in self.flagged)


def judge_people(
    path: str | Path, *, warn: float = WARN, flag: float = FLAG, least_score: float = LEAST_SCORE
) -> Iterator[Judged]:
    """Judge everybody in a result file of ``spinepose``, of a picture or a video.

    Parameters
    ----------
    path
        The ``.json`` or ``.jsonl`` file.
    warn, flag
        Limits, shares of the body height.
    least_score
        Keypoints that are scored lower are not judged: nobody trusts them anyway.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    body = Kinematics(body_model())
    source = read_provenance(path).get("source")
    waiting: list[Poses] = []
    for poses in read_poses(path):
        people = poses.arranged(SPINETRACK)
        sure = people.scores >= least_score
        people = replace(
            people,
            keypoints=np.where(sure[:, :, None], people.keypoints, np.float32(np.nan)),
            scores=np.where(sure, people.scores, np.float32(0.0)),
        )
        waiting += [people[i] for i in range(len(people))]
        if len(waiting) >= _BATCH:
            yield from _judge(waiting, body, source, warn, flag)
            waiting = []
    if waiting:
        yield from _judge(waiting, body, source, warn, flag)


def _judge(
    people: Sequence[Poses], body: Kinematics, source: str | None, warn: float, flag: float
) -> Iterator[Judged]:
    found = judge_poses(
        np.concatenate([person.keypoints for person in people]),
        np.concatenate([person.scores for person in people]),
        np.array([person.size for person in people]),
        body,
        warn=warn,
        flag=flag,
    )
    for person, judged in zip(people, found, strict=True):
        yield Judged(source, person, judged)


def plausibility_queue(people: Sequence[Judged]) -> list[QueueItem]:
    """Return the people with flagged keypoints, the worst first, as a queue to correct."""
    doubtful = [person for person in people if person.doubted]
    return [_item(person) for person in sorted(doubtful, key=lambda person: -person.worst)]


def _item(judged: Judged) -> QueueItem:
    poses, found = judged.poses, judged.found
    points = poses.keypoints[0].astype(np.float64)
    scores = poses.scores[0].astype(np.float64)
    box = poses.boxes[0].astype(np.float64)
    return QueueItem(
        source=judged.source,
        frame=poses.frame,
        time_s=round(poses.time_s, 6),
        camera=None,
        track_id=judged.person,
        box=tuple(box.round(2).tolist()) if np.isfinite(box).all() else None,
        priority=round(judged.worst, 4),
        reason=f"not plausible, more than {found.flag:.0%} of the body height off: {judged.said}",
        skeleton=SPINETRACK.name,
        keypoints=tuple(
            (round(x, 2), round(y, 2), round(score, 4)) if np.isfinite([x, y]).all() else None
            for (x, y), score in zip(points.tolist(), scores.tolist(), strict=True)
        ),
        flagged=tuple(
            QueueKeypoint(
                name=k.name,
                x=round(float(points[SPINETRACK.index(k.name), 0]), 2),
                y=round(float(points[SPINETRACK.index(k.name), 1]), 2),
                score=round(float(scores[SPINETRACK.index(k.name)]), 4),
                suggested=(round(k.model[0], 2), round(k.model[1], 2)),
                amount=round(k.share, 4),
                unit="body height",
            )
            for k in judged.flagged
        ),
    )


def write_plausibility(
    folder: str | Path, people: Sequence[Judged], *, source: str, command: str = ""
) -> list[Path]:
    """Write ``report.html``, ``plausibility.json`` and ``queue.json``; return their paths.

    Parameters
    ----------
    folder
        It is made if it is not there.
    people
        Who was judged. Pictures that can still be read are shown.
    source
        What was judged, for people to read.
    command
        That made it.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    folder = Path(folder)
    provenance = Provenance(source, settings={"command": command})
    head = (
        f"<h1>How plausible are these people?</h1><p class='verdict'>{escape(headline(people))}"
        f"</p><p>{escape(NOTE)}</p><p>command: <code>{escape(command)}</code></p>"
    )
    page = shell(f"How plausible? {source}", head, _sections(people))
    document = {
        "format": "spinepose-plausibility",
        "version": 1,
        "provenance": provenance.to_dict(),
        "people": [
            {
                "source": judged.source,
                "frame": judged.poses.frame,
                "time_s": round(judged.poses.time_s, 6),
                "track_id": judged.person,
                **judged.found.to_dict(),
            }
            for judged in people
        ],
    }
    data = json.dumps(document, allow_nan=False, ensure_ascii=False) + "\n"
    paths = [folder / name for name in ("report.html", "plausibility.json", "queue.json")]
    for path, text in zip(paths, (page, data), strict=False):
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    write_queue(paths[2], plausibility_queue(people), provenance)
    return paths


def headline(people: Sequence[Judged]) -> str:
    """Return what was found, in one sentence."""
    judged = [person for person in people if person.found.fitted]
    doubtful = sum(bool(person.doubted) for person in judged)
    said = f"{doubtful} of {len(judged)} people have keypoints that no body could have there"
    left = len(people) - len(judged)
    return said + (f"; {left} could not be judged" if left else "")


def _sections(people: Sequence[Judged]) -> Iterator[tuple[str, str]]:
    """Yield headings and what stands below them."""
    order = sorted(people, key=lambda person: -person.worst)
    shown = list(_figures([person for person in order if person.doubted][:_MOST_SHOWN]))
    if shown:
        yield (
            "The least plausible",
            f"<p>{MARKS}</p>{grid(shown)}",
        )
    yield "People", table(_HEAD, [_row(person) for person in order[:_MOST_ROWS]])
    often = Counter(name for person in people for name in person.doubted)
    if often:
        rows = [[escape(name), str(count)] for name, count in often.most_common()]
        yield "What is flagged", table(("keypoint", "people"), rows)


def _row(judged: Judged) -> list[str]:
    found = judged.found
    return [
        escape(judged.source or "-"),
        str(judged.poses.frame),
        "-" if judged.person is None else str(judged.person),
        str(len(found.at("flag"))),
        str(len(found.at("warn"))),
        f"{judged.worst:.1%}" if found.fitted else escape(found.reason),
        escape(", ".join(judged.doubted)),
    ]


def _figures(people: Sequence[Judged]) -> Iterator[str]:
    """Yield a marked picture of each person whose picture can be read."""
    images = _images(people)
    for judged in people:
        image = images.get((judged.source, judged.poses.frame))
        if image is None or image.shape[1::-1] != tuple(judged.poses.size):
            continue
        points = judged.poses.keypoints[0].astype(np.float64)
        model = np.array([k.model for k in judged.found.keypoints])
        yield marked_picture(
            image,
            points,
            model,
            model[SPINETRACK.spine_indices],
            judged.doubted,
            title=f"{Path(judged.source or '').name}, frame {judged.poses.frame}",
            said=judged.said,
        )


def _images(people: Sequence[Judged]) -> dict[tuple[str | None, int], UInt8]:
    """Return the pictures of people that can still be read; each video is read once."""
    wanted: dict[str, set[int]] = {}
    for judged in people:
        if judged.source is not None and Path(judged.source).is_file():
            wanted.setdefault(judged.source, set()).add(judged.poses.frame)
    found: dict[tuple[str | None, int], UInt8] = {}
    for source, frames in wanted.items():
        path = Path(source)
        with suppress(InputError):
            if path.suffix.lower() in IMAGE_SUFFIXES:
                found[source, 0] = read_image(path)
                continue
            for frame in frames_at(path, frames):
                found[source, frame.index] = frame.image
    return found
