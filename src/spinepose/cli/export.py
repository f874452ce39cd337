"""``spinepose export``: trained weights to an ONNX file with its card."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from spinepose.cli.console import Console
from spinepose.errors import MissingExtraError

if TYPE_CHECKING:
    from spinepose.training.pose.release import Released

__all__ = ["export"]

_Flag = Parameter(negative=())
_Several = Parameter(consume_multiple=True, negative=())
_NEEDED = ("torch", "safetensors", "onnx", "msgspec")
"""Of the extra `train`, by the names that they are imported by."""


def export(
    *,
    weights: Annotated[list[Path], _Several],
    out: Path,
    card: Path,
    fit: Annotated[list[Path] | None, _Several] = None,
    calibrate: Path | None = None,
    metrics: Annotated[list[Path] | None, _Several] = None,
    int8: Annotated[bool, _Flag] = False,
    full: Annotated[bool, _Flag] = False,
    json: Annotated[bool, _Flag] = False,
    quiet: Annotated[bool, _Flag] = False,
) -> None:
    """Turn trained weights into an ONNX file with its card, ready for `-mode FILE.onnx`.

    The file is compared with the network, its scores are fitted so that .5 is an even chance, and
    what it is made of is written into the card. Needs the extra: pip install 'spinepose[train]'.

    For example:

    - `spinepose export --weights run/best.safetensors --out s.onnx --card s.toml --fit kept.npz`
    - the same with `--int8 --calibrate seen.npz` for an 8-bit file beside it

    Exit codes: 0 done, 2 wrong command line or card text, 4 weights, 6 output, 7 broken packs or
    numbers, or people that do not suffice to fit the score, 8 missing extra.

    Parameters
    ----------
    weights
        A .safetensors file of a training run; of several, the mean is exported.
    out
        The .onnx file to write; the card goes beside it as .json.
    card
        TOML file of what people read: id, version, summary, licence, limits, [training].
    fit
        Packs of people that were not trained on, to fit the score with.
    calibrate
        A pack whose pictures show the ranges of numbers, for --int8.
    metrics
        JSON files with lists of {"name", "value", "data", "command"}, copied into the card.
    int8
        Write an 8-bit file too: NAME-int8.onnx, with a card of its own.
    full
        Store weights in 32 bits, not in 16.
    json
        Print one JSON object for each file instead of text.
    quiet
        Print nothing but errors.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtraError("exporting a network", "train")
    from spinepose.training.pose.release import Order, release

    console = Console(json_lines=json, quiet=quiet)
    order = Order(
        tuple(weights), out, card, tuple(fit or ()), calibrate, tuple(metrics or ()), int8, full
    )
    with console.progress("export", unit="steps") as bar:
        bar.start(None)
        done = release(order, lambda name: bar.advance())
    for made in done:
        if json:
            console.record(_record(made))
        for line in _lines(made):
            console.say(line)


def _record(made: Released) -> dict[str, Any]:
    """Return a file as `--json` prints it."""
    found = made.fitted
    return {
        "file": str(made.path),
        "card": str(made.card),
        "bytes": made.size,
        "parity": made.parity._asdict(),
        "score": found and {"a": found.score.a, "b": found.score.b},
        "calibration_error": found and round(found.error, 4),
        "oks_share": found and {name: round(value, 2) for name, value in found.shares.items()},
    }


def _lines(made: Released) -> list[str]:
    """Return a file as people read it."""
    lines = [
        f"{made.path}: {made.size / 1e6:.1f} MB, card {made.card.name}",
        f"  parity: points at most {made.parity.pixels:.2g} px off the network's, "
        f"{100 * made.parity.same_bins:.1f} % of the peaks in the same bin",
    ]
    if made.fitted is None:
        return [*lines, "  score map: none, since there was no --fit: scores are no chances"]
    score = made.fitted.score
    lines.append(
        f"  score map: 1 / (1 + exp(-({score.a:.3f} ln p + {score.b:.3f}))), "
        f"calibration error {made.fitted.error:.3f} on the people of --fit"
    )
    shares = ", ".join(f"{name} {value:.1f} %" for name, value in made.fitted.shares.items())
    return [*lines, f"  OKS share, all keypoints: {shares}"] if shares else lines
