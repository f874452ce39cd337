"""``python -m spinepose``: the command line, for launchers such as ``torchrun``."""

from spinepose.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
