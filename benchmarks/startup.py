"""Import, photo to result in a fresh process, size of a fresh install."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def timed(words: list[str], repeat: int, cwd: str | None = None) -> float:
    """Return the median seconds of a command in a fresh process."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True, cwd=cwd)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def install_size() -> float:
    """Return the megabytes that a fresh install without extras adds to an environment."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)

        def size() -> int:
            return sum(f.lstat().st_size for f in Path(folder).rglob("*") if f.is_file())

        before = size()
        pip = [str(Path(folder) / "bin" / "pip"), "install", "--quiet", str(ROOT)]
        subprocess.run(pip, check=True)
        return (size() - before) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--install", action="store_true", help="measure a fresh install too")
    args = parser.parse_args()
    photo = str(ROOT / "examples" / "astronaut.jpg")
    run = "import sys; from spinepose.cli import main; sys.exit(main())"
    bare = timed([sys.executable, "-c", "pass"], args.repeat)
    imported = timed([sys.executable, "-c", "import spinepose"], args.repeat)
    api = "from spinepose import SpinePoseEstimator"
    with tempfile.TemporaryDirectory() as folder:
        result = timed([sys.executable, "-c", run, "-i", photo], args.repeat, folder)
    print("| what | seconds |\n|---|---|")
    print(f"| Python alone | {bare:.2f} |")
    print(f"| `import spinepose` | {imported:.2f} |")
    print(f"| `{api}` | {timed([sys.executable, '-c', api], args.repeat):.2f} |")
    print(f"| photo to result, fresh process | {result:.2f} |")
    if args.install:
        print(f"\nInstall without extras: {install_size():.0f} MB.")


if __name__ == "__main__":
    main()
