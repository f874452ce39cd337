"""An annotator made up of known truth: for tests, and to measure what choosing is worth."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from spinepose.annotation.project import Project
from spinepose.annotation.queue import Queue
from spinepose.annotation.records import ABSENT, Correction, Guess, Item
from spinepose.dataset.people import Person
from spinepose.errors import UsageError
from spinepose.evaluation.predict import match_boxes
from spinepose.skeleton import SPINETRACK

__all__ = ["SimulatedAnnotator", "truth_of"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedAnnotator:
    """Corrects like a person who knows, sees and misses as people do.

    A guess farther from the truth than the annotator notices is moved to the truth, save for the
    annotator's own error; the others stay where they are. Points outside of the picture are
    removed, and items that show nobody known are rejected. The same item is corrected alike
    whenever it comes.

    Attributes
    ----------
    truth
        The people by item, see :func:`truth_of`.
    name
        Of the annotator.
    noise
        Of a point that is moved: root mean square distance from the truth, in units of what people
        who click differ by (OKS sigma times the root of the person's area; Ronchi and Perona, ICCV
        2017). Along the spine that unit is a tenth of the trunk; somebody careful is much better.
    notices
        Distance in the same unit from which a point is seen to be wrong.
    misses
        Chance that such a point is overlooked.
    seed
        Of the errors.
    """

    truth: Mapping[str, Person]
    name: str = "simulated"
    noise: float = 0.3
    notices: float = 0.5
    misses: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.noise < 0 or self.notices < 0 or not 0 <= self.misses <= 1:
            raise UsageError("noise and notices must not be negative, misses must be in 0..1")

    def work(self, project: Project, queue: Queue) -> int:
        """Correct what is in a queue and was not corrected by this annotator yet; return how many.

        Raises
        ------
        OutputError
            The corrections cannot be written.
        """
        items, guesses = project.items(), project.guesses(queue.round)
        mine = project.corrections(self.name)
        todo = [choice.item for choice in queue.items if choice.item not in mine]
        made = [self.correct(items[item], guesses[item], queue.round) for item in todo]
        project.add_corrections(self.name, made)
        return len(made)

    def correct(self, item: Item, guess: Guess, number: int) -> Correction:
        """Return the correction of one item, of which a guess was shown in a round."""
        person = self.truth.get(item.id)
        places, visibility = guess.keypoints, np.zeros(len(SPINETRACK), np.int64)
        moved = np.zeros(len(SPINETRACK), bool)
        if person is not None:
            visibility = np.where(_inside(person.keypoints, item.size), person.flags, ABSENT)
            moved, places = self._moved(item, person, guess, visibility > ABSENT)
        return Correction(
            item=item.id,
            annotator=self.name,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            round=number,
            keypoints=np.where((visibility > ABSENT)[:, None], places, np.nan),
            visibility=visibility,
            moved=moved,
            tool="simulated",
            rejected=person is None,
        )

    def _moved(
        self, item: Item, person: Person, guess: Guess, there: Bools
    ) -> tuple[Bools, Float64]:
        """Return which points are moved (37,), and where all are afterwards (37, 2)."""
        rng = np.random.default_rng([self.seed, zlib.crc32(item.id.encode())])
        truth = person.keypoints.astype(np.float64)
        unit = SPINETRACK.sigma_array * np.sqrt(person.known_area)
        error = rng.normal(0, self.noise / np.sqrt(2), truth.shape) * unit[:, None]
        overlooked = rng.random(len(unit)) < self.misses
        shown = np.asarray(np.isfinite(guess.keypoints).all(axis=1), np.bool_)
        off = np.linalg.norm(np.where(shown[:, None], guess.keypoints, truth) - truth, axis=1)
        # What is not shown has to be set, and cannot be overlooked.
        wrong = ~shown | ((off > self.notices * unit) & ~overlooked)
        limit = np.array(item.size) - 1.0
        placed = np.clip(truth + error, 0, limit)
        moved = (wrong & there) | (shown & ~there)
        return moved, np.where((wrong & there)[:, None], placed, guess.keypoints)


def truth_of(project: Project, people: Sequence[Person]) -> dict[str, Person]:
    """Return the labelled person of each item that shows one.

    The item's picture must be the person's, by its path, and the boxes overlap by a half or more.
    """
    labelled: dict[str, list[Person]] = {}
    for person in people:
        labelled.setdefault(str(person.path.resolve()), []).append(person)
    shown: dict[str, list[Item]] = {}
    for item in project.items().values():
        shown.setdefault(str(project.picture(item).resolve()), []).append(item)
    truth = {}
    for path in labelled.keys() & shown.keys():
        boxes = np.array([item.box for item in shown[path]])
        known = np.array([person.box for person in labelled[path]], np.float64)
        for item, owner in zip(shown[path], match_boxes(boxes, known), strict=True):
            if owner >= 0:
                truth[item.id] = labelled[path][owner]
    return truth


def _inside(places: npt.NDArray[np.floating], size: tuple[int, int]) -> Bools:
    """Tell which points (K, 2) are in a picture of a size; pixel borders are half a pixel out."""
    limits = np.array(size) - 0.5
    return np.asarray(((places >= -0.5) & (places <= limits)).all(axis=1))
