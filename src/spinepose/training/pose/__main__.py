"""Make the pose network, step by step.

``python -m spinepose.training.pose features --data DIR --thunder FILE --out DIR``
``python -m spinepose.training.pose train    --data DIR --thunder FILE --out DIR``
``python -m spinepose.training.pose tune     --data DIR --thunder FILE --weights FILE --out DIR``
``python -m spinepose.training.pose evaluate --data DIR --weights FILE`` (.pt or .onnx)
``python -m spinepose.training.pose export   --data DIR --weights FILE --out FILE.onnx``
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from spinepose.training.pose.augment import Strength
from spinepose.training.pose.data import Mixture, collate
from spinepose.training.pose.evaluate import session_forward
from spinepose.training.pose.features import FrozenTrunk, read_shards, write_shards
from spinepose.training.pose.network import PoseNetwork
from spinepose.training.pose.people import Person, held_out, read_people
from spinepose.training.pose.release import measure, release
from spinepose.training.pose.teacher import cached_answers, self_taught, taught
from spinepose.training.pose.thunder import load_thunder, start_from
from spinepose.training.pose.train import Recipe, train

SHARES = {"synthetic": 0.55, "lspe": 0.33, "people": 0.07, "coco-train": 0.05}
HALF_BODY = 0.06
CHECKED = 100  # held-out synthetic people that help to choose a checkpoint
TUNING = Recipe(batch=24, rate=4e-4, old_rate=1e-4, trunk_rate=4e-5, ema=0.99, check_every=100)
TUNING_SHARES = {"synthetic": 0.42, "lspe": 0.40, "people": 0.10, "coco-train": 0.08}
TUNING_STRENGTH = Strength(half=HALF_BODY, turn=35.0, wild=0.25, cover=0.25)

log = logging.getLogger("spinepose.training.pose")


def kept_out(person: Person) -> bool:
    """Tell whether a person is for measuring only; the small or unlabelled sets keep none out."""
    return person.source in ("lspe", "synthetic") and held_out(person)


def judges(data: Path) -> tuple[list[Person], list[Person]]:
    """Return the development people and some held-out synthetic people."""
    synthetic = [p for p in read_people(data, "synthetic") if held_out(p)]
    return read_people(data, "coco-dev"), synthetic[:CHECKED]


def network_from(weights: Path | None, thunder: Path | None) -> PoseNetwork:
    """Return the network of a checkpoint, or the start from Thunder."""
    if weights is not None:
        network = PoseNetwork()
        network.load_state_dict(torch.load(weights, weights_only=True))
        return network.eval()
    if thunder is None:
        raise SystemExit("give --weights or --thunder")
    return start_from(load_thunder(thunder)).eval()


def make_features(args: argparse.Namespace) -> None:
    """Write shards of features of changed crops."""
    groups = [[p for p in read_people(args.data, n) if not kept_out(p)] for n in SHARES]
    stream = Mixture(groups, list(SHARES.values()), Strength(half=HALF_BODY), args.seed)
    trunk = FrozenTrunk(network_from(None, args.thunder), args.out / "trunk.onnx", args.threads)
    write_shards(stream, trunk, args.out / "shards", args.crops)


def run_training(args: argparse.Namespace) -> None:
    """Train the heads on the shards of a folder."""
    recipe = Recipe(steps=args.steps, seed=args.seed)
    start = network_from(args.weights, args.thunder)

    def source(seed: int) -> Iterator[tuple[torch.Tensor, ...]]:
        return read_shards(args.out / "shards", recipe.batch, seed)

    train(start, source, *judges(args.data), args.out / "heads", recipe)


def lessons(args: argparse.Namespace, start: PoseNetwork) -> list[list[Person]]:
    """Return people by set with the teacher's joints, and if wanted the network's own answers."""
    thunder = FrozenTrunk(network_from(None, args.thunder), args.out / "trunk.onnx", args.threads)
    own = FrozenTrunk(start, args.out / "own.onnx", args.threads) if args.self_taught else None
    groups = []
    for name in TUNING_SHARES:
        people = read_people(args.data, name)
        if name != "synthetic":
            answers = cached_answers(people, thunder, args.out / f"answers-{name}.npy")
            learned = [taught(p, a) for p, a in zip(people, answers, strict=True)]
            if own is not None:
                answers = cached_answers(people, own, args.out / f"own-{name}.npy")
                learned = [self_taught(p, a) for p, a in zip(learned, answers, strict=True)]
            people = learned
        groups.append([p for p in people if not kept_out(p)])
    return groups


def run_tuning(args: argparse.Namespace) -> None:
    """Train heads and later trunk on crops changed on the fly, from the weights given."""
    start = network_from(args.weights, args.thunder)
    groups = lessons(args, start)
    stream = Mixture(groups, list(TUNING_SHARES.values()), TUNING_STRENGTH, args.seed)
    loader = DataLoader(stream, batch_size=TUNING.batch, collate_fn=collate, num_workers=1)
    recipe = replace(TUNING, steps=args.steps, seed=args.seed)
    out = args.out / ("self-taught" if args.self_taught else "tuned")
    train(start, lambda _: iter(loader), *judges(args.data), out, recipe)


def evaluate(args: argparse.Namespace) -> None:
    """Log all scores of a checkpoint."""
    if args.weights is not None and args.weights.suffix == ".onnx":
        measure(session_forward(args.weights, args.threads), args.data)
    else:
        measure(network_from(args.weights, args.thunder), args.data)


def export(args: argparse.Namespace) -> None:
    """Measure a checkpoint, fit its score and write ONNX file and card."""
    network = network_from(args.weights, args.thunder)
    more = json.loads(args.metrics.read_text()) if args.metrics else []
    release(network, args.data, args.out, threads=args.threads, more=more)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and run one step."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(prog="python -m spinepose.training.pose", description=__doc__)
    steps = {
        "features": make_features,
        "train": run_training,
        "tune": run_tuning,
        "evaluate": evaluate,
        "export": export,
    }
    parser.add_argument("step", choices=steps)
    parser.add_argument("--data", type=Path, required=True, help="folder with lspe/, coco/ ...")
    parser.add_argument("--thunder", type=Path, help="MoveNet Thunder as ONNX")
    parser.add_argument("--weights", type=Path, help="checkpoint (.pt) to start from or measure")
    parser.add_argument("--out", type=Path, default=Path("pose-training"))
    parser.add_argument(
        "--self-taught", action="store_true", help="tune: learn from the network's own answers too"
    )
    parser.add_argument("--metrics", type=Path, help="export: JSON list of further metrics")
    parser.add_argument("--crops", type=int, default=20000)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    steps[args.step](args)


if __name__ == "__main__":
    main()
