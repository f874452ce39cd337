"""Train one network on parts of the people, on the same number of steps."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ablation import variant

from spinepose.training.pose.config import find_config
from spinepose.training.pose.runs import train

LOSSES = ("position", "distill", "structure", "spine")
ROWS = (
    ("25 % of all people", 0.25, 0.25),
    ("50 %", 0.5, 0.5),
    ("100 %", 1.0, 1.0),
    ("100 % of the real, 25 % of the rendered", 1.0, 0.25),
    ("25 % of the real, 100 % of the rendered", 0.25, 1.0),
)


def reduced(text: str, real: float, rendered: float) -> str:
    """Return settings that use a part of the real and of the rendered people to learn from."""
    head, *sets = re.split(r"(?=\[\[)", text)
    parts = []
    for entry in sets:
        part = rendered if 'format = "coco"' in entry else real
        used = entry.startswith("[[sets]]")
        parts.append(entry.rstrip() + (f"\npart = {part}\n\n" if used else "\n\n"))
    return head + "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("ablation.toml"))
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--out", type=Path, default=Path("runs/learning-curve"))
    parser.add_argument("--packs", type=Path)
    parser.add_argument("--steps", type=int)
    args = parser.parse_args()
    base = find_config(args.config).read_text(encoding="utf-8")
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (name, real, rendered) in enumerate(ROWS):
        path = args.out / f"row{number}.toml"
        path.write_text(reduced(variant(base, LOSSES, 0, args.steps), real, rendered))
        scores = train(path, args.out / f"row{number}", data=args.data, packs=args.packs)
        rows.append((name, scores))
        print(name, {k: round(v, 1) for k, v in scores.items()}, flush=True)
    columns = list(rows[0][1])
    print("\n| people | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
    for name, scores in rows:
        print(f"| {name} | " + " | ".join(f"{scores[c]:.1f}" for c in columns) + " |")


if __name__ == "__main__":
    main()
