"""One run at a time in a project: a lock that the operating system takes from a dead owner."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ninefold.errors import NinefoldError
from ninefold.files import SCRATCH
from ninefold.project import Project


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """Hold the project's lock. Raises NinefoldError where another process holds it.

    The lock belongs to the open file, so it ends with its process however that ends; the number
    in the file only tells people who holds it.
    """
    with project.files.open_log(f"{SCRATCH}/lock") as file:
        try:
            _take(file)
        except OSError:
            file.seek(0)
            owner = file.read(20).decode("ascii", "replace").strip()
            raise NinefoldError(
                f"another run is under way in {project.root.name}"
                + (f" (process {owner})" if owner else ""),
                todo="wait for it to end, or stop it",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        file.flush()
        yield


def _take(file: BinaryIO) -> None:
    """Lock the open file without waiting. Raises OSError where another holds it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 20)  # a byte beyond what is read: Windows bars readers from locked ones
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
