"""Folders for the sockets of kernels, whose names may not be long."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_LONGEST = 90  # bytes of a folder in which sockets still can have names, of 104 on some systems
_SHORT = "/tmp"  # on every system that has such sockets


def make_folder(prefix: str, room: int = 0) -> Path:
    """Make a folder that nobody else may look into, for sockets, or for folders of sockets whose
    names take up `room` bytes more.

    It is among the temporary files of this system, or in /tmp where those are too far down. Where
    that cannot be, sockets do not fit (see `fits`).
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if not fits(folder, room):
        with suppress(OSError):
            shorter = Path(tempfile.mkdtemp(prefix=prefix, dir=_SHORT))
            folder.rmdir()
            return shorter
    return folder


def fits(folder: Path, room: int = 0) -> bool:
    """Return whether sockets in a folder can have names, in a path `room` bytes longer."""
    return len(os.fsencode(folder)) + room < _LONGEST
