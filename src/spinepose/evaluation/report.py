"""The report of an evaluation: JSON for programs, Markdown and pictures for people."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spinepose.errors import OutputError
from spinepose.evaluation.judge import ModelScores
from spinepose.evaluation.oks import THRESHOLDS
from spinepose.evaluation.plots import DRAWN, draw_plots
from spinepose.evaluation.sets import LabelledSet
from spinepose.evaluation.tables import main_tables, model_tables
from spinepose.files import atomic_write
from spinepose.plain import plain, shown
from spinepose.skeleton import SPINETRACK

__all__ = ["Report", "check_folder", "write_report"]

_DIGITS = 4
_PLOTS = {
    "oks.png": "Share of people above each OKS threshold",
    "precision.png": "Precision and recall",
    "errors.png": "Median error of each keypoint",
    "calibration.png": "Calibration of the scores",
}


@dataclass(frozen=True)
class Report:
    """Scores, and where they come from.

    Parameters
    ----------
    labelled
        The set.
    scores
        Of each network.
    settings
        Everything that can change the numbers: boxes, flip test, device, limit ...
    command
        The command line.
    """

    labelled: LabelledSet
    scores: Sequence[ModelScores]
    settings: dict[str, Any]
    command: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON: numbers that do not exist are null."""
        labelled = self.labelled
        return {
            "package": "spinepose",
            "version": _version(),
            "command": self.command,
            "settings": self.settings,
            "data": {
                "file": str(labelled.file),
                "sha256": labelled.sha256,
                "pictures": len(labelled.pictures),
                "people": len(labelled.people),
                "judged": int(labelled.judged.sum()),
            },
            "thresholds": [round(float(t), 2) for t in THRESHOLDS],
            "models": [plain(_scores(s), _DIGITS) for s in self.scores],
        }

    def metrics(self) -> list[dict[str, Any]]:
        """Return the first network's numbers as rows for its card.

        Each row has name, value, data (which people) and command (to measure it again).
        """
        model, labelled = self.scores[0], self.labelled
        flip = ", flip test" if self.settings.get("flip") else ""
        rows: dict[str, float] = {}
        for name, subset in model.subsets.items():
            rows[f"OKS share, {name}{flip}"] = subset.share
            rows[f"AP, {name}{flip}"] = subset.precision.statistics["AP"]
        spine = [e for e in model.errors if e.name in SPINETRACK.spine]
        if len(spine) == len(SPINETRACK.spine):
            for kind in ("mean", "median"):
                values = [getattr(e, f"{kind}_trunk") for e in spine]
                rows[f"{kind} error of the spine, % of the trunk{flip}"] = sum(values) / len(spine)
        place = labelled.file.parent
        place = place.parent if place.name == "annotations" else place
        data = f"{labelled.judged.sum()} people of {place.name}, {self.settings['boxes']} boxes"
        return [
            {"name": name, "value": round(value, 2), "data": data, "command": self.command}
            for name, value in rows.items()
            if math.isfinite(value)
        ]

    def summary(self) -> str:
        """Return the tables that compare the networks."""
        return main_tables(self.scores)

    def to_markdown(self) -> str:
        """Return the whole report."""
        labelled = self.labelled
        parts = [
            "# Evaluation",
            f"`{self.command}`",
            f"{labelled.judged.sum()} of {len(labelled.people)} people have labels, in "
            f"{len(labelled.pictures)} pictures of `{labelled.file}` (sha256 "
            f"{labelled.sha256[:12]}). {_settings(self.settings)}",
            "\n".join(
                f"- {s.name} (sha256 {s.sha256[:12]}): {len(s.keypoints)} keypoints that the set "
                f"labels; people found {shown(s.found)} %"
                for s in self.scores
            ),
            "## Scores",
            self.summary(),
            *(f"![{text}]({name})" for name, text in _PLOTS.items()),
        ]
        for model in self.scores:
            parts += [f"## {model.name}", model_tables(model)]
        parts.append("All numbers are percentages where nothing else is said.")
        return "\n\n".join(parts) + "\n"


def check_folder(folder: Path) -> None:
    """Raise `OutputError` where a report could not be written, before anything is computed."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"cannot write into {folder}: it is a file; name a folder")


def write_report(folder: Path, report: Report) -> list[Path]:
    """Write ``report.md``, ``report.json``, ``metrics.json`` and the plots; return their paths.

    ``metrics.json`` holds the first network's numbers in the form that ``spinepose export
    --metrics`` takes.

    Everything is made before anything is written.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    OutputError
        A file cannot be written.
    """
    text = json.dumps(report.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    contents = {
        **draw_plots(report.scores),
        "report.json": text.encode(),
        "metrics.json": (json.dumps(report.metrics(), indent=1) + "\n").encode(),
        "report.md": report.to_markdown().encode(),
    }
    for name, data in contents.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(data)
    return [folder / name for name in contents]


def _scores(scores: ModelScores) -> dict[str, Any]:
    """Return the scores of one network; curves are short lists."""
    found = asdict(scores)
    for name, subset in scores.subsets.items():
        found["subsets"][name]["precision"] = {
            **subset.precision.statistics,
            "curves": {
                f"{THRESHOLDS[row]:.2f}": subset.precision.curves[row].tolist() for row in DRAWN
            },
        }
    return found


def _settings(settings: dict[str, Any]) -> str:
    return "Settings: " + ", ".join(f"{k} {v}" for k, v in settings.items() if v is not None) + "."


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("spinepose")
    except PackageNotFoundError:
        return "unknown"
