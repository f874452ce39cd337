"""A small network and packed people whom it answers well or badly, for tests of the export."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from spinepose.dataset.people import Person
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.networks.base import PoseNetwork
from spinepose.training.pose.networks.movenet import MoveNetPose
from spinepose.training.pose.networks.weights import save_weights
from spinepose.training.pose.shards import Pack, pack, read_pack
from spinepose.training.pose.validate import read_people

K = len(SPINETRACK)

CARD = """\
id = "spinepose-test"
version = "1.2.3"
summary = "A test."
licence = "CC0-1.0"
limits = ["Knows nothing."]

[training]
teachers = ["nobody"]
start = "random"
recipe = "none"
command = "spinepose train --config test.toml --out test"

[[training.data]]
name = "made people"
licence = "CC0-1.0"
people = 12
"""


def small_network(keypoints: int = K) -> PoseNetwork:
    """Return a square network whose sureness differs from crop to crop."""
    torch.manual_seed(0)
    network = MoveNetPose(keypoints, side=64).eval()
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for head in (network.head_x, network.head_y):
            head.weight.normal_(0, 0.1, generator=draws)
    return network


def write_people(folder: Path, count: int = 12) -> Path:
    """Write a pack of people without labels, in pictures of soft colours."""
    rng = np.random.default_rng(3)
    people = []
    for number in range(count):
        blobs = rng.integers(0, 256, (8, 8, 3), np.uint8)
        image = cv2.resize(blobs, (160, 160), interpolation=cv2.INTER_CUBIC)
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), image)
        box = np.array([40, 30, 120, 130], np.float32)
        points = np.full((K, 2), np.nan, np.float32)
        people.append(Person(path, "made", box, points, np.zeros(K, np.float32)))
    pack(people, folder / "bare.npz")
    return folder / "bare.npz"


def write_labelled(network: PoseNetwork, bare: Path, path: Path) -> Path:
    """Write the pack `path`: labels are the network's own answers, most of them where it is sure.

    The chance of a right one is a logistic function of the logarithm of the peak, a half on
    average.
    """
    people = read_pack(bare)
    points, peaks = read_people(network, network.crop, people)
    rng = np.random.default_rng(4)
    sure = np.log(peaks)
    chance = 1 / (1 + np.exp(-2 * (sure - sure.mean()) / sure.std()))
    truth = points + np.where(rng.random(peaks.shape) < chance, 0, 300)[..., None]
    labelled = np.full((len(people), K, 2), np.nan, np.float32)
    labelled[:, : points.shape[1]] = truth
    trust = np.isfinite(labelled[..., 0]).astype(np.float32)
    save_pack(replace(people, points=labelled, trust=trust), path)
    return path


def save_pack(people: Pack, path: Path) -> None:
    """Write a pack as it is."""
    content = {f.name: getattr(people, f.name) for f in fields(people) if f.name != "name"}
    np.savez(path, **content)


def write_run(folder: Path) -> dict[str, Path]:
    """Write weights, card text and packs to a folder; return their paths."""
    network = small_network()
    save_weights(network, folder / "best.safetensors", {"model": "test", "family": "movenet"})
    (folder / "test.toml").write_text(CARD)
    bare = write_people(folder)
    return {
        "weights": folder / "best.safetensors",
        "card": folder / "test.toml",
        "seen": bare,
        "kept": write_labelled(network, bare, folder / "kept.npz"),
    }
