"""A pose network of a few thousand weights, and people who are dots, for tests of the loop."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from spinepose.dataset.people import Person
from spinepose.skeleton import SPINETRACK
from spinepose.training.pose.networks.base import CropSpec, Outputs, PoseNetwork
from spinepose.training.pose.shards import Pack, pack, read_pack

K = len(SPINETRACK)


class ToyNetwork(PoseNetwork):
    """Two convolutions and a linear layer for each axis."""

    def __init__(self, keypoints: int = K, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.crop = CropSpec(32, 32)
        self.keypoints = keypoints
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=2, padding=2),
            nn.BatchNorm2d(8),
            nn.SiLU(),
            nn.Conv2d(8, keypoints, 3, stride=2, padding=1),
        )
        self.head_x, self.head_y = nn.Linear(64, 64), nn.Linear(64, 64)

    def outputs(self, crops: Tensor) -> Outputs:
        cells = self.body(crops).flatten(2)
        return Outputs(self.head_x(cells), self.head_y(cells))


def dots(folder: Path, count: int, seed: int = 0) -> list[Person]:
    """Return people who are white discs; all keypoints lie on a ring around the middle."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, K, endpoint=False)
    folder.mkdir(parents=True, exist_ok=True)
    people = []
    for number in range(count):
        image = rng.integers(0, 60, (96, 96, 3)).astype(np.uint8)
        centre = rng.uniform(30, 66, 2)
        cv2.circle(image, (round(centre[0]), round(centre[1])), 14, (250, 250, 250), -1)
        path = folder / f"{number:04d}.png"
        cv2.imwrite(str(path), image)
        ring = centre + 14 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        box = np.concatenate([centre - 20, centre + 20]).astype(np.float32)
        trust = np.ones(K, np.float32)
        people.append(Person(path, "made", box, ring.astype(np.float32), trust))
    return people


def dot_pack(folder: Path, count: int, seed: int = 0, name: str = "dots") -> Pack:
    """Return a pack of such people."""
    path = folder / f"{name}.npz"
    pack(dots(folder / name, count, seed), path)
    return read_pack(path)
