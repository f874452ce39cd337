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


def install_sizes() -> tuple[float, float]:
    """Return the megabytes of a fresh install without extras: as wheels, and on disk."""

    def size(folder: Path) -> int:
        return sum(f.lstat().st_size for f in folder.rglob("*") if f.is_file())

    with tempfile.TemporaryDirectory() as name:
        place, wheels = Path(name) / "venv", Path(name) / "wheels"
        venv.create(place, with_pip=True)
        pip = str(place / "bin" / "pip")
        before = size(place)
        subprocess.run([pip, "wheel", "--quiet", str(ROOT), "-w", str(wheels)], check=True)
        files = [str(path) for path in wheels.iterdir()]
        subprocess.run([pip, "install", "--quiet", "--no-index", "--no-deps", *files], check=True)
        return size(wheels) / 1e6, (size(place) - before) / 1e6


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
        downloaded, installed = install_sizes()
        print(
            f"\nInstall without extras: {downloaded:.0f} MB of wheels, {installed:.0f} MB on disk."
        )


if __name__ == "__main__":
    main()
