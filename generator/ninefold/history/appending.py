"""Adding an entry: of all processes and threads one at a time, each after the last."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

from ninefold.bounded import LOG, writing
from ninefold.files import Files
from ninefold.history.entries import HISTORY, SCHEMA, START, digest_of_line
from ninefold.locking import lock

_BLOCK = 1 << 16


def append(files: Files, kind: str, entry: Mapping[str, Any]) -> None:
    """Add an entry of a kind to the log, whole or not at all. Raises NinefoldError.

    Its place in the chain, and the time if it has none, are added here.
    """
    with writing(HISTORY), files.open_log(HISTORY) as file:
        lock(file, wait=True)
        end = file.seek(0, os.SEEK_END)
        last = _last_line(file, end)
        line = entry_line(kind, entry, digest_of_line(last) if last.strip() else START)
        half = b"\n" if last and not last.endswith(b"\n") else b""  # of a kill, or a full disk
        try:
            file.write(half + line)
            file.flush()
        except OSError:
            os.ftruncate(file.fileno(), end)
            raise


def entry_line(kind: str, entry: Mapping[str, Any], previous: str) -> bytes:
    """Return an entry as a line of the log."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    whole = {"time": now, **entry, "kind": kind, "previous": previous, "schema": SCHEMA}
    return json.dumps(whole, sort_keys=True, allow_nan=False).encode() + b"\n"


def must_grow(files: Files) -> None:
    """Raise NinefoldError where nothing could be added to the log that is there."""
    if files.exists(HISTORY):
        files.open_log(HISTORY).close()


def head_of(files: Files) -> str:
    """Return the digest of the last line that was written whole. Raises NinefoldError."""
    try:
        content = files.read(HISTORY, LOG)
    except FileNotFoundError:
        return START
    whole = content[: content.rfind(b"\n") + 1].strip()  # another process may be writing
    return digest_of_line(whole[whole.rfind(b"\n") + 1 :]) if whole else START


def _last_line(file: BinaryIO, end: int) -> bytes:
    """Return the last line that is not blank, with its line end if it has one; b"" for none."""
    content = b""
    while end > 0:
        start = max(end - _BLOCK, 0)
        file.seek(start)
        content = file.read(end - start) + content
        end = start
        found = content.rstrip(b"\r\n")
        if b"\n" in found:
            return content[found.rindex(b"\n") + 1 :]
    return content
