"""One run at a time in a project."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ninefold.errors import NinefoldError
from ninefold.files import SCRATCH
from ninefold.locking import lock
from ninefold.project import Project


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """Hold the project's lock. Raises NinefoldError where another process holds it.

    The number in the file only tells people who holds it.
    """
    with project.files.open_log(f"{SCRATCH}/lock") as file:
        try:
            lock(file, wait=False)
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
