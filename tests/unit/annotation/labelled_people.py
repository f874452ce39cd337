"""A small project of annotation: two pictures, three people, one of them without a guess."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from spinepose.annotation.project import Project
from spinepose.annotation.records import Guess, Item
from spinepose.media import write_image
from spinepose.skeleton import SPINETRACK, Skeleton

SIZES = ((320, 240), (200, 300))
BOXES = (
    (0, (20.0, 30.0, 120.0, 230.0)),
    (0, (160.0, 20.0, 300.0, 220.0)),
    (1, (10.0, 15.0, 190.0, 290.0)),
)
UNKNOWN, OUTSIDE = "right_clavicle", "left_big_toe"
"""Keypoints that the guesses do not have: one is not known, one is outside of the picture."""


def make_project(root: Path, skeleton: Skeleton = SPINETRACK) -> Project:
    """Make it; the last person has no guess."""
    project = Project.create(root / "project", {"source": "tests"}, skeleton)
    random = np.random.default_rng(3)
    hashes = []
    for number, (width, height) in enumerate(SIZES):
        path = project.root / "pictures" / f"{number}.png"
        write_image(path, random.integers(0, 255, (height, width, 3), np.uint8))
        hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    items = [
        Item(
            id=f"{number:016x}",
            picture=f"pictures/{picture}.png",
            sha256=hashes[picture],
            size=SIZES[picture],
            box=np.array(box),
            group=f"picture {picture}",
        )
        for number, (picture, box) in enumerate(BOXES, start=10)
    ]
    project.add_items(items)
    project.add_guesses(0, [_guess(item, skeleton, random) for item in items[:2]])
    return project


def _guess(item: Item, skeleton: Skeleton, random: np.random.Generator) -> Guess:
    low, high = item.box.reshape(2, 2)
    points = np.round(random.uniform(low, high, (len(skeleton), 2)), 2)
    for name, place in ((UNKNOWN, np.nan), (OUTSIDE, -20.0)):
        if name in skeleton.keypoints:
            points[skeleton.index(name)] = place
    known = np.isfinite(points).all(axis=1)
    return Guess(
        item=item.id,
        keypoints=points,
        scores=np.where(known, 0.75, 0.0),
        spread=np.where(known, 2.0, np.nan),
        sources=tuple("a network" if sure else "" for sure in known),
        doubts={"score": 0.25},
        feature=np.zeros(0),
    )
