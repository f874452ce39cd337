"""What choosing is worth: spine error against corrections, chosen in several ways.

People of a labelled set are split by scene into a pool and a test. A network finds their body
joints (the 17 of COCO); its own spine is not looked at. Round 0 draws the spine as a curve through
shoulders and hips. In rounds, a strategy chooses people of the pool, a simulated annotator corrects
their spines, and a small model learns from all that is corrected so far how the spine differs from
the curve: kernel ridge regression on the joints, which takes no time, so that many splits can be
compared. Guessing, choosing and correcting are those of the package. The error is that of the nine
points of the spine in the test, where nobody corrects anything.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from spinepose.annotation.doubts import HALVES, spread_of, total_doubt
from spinepose.annotation.gather import item_id
from spinepose.annotation.guess import Look, guesses_from, implausibility, look
from spinepose.annotation.project import Project
from spinepose.annotation.records import Correction, Item
from spinepose.annotation.selection import STRATEGIES, select
from spinepose.annotation.simulation import SimulatedAnnotator
from spinepose.biomech.body import body_model
from spinepose.biomech.kinematics import Kinematics
from spinepose.dataset import Person, read_people
from spinepose.dataset.spine_curve import curve_spine
from spinepose.evaluation.peers import open_reader
from spinepose.media import read_image
from spinepose.models.download import file_sha256
from spinepose.skeleton import COCO17, SPINETRACK

SPINE, JOINTS = SPINETRACK.spine_indices, SPINETRACK.indices(COCO17.keypoints)
SOURCES = tuple("small" if i in JOINTS else "learned" if i in SPINE else "" for i in range(37))
TEST = 0.4
WIDTH, RIDGE, FARTHEST = 1.0, 0.3, 0.15
"""Of the kernel, in root mean square distances of the joints from their middle; of the penalty, in
variances of the kernel; and how far from the curve a spine may be, so that people whose joints the
network did not find do not teach nonsense."""


@dataclass
class People:
    """N people with truth, and what the network says of them."""

    people: list[Person]
    items: list[Item]
    found: Look
    implausible: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """Labelled places (N, 37, 2)."""
        return np.array([person.keypoints for person in self.people], np.float64)

    @property
    def sizes(self) -> np.ndarray:
        """Longer sides of the boxes (N,)."""
        boxes = np.array([item.box for item in self.items])
        return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)

    def of(self, rows: np.ndarray) -> People:
        """Return some of them."""
        people, items = ([part[i] for i in rows] for part in (self.people, self.items))
        found = self.found
        part = Look(found.answers[rows], found.views[:, rows], found.features[rows])
        return People(people, items, part, self.implausible[rows])


def prepared(folder: Path, cache: Path, limit: int) -> People:
    """Return the people of a set whose spine is labelled; what takes long is kept in a file."""
    people = [p for p in read_people(folder).people if p.trust[SPINE].all()][:limit]
    items = []
    for person in people:
        content, path = file_sha256(person.path), str(person.path.resolve())
        height, width = read_image(path).shape[:2]
        box = person.box.astype(float)
        name, group = item_id(content, box), f"scene {person.scene}"
        items.append(Item(name, path, content, (width, height), box, group))
    if not cache.exists():
        reader = open_reader("small", threads=1)
        looks = [look(reader, read_image(p.path), p.box) for p in people]
        answers = np.concatenate([one.answers for one in looks])
        views = np.concatenate([one.views for one in looks], axis=1)
        features = np.concatenate([one.features for one in looks])
        judged = implausibility(items, answers, Kinematics(body_model()))
        np.savez(cache, answers=answers, views=views, features=features, implausible=judged)
    kept = np.load(cache)
    found = Look(kept["answers"], kept["views"], kept["features"])
    return People(people, items, found, kept["implausible"])


class Learned:
    """The spine from joints: a curve, and what kernel ridge regression adds to it.

    All in the person's own frame: the middle of shoulders and hips is 0, the way from hips to
    shoulders points up, and the joints' root mean square distance is 1. Mirrored people are learned
    too.
    """

    def __init__(self, answers: np.ndarray, corrections: np.ndarray) -> None:
        mirror = np.array([-1.0, 1, 1])
        both = np.concatenate([answers, (answers * mirror)[:, SPINETRACK.flip]])
        spines = np.concatenate([corrections, corrections * mirror[:2]])
        self._joints, self._weights = np.zeros((0, 34)), np.zeros((0, 18))
        if len(both):
            frames = _frames(both)
            self._joints = _into(frames, both[:, JOINTS, :2]).reshape(len(both), -1)
            off = _into(frames, spines) - _into(frames, _curve(both))
            known = np.isfinite(off).all(axis=(1, 2))
            away = np.sqrt((off**2).sum(axis=2).mean(axis=1))
            off *= np.minimum(1, FARTHEST / np.maximum(away, 1e-9))[:, None, None]
            self._joints, off = self._joints[known], off[known].reshape(known.sum(), -1)
            kernel = self._kernel(self._joints)
            self._weights = np.linalg.solve(kernel + RIDGE * np.eye(len(kernel)), off)

    def spine(self, answers: np.ndarray) -> np.ndarray:
        """Return the spine (N, 9, 2) of people with joints in answers (N, 37, 3)."""
        frames = _frames(answers)
        joints = _into(frames, answers[:, JOINTS, :2]).reshape(len(answers), -1)
        more = (self._kernel(joints) @ self._weights).reshape(len(answers), -1, 2)
        _, scale, turn = frames
        return _curve(answers) + scale[:, None, None] * np.einsum("nij,npj->npi", turn, more)

    def _kernel(self, joints: np.ndarray) -> np.ndarray:
        squared = ((joints[:, None] - self._joints[None]) ** 2).sum(axis=-1) / len(JOINTS)
        return np.exp(-squared / (2 * WIDTH**2))

    def look(self, people: People) -> Look:
        """Return what is known of people: the network's joints and this spine."""
        found = people.found
        pose = np.zeros((len(SPINETRACK), 2), bool)
        pose[JOINTS] = True
        seen = np.r_[pose.ravel(), np.ones(found.features.shape[1] - pose.size, bool)]
        views = np.array([self._with_spine(view) for view in found.views])
        return Look(self._with_spine(found.answers), views, found.features * seen)

    def _with_spine(self, answers: np.ndarray) -> np.ndarray:
        known = np.full_like(answers, np.nan)
        known[..., 2] = 0
        known[:, JOINTS] = answers[:, JOINTS]
        known[:, SPINE, :2] = self.spine(answers)
        known[:, SPINE, 2] = answers[:, JOINTS, 2].min(axis=1)[:, None]
        return known


def _curve(answers: np.ndarray) -> np.ndarray:
    joints = np.zeros(len(SPINETRACK), bool)
    joints[JOINTS] = True
    return curve_spine(answers[..., :2], np.where(joints, 1.0, 0.0) + 0 * answers[..., 2])[0]


def _frames(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return middles (N, 2), scales (N,) and turns (N, 2, 2) of the people's own frames."""
    at = answers[..., :2]
    shoulders, hips = (
        at[:, SPINETRACK.indices([f"left_{n}", f"right_{n}"])].mean(axis=1)
        for n in ("shoulder", "hip")
    )
    middle, up = (shoulders + hips) / 2, hips - shoulders
    scale = np.sqrt(((at[:, JOINTS] - middle[:, None]) ** 2).sum(axis=-1).mean(axis=1))
    y = up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    x = np.stack([y[:, 1], -y[:, 0]], axis=1)
    return middle, scale, np.stack([x, y], axis=2)


def _into(frames: tuple[np.ndarray, np.ndarray, np.ndarray], points: np.ndarray) -> np.ndarray:
    """Return points (N, P, 2) in the people's own frames."""
    middle, scale, turn = frames
    away = (points - middle[:, None]) / scale[:, None, None]
    return np.einsum("nji,npj->npi", turn, away)


def spine_error(people: People, spine: np.ndarray) -> np.ndarray:
    """Return the mean distance (N,) of the nine points, % of the longer side of the box."""
    off = np.linalg.norm(spine - people.truth[:, SPINE], axis=-1)
    return 100 * off.mean(axis=1) / people.sizes


def learned(pool: People, corrections: dict[str, Correction]) -> Learned:
    """Return the model of all that is corrected."""
    number = {item.id: i for i, item in enumerate(pool.items)}
    rows = np.array([number[name] for name in corrections], int)
    spines = np.array([c.keypoints[SPINE] for c in corrections.values()]).reshape(-1, 9, 2)
    return Learned(pool.found.answers[rows], spines)


def one_run(
    strategy: str, seed: int, everyone: People, budgets: Sequence[int]
) -> list[dict[str, float]]:
    """Return the errors on the test after each round of one strategy."""
    scenes = np.array([person.scene for person in everyone.people])
    order = np.random.default_rng(seed).permutation(np.unique(scenes))
    kept = np.isin(scenes, order[: round(TEST * len(order))])
    pool, test = everyone.of(np.flatnonzero(~kept)), everyone.of(np.flatnonzero(kept))
    truth = {item.id: person for item, person in zip(pool.items, pool.people, strict=True)}
    annotator = SimulatedAnnotator(truth, misses=0.05, seed=seed)
    records = []
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(folder, {})
        project.add_items(pool.items)
        for number, budget in enumerate([*budgets, 0]):
            done = project.corrections(annotator.name)
            model = learned(pool, done)
            error = spine_error(test, model.spine(test.found.answers))
            moved = sum(int(c.moved[SPINE].sum()) for c in done.values())
            records.append(
                {
                    "strategy": strategy,
                    "seed": seed,
                    "people": len(done),
                    "moved": moved,
                    "mean": float(error.mean()),
                    "median": float(np.median(error)),
                    "worst": float(np.quantile(error, 0.9)),
                }
            )
            if budget:
                guesses = guesses_from(pool.items, model.look(pool), SOURCES)
                project.add_guesses(number, guesses)
                more = budget - len(done)
                queue = select(project, number, more, strategy=strategy, seed=seed)
                annotator.work(project, queue)
    return records


def doubts_table(everyone: People) -> None:
    """Print how well each doubt tells the error of the network's own spine, and the medians."""
    found = everyone.found
    guesses = guesses_from(everyone.items, found, SOURCES, implausible=everyone.implausible)
    error = spine_error(everyone, found.answers[:, SPINE, :2])
    off = np.linalg.norm(found.answers[..., :2] - everyone.truth, axis=-1)
    ratio = np.nanmedian(off / spread_of(found.answers, found.views))
    print(
        f"{len(guesses)} people, spine error {error.mean():.2f} % (median {np.median(error):.2f})"
    )
    print(f"error over spread, median of all keypoints: {ratio:.2f}\n")
    print("| doubt | median | distance at the median | rank correlation with the spine's error |")
    print("|---|---|---|---|")
    for name in (*HALVES, "score", "all together"):
        values = np.array(
            [total_doubt(g.doubts) if " " in name else g.doubts.get(name, 0.0) for g in guesses]
        )
        middle, half = float(np.median(values)), HALVES.get(name)
        distance = "" if half is None else f"{100 * half * middle / (1 - middle):.1f} %"
        print(f"| {name} | {middle:.2f} | {distance} | {spearmanr(values, error)[0]:.2f} |")


def report(records: list[dict[str, Any]], plot: Path | None) -> None:
    """Print the tables, and draw them."""
    strategies = list(dict.fromkeys(r["strategy"] for r in records))
    steps = sorted({r["people"] for r in records})

    def values(strategy: str, people: int, name: str = "mean") -> np.ndarray:
        return np.array(
            [r[name] for r in records if (r["strategy"], r["people"]) == (strategy, people)]
        )

    print("\n| strategy | " + " | ".join(f"{n} people" for n in steps) + " | points moved |")
    print("|---" * (len(steps) + 2) + "|")
    for s in strategies:
        cells = [f"{values(s, n).mean():.2f} ± {values(s, n).std(ddof=1):.2f}" for n in steps]
        moved = values(s, steps[-1], "moved").mean()
        print(f"| {s} | " + " | ".join(cells) + f" | {moved:.0f} |")
    for name, title in (
        ("mean", "mean error"),
        ("median", "median error"),
        ("worst", "error of the 90th percentile"),
        ("moved", "points moved"),
    ):
        print(f"\n| {title} less that of random | " + " | ".join(map(str, steps[1:])) + " |")
        print("|---" * len(steps) + "|")
        for s in strategies:
            apart = [values(s, n, name) - values("random", n, name) for n in steps[1:]]
            cells = [f"{d.mean():+.2f} ± {d.std(ddof=1) / np.sqrt(len(d)):.2f}" for d in apart]
            print(f"| {s} | " + " | ".join(cells) + " |")
    if plot is not None:
        draw({s: np.array([values(s, n) for n in steps]) for s in strategies}, steps, plot)


def draw(errors: dict[str, np.ndarray], steps: list[int], plot: Path) -> None:
    """Plot mean errors (steps, seeds) by strategy, and the differences from random."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for strategy, rows in errors.items():
        apart = rows - errors["random"]
        spread = apart.std(axis=1, ddof=1) / np.sqrt(apart.shape[1])
        left.plot(steps, rows.mean(axis=1), marker="o", markersize=3, label=strategy)
        right.errorbar(steps, apart.mean(axis=1), spread, marker="o", markersize=3, capsize=2)
    left.set(xlabel="people corrected", ylabel="spine error, % of the person's size")
    right.set(xlabel="people corrected", ylabel="less that of random (± standard error)")
    left.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    plot.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(plot, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="made by `spinepose synth`, not learned from")
    parser.add_argument("--cache", type=Path, default=Path("selection.npz"))
    parser.add_argument("--records", type=Path, default=Path("selection.jsonl"))
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--budgets", type=int, nargs="+", default=[10, 20, 40, 80, 160, 320])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    everyone = prepared(args.folder, args.cache, args.people)
    doubts_table(everyone)
    lines = args.records.read_text().splitlines() if args.records.exists() else []
    records = [json.loads(line) for line in lines]
    known = {(r["strategy"], r["seed"]) for r in records}
    for seed in range(args.seeds):
        for strategy in args.strategies:
            if (strategy, seed) not in known:
                found = one_run(strategy, seed, everyone, args.budgets)
                records += found
                with args.records.open("a") as file:
                    file.writelines(json.dumps(record) + "\n" for record in found)
    report(records, args.plot)


if __name__ == "__main__":
    main()
