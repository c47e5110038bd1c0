"""Reading a file that may be anything: a regular one that is no larger than its kind can be meant
to be, or one line that says why not. And writing one whole or not at all."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ninefold.errors import NinefoldError

_MIB = 2**20
_CHUNK = 2**20
# Not all systems have them all; where there is no O_NONBLOCK, no FIFO has a name either.
_CAREFUL = ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY", "O_NOCTTY")
CAREFULLY = sum(getattr(os, name, 0) for name in _CAREFUL)
_STREAMS = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")  # open already: to open them cannot hang


@dataclass(frozen=True)
class Kind:
    """A kind of file: what one is called, how many bytes it has at most, what to do about one
    that cannot be used."""

    called: str
    most: int
    todo: str = ""


AGAIN = "run the section again with 'ninefold run --force'"
SETTINGS = Kind("the settings", _MIB // 16)
PAGE = Kind("a page of text", _MIB, "leave out what nobody will read")
NOTEBOOK = Kind("a notebook", 64 * _MIB, "mend it, or take it back from git")
RECORD = Kind("a record", 8 * _MIB, AGAIN)
FAILURE = Kind("the account of a failure", 4 * _MIB, AGAIN)
FIGURE = Kind("a figure", 32 * _MIB, AGAIN)
PREDICTIONS = Kind("a file of predictions", 32 * _MIB, AGAIN)
LOG = Kind("a log", 64 * _MIB, "take it back from git")
TABLE = Kind("a leaderboard", 64 * _MIB, "remove it: the next run writes it anew")
REPORT = Kind("a file of a report", 64 * _MIB, "remove it: 'ninefold report' writes it anew")
LOCK = Kind("a lock of versions", 16 * _MIB, "write it anew: 'make lock'")
CODE = Kind("a file of code", 16 * _MIB)
DATA = Kind("a file of data", 2048 * _MIB, "take a sample of its rows")


_MOST_LINES = 20_000  # of prose, a long book; each may be a paragraph, which takes memory


def must_be_short(name: str, lines: int) -> None:
    """Raise NinefoldError where a file has more lines of prose than anyone reads."""
    if lines > _MOST_LINES:
        raise NinefoldError(
            f"{name} has {lines:,} lines of text", f"{_MOST_LINES:,} at most", PAGE.todo
        )


def read_regular(path: str | Path, kind: Kind, name: str = "") -> bytes:
    """Return the content of a file, which messages call `name`, or by its path.

    Raises FileNotFoundError where there is none, and NinefoldError where it is no regular file,
    cannot be read, or is larger than its kind.
    """
    name = name or str(path)
    with open_regular(path, kind, name) as file, reading(name):
        content = bytearray()
        while chunk := file.read(_CHUNK):
            content += chunk
            if len(content) > kind.most:  # its size was not said, or grew
                raise _too_large(name, len(content), kind)
        return bytes(content)


def read_given(path: Path, kind: Kind) -> bytes:
    """Return the content of a file that a person names: as `read_regular`, but a link may lead
    anywhere, and what is piped in is read, too."""
    if str(path).startswith(_STREAMS):
        with reading(str(path)), path.open("rb") as stream:
            content = stream.read(kind.most + 1)
        if len(content) > kind.most:
            raise _too_large(str(path), len(content), kind)
        return content
    return read_regular(os.path.realpath(path), kind, str(path))


def hash_regular(
    path: str | Path, kind: Kind, name: str = "", *, text: bool = False
) -> "hashlib._Hash":
    """Return the SHA-256 of a file's content, of which little is in memory at a time; of a text
    with its line ends as "\\n". Raises as `read_regular` does."""
    name = name or str(path)
    found, size = hashlib.sha256(), 0
    with open_regular(path, kind, name) as file, reading(name):
        while chunk := file.read(_CHUNK):
            while text and chunk.endswith(b"\r") and (more := file.read(1)):
                chunk += more
            found.update(chunk.replace(b"\r\n", b"\n") if text else chunk)
            size += len(chunk)
            if size > kind.most:
                raise _too_large(name, size, kind)
    return found


def open_regular(path: str | Path, kind: Kind, name: str) -> BinaryIO:
    """Open a file to be read; raises as `read_regular` does, before a byte is read."""
    with reading(name):
        must_be_regular(os.stat(path), name, kind)  # first: to open a device may do something
        file = os.fdopen(os.open(path, os.O_RDONLY | CAREFULLY), "rb")
    try:
        must_be_regular(os.fstat(file.fileno()), name, kind)
    except NinefoldError:
        file.close()
        raise
    return file


def must_be_regular(found: os.stat_result, name: str, kind: Kind) -> None:
    """Raise NinefoldError where this is no regular file, or too large for its kind."""
    if not stat.S_ISREG(found.st_mode):
        raise NinefoldError(f"{name} is {called(found)}", f"expected {kind.called}", kind.todo)
    if found.st_size > kind.most:
        raise _too_large(name, found.st_size, kind)


def called(found: os.stat_result) -> str:
    """Say what this is that is no regular file."""
    kinds = {
        **{stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"},
        **{stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"},
    }
    return kinds.get(stat.S_IFMT(found.st_mode), "no file")


def _too_large(name: str, size: int, kind: Kind, todo: str = "") -> NinefoldError:
    return NinefoldError(
        f"{name} has {_size(size)}",
        f"{kind.called} has {_size(kind.most)} at most",
        todo or kind.todo,
    )


def must_fit(name: str, size: int, kind: Kind, todo: str) -> None:
    """Raise NinefoldError where what is about to be written has more bytes than could be read."""
    if size > kind.most:
        raise _too_large(name, size, kind, todo)


def _size(size: int) -> str:
    return f"{size / _MIB:,.0f} MiB" if size >= _MIB else f"{size // 1024} KiB"


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what the system says of a file that is read into NinefoldError, but for one that is
    absent."""
    try:
        yield
    except FileNotFoundError:
        raise
    except NotADirectoryError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None
    except (OSError, ValueError, MemoryError) as error:  # ValueError: a name that no system has
        raise _failed(name, "read", error) from None


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn what the system says of a file that is written into NinefoldError."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise _failed(name, "written", error) from None


def _failed(name: str, done: str, error: Exception) -> NinefoldError:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return NinefoldError(f"{name} cannot be {done}: {why}")


def write_whole(
    path: Path,
    content: bytes | str,
    *,
    name: str = "",
    aside: Path | None = None,
    mode: int | None = None,
) -> None:
    """Write a file, whole or not at all: under a temporary name first, then renamed. A link is
    replaced, not followed. Raises NinefoldError.

    aside  a folder on the same disk for the temporary file; None: the file's own
    mode   who may do what with it; None: as for any new file
    """
    data = content.encode() if isinstance(content, str) else content
    # no longer than a name may be, in bytes, and nobody else's
    temporary = (aside or path.parent) / f".{path.name[:40]}-{os.urandom(4).hex()}"
    with writing(name or str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = temporary.open("xb")
        try:
            with file:
                if mode is not None:
                    temporary.chmod(mode)
                file.write(data)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_given(path: Path, content: bytes | str) -> None:
    """Write what a person named: a file whole or not at all, as `write_whole`, but where a link
    leads, with the rights it has; a pipe or a device as it comes. Raises NinefoldError."""
    data = content.encode() if isinstance(content, str) else content
    with writing(str(path)):
        try:
            found = path.stat()
        except FileNotFoundError:
            found = None
        if found and not stat.S_ISREG(found.st_mode):
            with path.open("wb") as stream:
                stream.write(data)
            return
    mode = stat.S_IMODE(found.st_mode) if found else None
    write_whole(Path(os.path.realpath(path)), data, name=str(path), mode=mode)


def is_half_written(name: str) -> bool:
    """Tell whether a file may be one that `write_whole` had not renamed yet when it was killed."""
    return re.fullmatch(r"\..+-[0-9a-f]{8}", name) is not None
