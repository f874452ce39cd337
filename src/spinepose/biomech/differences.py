"""What a comparison with OpenSim says: numbers, and the tables of a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from spinepose.plain import markdown_table, plain

__all__ = [
    "Comparison",
    "Comparisons",
    "CoordinateDifference",
    "EngineNumbers",
    "MarkerDifference",
    "ScaleDifference",
]


@dataclass(frozen=True, slots=True)
class EngineNumbers:
    """One of the two.

    Attributes
    ----------
    name
        Of the engine.
    solved
        Number of frames with a pose.
    rmse_mm
        Of the measured markers from the model's, in the frames and of the markers that both used.
    seconds
        Of processor time that the poses took.
    frames_per_second
        Solved frames in a second.
    """

    name: str
    solved: int
    rmse_mm: float
    seconds: float
    frames_per_second: float


@dataclass(frozen=True, slots=True)
class MarkerDifference:
    """One marker: what both leave of it, and how far apart the two models have it.

    Attributes
    ----------
    name
        Of the marker.
    ours_mm, theirs_mm
        Root mean squares of the distances from the measured marker, NaN if never measured.
    between_mm
        Root mean square of the distance between the models' markers.
    """

    name: str
    ours_mm: float
    theirs_mm: float
    between_mm: float


@dataclass(frozen=True, slots=True)
class CoordinateDifference:
    """One coordinate, OpenSim's minus ours; degrees, or mm of a translation.

    Attributes
    ----------
    name
        Of the coordinate; or of the body whose joint turns freely, for the angle by which its
        whole rotation differs: single angles mean little near where they lock.
    unit
        ``degrees`` or ``mm``.
    mean, rms, largest
        Over the frames; the largest without its sign.
    """

    name: str
    unit: str
    mean: float
    rms: float
    largest: float


@dataclass(frozen=True, slots=True)
class ScaleDifference:
    """The factor of a scale group in both models."""

    group: str
    ours: float
    theirs: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found.

    Attributes
    ----------
    title
        What was compared.
    frames, common
        Number of all frames, and of those that both solved.
    ours, theirs
        The engines.
    between_mm
        Root mean square of the distances between the models' markers.
    markers, coordinates
        One by one. No coordinates if the model of OpenSim is another than ours.
    scale
        Factors of both, when they were sought by both.
    """

    title: str
    frames: int
    common: int
    ours: EngineNumbers
    theirs: EngineNumbers
    between_mm: float
    markers: tuple[MarkerDifference, ...]
    coordinates: tuple[CoordinateDifference, ...]
    scale: tuple[ScaleDifference, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, for JSON; what is not known is None."""
        found: dict[str, Any] = plain(asdict(self))
        return found

    def to_markdown(self) -> str:
        """Return the tables of a report."""
        return "\n".join(_report(self)) + "\n"


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Several comparisons of the same markers, for one report."""

    items: tuple[Comparison, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings, for JSON; what is not known is None."""
        return {"comparisons": [item.to_dict() for item in self.items]}

    def to_markdown(self) -> str:
        """Return all tables, below one title."""
        parts = ("\n".join(_report(item, "##")) for item in self.items)
        return "\n".join(["# Compared with OpenSim", "", *parts])


def _report(found: Comparison, mark: str = "#") -> Iterator[str]:
    """Yield the lines of a report, below a heading with the `mark`."""
    yield f"{mark} Inverse kinematics, spinepose and OpenSim: {found.title}"
    yield ""
    yield (
        f"Both solved {found.common} of {found.frames} frames; their models' markers are "
        f"{found.between_mm:.1f} mm apart (RMS). A smaller RMSE is not a truer pose."
    )
    yield ""
    yield markdown_table(
        ("engine", "frames solved", "RMSE mm", "seconds", "frames/s"),
        [
            (
                item.name,
                str(item.solved),
                f"{item.rmse_mm:.2f}",
                f"{item.seconds:.2f}",
                f"{item.frames_per_second:.1f}",
            )
            for item in (found.ours, found.theirs)
        ],
    )
    yield ""
    yield markdown_table(
        ("keypoint", "spinepose RMSE mm", "OpenSim RMSE mm", "between the models mm"),
        [
            (item.name, *(f"{v:.1f}" for v in (item.ours_mm, item.theirs_mm, item.between_mm)))
            for item in found.markers
        ],
    )
    yield ""
    if found.coordinates:
        yield markdown_table(
            ("OpenSim minus spinepose", "unit", "mean", "RMS", "largest"),
            [
                (item.name, item.unit, *(f"{v:.1f}" for v in (item.mean, item.rms, item.largest)))
                for item in found.coordinates
            ],
        )
        yield ""
    if found.scale:
        yield markdown_table(
            ("scale group", "spinepose", "ScaleTool"),
            [(item.group, f"{item.ours:.3f}", f"{item.theirs:.3f}") for item in found.scale],
        )
        yield ""
