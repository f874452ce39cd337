"""Train one network with parts of the loss left out, on the same budget, with several seeds.

The rows are those of Khan et al., CVPR Workshops 2025, table 4, and one without distillation.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from spinepose.training.pose.config import find_config
from spinepose.training.pose.runs import train

FULL = {"position": 5.0, "distill": 2.5, "structure": 0.1, "spine": 0.5}
ROWS = {
    "position": ("position",),
    "position, distillation": ("position", "distill"),
    "position, distillation, structure": ("position", "distill", "structure"),
    "position, distillation, spine": ("position", "distill", "spine"),
    "all four": tuple(FULL),
    "all but distillation": ("position", "structure", "spine"),
}


def variant(text: str, losses: tuple[str, ...], seed: int, steps: int | None) -> str:
    """Return settings with other losses, another seed, and another number of steps."""
    weights = "\n".join(f"{k} = {v if k in losses else 0.0}" for k, v in FULL.items())
    text = re.sub(r"\[losses\].*?(?=\n\[)", f"[losses]\n{weights}\n", text, flags=re.DOTALL)
    loop = f"[loop]\nseed = {seed}\n"
    if steps is not None:
        text = re.sub(r"\n(steps|check_every) = \d+", "", text)
        loop += f"steps = {steps}\ncheck_every = {steps}\n"
    return text.replace("[loop]\n", loop)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("ablation.toml"))
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--packs", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int)
    args = parser.parse_args()
    text = find_config(args.config).read_text(encoding="utf-8")
    args.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, float]]] = {row: [] for row in ROWS}
    for seed in range(args.seeds):
        for number, (row, losses) in enumerate(ROWS.items()):
            name = f"row{number}-seed{seed}"
            path = args.out / f"{name}.toml"
            path.write_text(variant(text, losses, seed, args.steps), encoding="utf-8")
            scores = train(path, args.out / name, data=args.data, packs=args.packs)
            found[row].append(scores)
            print(name, {k: round(v, 1) for k, v in scores.items()}, flush=True)
    columns = list(dict.fromkeys(k for runs in found.values() for run in runs for k in run))
    print("\n| losses | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
    for row, runs in found.items():
        cells = []
        for column in columns:
            values = np.array([run[column] for run in runs])
            cells.append(f"{values.mean():.1f} ({values.min():.1f} to {values.max():.1f})")
        print(f"| {row} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
