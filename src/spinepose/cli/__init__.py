"""The command line: parse, call, show progress, map errors to exit codes. No science here."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from spinepose.errors import SpinePoseError

__all__ = ["main"]

_USAGE_ERROR = 2
_INTERRUPTED = 130
_BROKEN_PIPE = 141

# Spellings of the project page and of version 2, and what they are called here.
_OLD_SPELLINGS = {
    "-mode": "--mode",
    "--input_path": "--input",
    "--input-path": "--input",
    "--vis-path": "--output",
    "--save-path": "--save",
    "--nosmooth": "--no-smooth",
    "-V": "--version",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Without the program's name; by default those of the process.

    Returns
    -------
    code : int
        0, or the exit code of :mod:`spinepose.errors`; 2 for a wrong command line, 130 after an
        interrupt.
    """
    words = [_modern(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    debug = "--debug" in words
    _start_logging(debug)
    try:
        return _dispatch([word for word in words if word != "--debug"])
    except SpinePoseError as error:
        return _fail(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED, debug)
    except BrokenPipeError:
        # The reader (head, less) has gone; keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return _fail(
            f"{type(error).__name__}: {reason} (this is a bug: please report it with --debug)",
            1,
            debug,
        )


def _dispatch(words: list[str]) -> int:
    """Parse the words and run the command that they name."""
    from cyclopts import CycloptsError

    from spinepose.cli.app import app

    if not words:
        app.help_print([])
        return _USAGE_ERROR
    try:
        result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        text = " ".join(str(error).split())
        return _fail(f"{text} See 'spinepose --help'.", _USAGE_ERROR, debug=False)
    return result if isinstance(result, int) else 0


def _modern(word: str) -> str:
    """Return an option in its present spelling; anything else as it is."""
    name, equals, value = word.partition("=")
    return _OLD_SPELLINGS.get(name, name) + equals + value


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to standard error as it is at that moment, which a caller may have redirected."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self.stream = sys.stderr
        super().emit(record)


def _start_logging(debug: bool) -> None:
    """Send warnings of the package to standard error, one line each."""
    handler = _StandardError()
    handler.setFormatter(logging.Formatter("spinepose: {levelname}: {message}", style="{"))
    logger = logging.getLogger("spinepose")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
    for level in (logging.WARNING, logging.ERROR):
        logging.addLevelName(level, logging.getLevelName(level).lower())


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        logging.getLogger("spinepose").debug("traceback", exc_info=True)
    print(f"spinepose: error: {' '.join(message.split())}", file=sys.stderr)
    return code
