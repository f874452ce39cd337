"""Read SpineTrack's archives from the hub: whole, going on after a break, or only parts of them.

The hub's own client starts a broken download anew. Here a transfer goes on at the byte where it
broke, in the same call or days later, and an archive can be read over the network like a file, so
that a few pictures out of it do not cost all of it. Addresses, headers, accounts and errors are
those of the ``huggingface_hub`` package.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import re
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from spinepose.errors import MissingExtraError
from spinepose.files import errors_for

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "REPOSITORY",
    "HubError",
    "HubFile",
    "NoRangesError",
    "RemoteReader",
    "check_sha256",
    "fetch",
    "find_file",
    "need_extra",
    "part_of",
    "read_from",
]

REPOSITORY = "saifkhichi96/spinetrack"

_TIMEOUT_S = 30.0
_TRIES = 5
"""Times that a transfer may break off without one byte more."""
_PAUSE_S = 1.0
"""Before the second try; the client doubles it each time."""
_SKIP = 1 << 22
"""Bytes: up to here, reading and dropping is quicker than asking anew."""
_SHA256 = re.compile("[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
"""Of the answer's ``Content-Range`` (RFC 9110, 14.4)."""


class HubError(Exception):
    """One hub does not give what it should; another may. The message follows the hub's name."""


class NoRangesError(HubError):
    """A hub sends a file from its first byte only."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of one revision of the data set on one hub.

    Attributes
    ----------
    name, url
        Its name and address; the address holds the commit, so that the content cannot change.
    commit
        The revision.
    size
        Bytes.
    sha256
        What the hub says that the content has, `None` for small files, which have other hashes.
    token
        `False`: no account is named to this hub. `None`: that of the machine, if there is one.
    """

    name: str
    url: str
    commit: str
    size: int
    sha256: str | None
    token: bool | None


def need_extra() -> None:
    """See that the hub's client is installed.

    Raises
    ------
    MissingExtraError
        If not.
    """
    try:
        import filelock  # noqa: F401
        import httpx2  # noqa: F401
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("fetching SpineTrack", "data") from error


def find_file(name: str, revision: str, endpoint: str | None) -> HubFile:
    """Ask a hub for a file of the data set.

    Parameters
    ----------
    name
        In the repository.
    revision
        Branch, tag or commit.
    endpoint
        Address of the hub, `None` = ``HF_ENDPOINT``, or Hugging Face.

    Raises
    ------
    HubError
        If it does not answer as a hub does, or does not have the file.
    """
    from httpx2 import HTTPError, InvalidURL, TimeoutException
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    def url_of(commit: str) -> str:
        return hf_hub_url(REPOSITORY, name, repo_type="dataset", revision=commit, endpoint=endpoint)

    # An account is of the hub that the machine is set up for and no other's business.
    token = None if endpoint is None else False
    try:
        with _refusals(name, revision):
            found = get_hf_file_metadata(
                url_of(revision), token=token, timeout=_TIMEOUT_S, endpoint=endpoint
            )
    except TimeoutException as error:
        raise HubError("gives no answer in time") from error
    except (HTTPError, InvalidURL) as error:
        raise HubError("no connection") from error
    if found.commit_hash is None or found.etag is None or found.size is None:
        raise HubError("does not answer as a hub does: a login page in between?")
    sha256 = found.etag if _SHA256.fullmatch(found.etag) else None
    return HubFile(name, url_of(found.commit_hash), found.commit_hash, found.size, sha256, token)


def read_from(file: HubFile, start: int) -> Generator[bytes, None, None]:
    """Yield the content from a byte on; what breaks off is taken up again where it broke.

    Raises
    ------
    HubError
        If the hub breaks off again and again, or sends something else.
    """
    from httpx2 import TransportError

    position, failures = start, 0
    while position < file.size:
        try:
            with contextlib.closing(_answer(file, position)) as chunks:
                for chunk in chunks:
                    position += len(chunk)
                    failures = 0
                    yield chunk
        except TransportError as error:
            failures += 1
            if failures >= _TRIES:
                raise HubError(f"broke off {failures} times at byte {position:,}") from error
            time.sleep(_PAUSE_S)


def _answer(file: HubFile, start: int) -> Generator[bytes, None, None]:
    """Yield what one request for the rest of a file gives."""
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff

    headers = build_hf_headers(token=file.token) | {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    # Broken lines are not the client's to repeat: it would begin at the same byte again.
    with (
        _refusals(file.name, file.commit),
        http_stream_backoff(
            "GET",
            file.url,
            headers=headers,
            timeout=_TIMEOUT_S,
            max_retries=_TRIES - 1,
            base_wait_time=_PAUSE_S,
            retry_on_exceptions=(),
        ) as response,
    ):
        hf_raise_for_status(response)
        expected = (str(start), str(file.size))
        if response.status_code == 206:
            sent = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if sent is None or sent.groups() != expected:
                raise HubError(f"sent other bytes of {file.name} than asked for")
        elif start:
            raise NoRangesError("sends whole files only: ask for all splits, or another hub")
        elif response.headers.get("Content-Length", expected[1]) != expected[1]:
            raise HubError(f"sent something else than {file.name}: a login page in between?")
        left = file.size - start
        for chunk in response.iter_bytes():
            left -= len(chunk)
            if left < 0:
                raise HubError(f"sent more than the {file.size:,} bytes of {file.name}")
            yield chunk


@contextlib.contextmanager
def _refusals(name: str, revision: str) -> Iterator[None]:
    """Turn what a hub answers instead of a file into one line."""
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise HubError("is not asked: HF_HUB_OFFLINE forbids it") from error
    except errors.GatedRepoError as error:
        raise HubError("asks for an account: log in with 'hf auth login'") from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"has no revision {revision} of {REPOSITORY}") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(f"has no data set {REPOSITORY}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status == 404:
            raise HubError(f"has no file {name} (revision {revision})") from error
        raise HubError(f"answered {status}") from error


class RemoteReader(io.RawIOBase):
    """A file on a hub, readable and seekable; only what is read is fetched.

    One request serves all reads that follow each other. Wrap it in :class:`io.BufferedReader`.

    Parameters
    ----------
    file
        What to read.
    """

    def __init__(self, file: HubFile) -> None:
        super().__init__()
        self.name = file.name
        self._file = file
        self._position = 0
        self._chunks: Generator[bytes, None, None] | None = None
        self._ahead = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte; nothing is asked before the next read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        position = base + offset
        if position < 0:
            raise OSError(errno.EINVAL, "there is no byte before the first")
        if self._chunks is not None and 0 <= position - self._position <= _SKIP:
            while self._position < position and self._take(position - self._position):
                pass
        elif position != self._position:
            self._hang_up()
        self._position = position
        return position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read up to as many bytes as fit, 0 at the end."""
        target = memoryview(buffer).cast("B")
        piece = self._take(len(target))
        target[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Hang up."""
        self._hang_up()
        super().close()

    def _take(self, most: int) -> memoryview:
        """Return the next bytes, at most so many; none at the end."""
        if not self._ahead and self._position < self._file.size:
            if self._chunks is None:
                self._chunks = read_from(self._file, self._position)
            self._ahead = memoryview(next(self._chunks, b""))
        piece, self._ahead = self._ahead[:most], self._ahead[most:]
        self._position += len(piece)
        return piece

    def _hang_up(self) -> None:
        if self._chunks is not None:
            self._chunks.close()
        self._chunks, self._ahead = None, memoryview(b"")


def fetch(file: HubFile, target: Path, sha256: str | None, on_bytes: Callable[[int], None]) -> str:
    """Fetch a whole file, going on with what an earlier call left, and return its sha256.

    From a hub that sends whole files only it begins anew, once in a call.

    Parameters
    ----------
    file
        What to fetch.
    target
        Where it goes once it is whole and checked. What there is of it until then lies beside.
    sha256
        What it must have; `None` = unknown.
    on_bytes
        Called with the number of bytes that are there.

    Raises
    ------
    HubError
        If the hub breaks off, or the content is wrong (what came is removed then).
    OutputError
        If it cannot be written.
    """
    part = part_of(file, target)
    with errors_for(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as writer:
            if writer.tell() > file.size:
                _empty(writer)
            try:
                _go_on(file, writer, on_bytes)
            except NoRangesError:
                _empty(writer)
                _go_on(file, writer, on_bytes)
        try:
            found = check_sha256(part, sha256)
        except HubError:
            part.unlink()
            raise
        part.replace(target)
    return found


def _empty(writer: BinaryIO) -> None:
    writer.seek(0)  # `truncate` alone leaves the position where it was
    writer.truncate()


def _go_on(file: HubFile, writer: BinaryIO, on_bytes: Callable[[int], None]) -> None:
    """Write what is missing of a file behind what is there."""
    on_bytes(writer.tell())
    for chunk in read_from(file, writer.tell()):
        writer.write(chunk)
        on_bytes(writer.tell())


def part_of(file: HubFile, target: Path) -> Path:
    """Return where a file lies that is on its way, another for each revision."""
    return target.with_name(f".{target.name}.{file.commit[:12]}.part")


def check_sha256(path: Path, sha256: str | None) -> str:
    """Return the sha256 of an archive; one whose hash nobody knows must at least be a zip.

    Raises
    ------
    HubError
        If it is another than `sha256`, or no archive.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 is not None and found != sha256:
        raise HubError(f"gave a file with the sha256 {found}, expected {sha256}")
    if sha256 is None and not zipfile.is_zipfile(path):
        raise HubError("gave no zip archive: a login page in between?")
    return found
