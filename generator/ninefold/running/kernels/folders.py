"""The folders that a run has outside of its project: for sockets, whose names may not be long, for
logs, and for whatever its notebooks take for temporary."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST = 90  # bytes of a folder in which sockets still can have names, of 104 on some systems
_SHORT = "/tmp"  # on every system that has such sockets
_ROOM = len("/kernel-12345678")  # below a folder of kernels


@contextmanager
def run_folders(root: Path) -> Iterator[tuple[Path, Path]]:
    """Lend the two folders of a run of the project at `root`: for sockets and logs, and for what
    its notebooks take for temporary. They go with the run or, where that was killed, with the next
    one (see `remove_run_folders`)."""
    prefix = _prefix(root)
    folders: list[Path] = []
    try:
        folders.append(make_folder(prefix, _ROOM))
        folders.append(Path(tempfile.mkdtemp(prefix=prefix)))
        yield folders[0], folders[1]
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def remove_run_folders(root: Path) -> None:
    """Remove what a killed run of the project at `root` has left: only for who holds its lock."""
    for place in {tempfile.gettempdir(), _SHORT}:  # where others may have put some, too
        with suppress(OSError):
            for folder in Path(place).glob(f"{_prefix(root)}*"):
                found = folder.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid == _user():
                    shutil.rmtree(folder, ignore_errors=True)


def _prefix(root: Path) -> str:
    """Return how the names of the folders of this project's runs begin."""
    return f"ninefold-{hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:10]}-"


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


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
