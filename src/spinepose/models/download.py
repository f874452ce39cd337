"""Fetch weights from their public hosts, checked by sha256 before anybody may load them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from spinepose.errors import ModelError
from spinepose.files import atomic_write

__all__ = ["cache_folder", "fetch_file", "file_sha256", "is_offline"]

logger = logging.getLogger(__name__)

_TIMEOUT_S = 30
_PAUSE_S = 1.0
"""Before the second and last try, when the line breaks or the host is in trouble."""
_CHUNK = 1 << 20
_LARGEST = 1 << 29
"""Bytes; no detector comes near."""
_KNOWN_HASHES = "sha256.json"
_ONNX_START = b"\x08"
"""Tag of the first field of every ONNX file; the web page of a hotel's network starts with <."""


class _HostError(Exception):
    """One host does not give the right file."""


def cache_folder() -> Path:
    """Return where downloaded weights lie: `SPINEPOSE_CACHE`, or the system's cache folder."""
    named = os.environ.get("SPINEPOSE_CACHE")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "spinepose"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "spinepose"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spinepose"


def is_offline() -> bool:
    """Tell whether `SPINEPOSE_OFFLINE` forbids the network."""
    return os.environ.get("SPINEPOSE_OFFLINE", "") not in ("", "0")


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_file(name: str, urls: Sequence[str], sha256: str | None) -> Path:
    """Return a file from the cache, downloading it first where it is missing or damaged.

    Parameters
    ----------
    name
        File name in the cache.
    urls
        The same file on several hosts, tried in order. From a ``.zip`` the one .onnx file in it
        is taken.
    sha256
        What it must be. `None` = unknown: the hash of the first download is recorded beside the
        file, and every later use is held to it.

    Raises
    ------
    ModelError
        No host answers, the content is not what it should be, or the network is forbidden.
    """
    path = cache_folder() / name
    expected = sha256 or _recorded(name)
    if path.is_file():
        found = file_sha256(path)
        if found == expected:
            return path
        logger.warning("%s is damaged (sha256 %s): it is fetched again", path, found[:12])
    if is_offline():
        raise ModelError(
            f"{name} is missing or damaged in {cache_folder()} and SPINEPOSE_OFFLINE forbids to "
            "fetch it: run 'spinepose models download' on a machine with a network and copy that "
            "folder"
        )
    failures = []
    for url in urls:
        try:
            return _download(url, path, expected)
        except _HostError as error:
            failures.append(f"{url}: {error}")
    advice = "check the network, or use the built-in models"
    if sha256 is None and expected is not None:
        advice += (
            f"; {cache_folder() / _KNOWN_HASHES} holds what the first download was, remove its "
            "line to trust a new file"
        )
    raise ModelError(f"{name} cannot be fetched ({'; '.join(failures)}): {advice}")


def _download(url: str, path: Path, expected: str | None) -> Path:
    """Fetch one address into the cache."""
    with atomic_write(path) as temporary:
        _transfer(url, temporary)
        if url.endswith(".zip"):
            _unpack(temporary)
        found = file_sha256(temporary)
        if expected is not None and found != expected:
            raise _HostError(f"its sha256 is {found}, expected {expected}")
        if expected is None and not _looks_like_onnx(temporary):
            raise _HostError("what came is no ONNX file; a login page in between?")
    if expected is None:
        _record(path.name, found)
    return path


def _transfer(url: str, target: Path) -> None:
    """Write what one address gives; when that breaks off, try once more."""
    import pooch
    import requests

    fetch = pooch.HTTPDownloader(timeout=_TIMEOUT_S, chunk_size=_CHUNK)
    try:
        fetch(url, str(target), None)
    except requests.exceptions.RequestException as error:
        if error.response is not None and error.response.status_code < 500:
            raise _HostError(_reason(error)) from error
    else:
        return
    time.sleep(_PAUSE_S)
    try:
        fetch(url, str(target), None)
    except requests.exceptions.RequestException as error:
        raise _HostError(_reason(error)) from error


def _looks_like_onnx(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ONNX_START)) == _ONNX_START


def _unpack(archive: Path) -> None:
    """Replace an archive by the one .onnx file in it; names inside are never used as paths."""
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [m for m in packed.infolist() if m.filename.endswith(".onnx")]
            if len(members) != 1 or members[0].file_size > _LARGEST:
                raise _HostError("the archive does not hold one .onnx file of a sensible size")
            with packed.open(members[0]) as source:
                # Bounded by what was declared: an archive that lies about sizes stops here.
                content = source.read(members[0].file_size)
    except zipfile.BadZipFile as error:
        raise _HostError("what came is no zip archive") from error
    archive.write_bytes(content)


def _reason(error: BaseException) -> str:
    """Return the one sentence that people need of a long chain of network errors."""
    import requests

    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return f"the host answered {error.response.status_code}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return " ".join(str(error).split())


def _recorded(name: str) -> str | None:
    """Return the hash that the first download of a file had."""
    try:
        known = json.loads((cache_folder() / _KNOWN_HASHES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = known.get(name)
    return found if isinstance(found, str) else None


def _record(name: str, sha256: str) -> None:
    path = cache_folder() / _KNOWN_HASHES
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(known | {name: sha256}, indent=2), encoding="utf-8")
