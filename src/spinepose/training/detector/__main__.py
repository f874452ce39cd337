"""Make the person detector: ``python -m spinepose.training.detector --data DIR --out DIR``.

Stages: *labels* (ask the teachers), *train* (fine-tune), *export* (ONNX and card; blend with
the start and threshold are chosen on photos kept for tuning), *evaluate* (measure the
exported file). Without ``--stage`` all run in turn; each reads what the one before left in
the output folder.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import torch

from spinepose.training.detector import report
from spinepose.training.detector.export import MODEL_ID, export_onnx, parity, write_card
from spinepose.training.detector.labels import make_labels
from spinepose.training.detector.network import PersonDetector
from spinepose.training.detector.start import load_yolox_nano
from spinepose.training.detector.teachers import Detector, RtmdetTeacher, YoloxTeacher
from spinepose.training.detector.train import TrainConfig, blend, train

_LOGGER = logging.getLogger("spinepose.training.detector")
STAGES = ("labels", "train", "export", "evaluate")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m spinepose.training.detector", description=__doc__
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with coco/, lspe/, ...")
    parser.add_argument("--out", type=Path, required=True, help="folder for all results")
    parser.add_argument(
        "--teachers",
        type=Path,
        required=True,
        help="folder with yolox_nano.onnx and rtmdet_nano_person.onnx",
    )
    parser.add_argument("--stage", choices=STAGES, help="run this stage only")
    parser.add_argument(
        "--blend",
        type=float,
        nargs="+",
        default=[0.3, 0.4, 0.5],
        help="shares of the fine-tuned weights to try",
    )
    parser.add_argument("--minutes", type=float, default=TrainConfig.minutes)
    parser.add_argument("--steps", type=int, default=TrainConfig.steps)
    parser.add_argument("--stop", type=int, default=TrainConfig.stop)
    parser.add_argument("--rate", type=float, default=TrainConfig.rate)
    parser.add_argument("--threads", type=int, default=TrainConfig.threads)
    parser.add_argument("--seed", type=int, default=TrainConfig.seed)
    return parser.parse_args(arguments)


def load_teachers(folder: Path) -> tuple[Detector, Detector]:
    """Open the two teachers."""
    return (
        YoloxTeacher(folder / "yolox_nano.onnx"),
        RtmdetTeacher(folder / "rtmdet_nano_person.onnx"),
    )


def run_train(options: argparse.Namespace) -> None:
    """Fine-tune; leaves ``last.pt``."""
    config = TrainConfig(
        steps=options.steps,
        stop=options.stop,
        minutes=options.minutes,
        rate=options.rate,
        threads=options.threads,
        seed=options.seed,
    )
    start = options.teachers / "yolox_nano.onnx"
    train(options.data, options.out / "labels.jsonl", start, options.out, config)


def run_export(options: argparse.Namespace) -> None:
    """Write ONNX and card; blend and threshold are chosen on what is kept for tuning."""
    checkpoint = torch.load(options.out / "last.pt", weights_only=True)
    start, tuned = PersonDetector(), PersonDetector()
    load_yolox_nano(start, options.teachers / "yolox_nano.onnx")
    tuned.load_state_dict(checkpoint["weights"])
    target = options.out / f"{MODEL_ID}.onnx"
    teachers = load_teachers(options.teachers)

    def write(share: float, threshold: float) -> Path:
        network = blend(start, tuned, share)
        export_onnx(network, target)
        _LOGGER.info("blend %.2f: file and network differ by %.1e", share, parity(network, target))
        facts = report.training_facts(checkpoint["config"], checkpoint["step"], share)
        return write_card(network, target, threshold, facts, [], list(report.LIMITS))

    choices: dict[float, report.Tuning] = {}
    for share in options.blend:
        choices[share] = report.tune(options.data, write(share, 0.5), teachers)
        _LOGGER.info("blend %.2f: %s", share, choices[share])
    best = max(choices, key=lambda share: choices[share].worth)
    write(best, choices[best].threshold)


def run_evaluate(options: argparse.Namespace) -> None:
    """Measure the exported file and write the numbers into its card."""
    path = options.out / f"{MODEL_ID}.json"
    card = json.loads(path.read_text())
    card["metrics"] = report.measure(options.data, path, load_teachers(options.teachers))
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    for metric in card["metrics"]:
        _LOGGER.info("%s = %s (%s)", metric["name"], metric["value"], metric["data"])


def main(arguments: list[str] | None = None) -> None:
    """Run the stages asked for."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    stages = [options.stage] if options.stage else list(STAGES)
    if "labels" in stages:
        make_labels(options.data, load_teachers(options.teachers), options.out / "labels.jsonl")
    if "train" in stages:
        run_train(options)
    if "export" in stages:
        run_export(options)
    if "evaluate" in stages:
        run_evaluate(options)


if __name__ == "__main__":
    main()
