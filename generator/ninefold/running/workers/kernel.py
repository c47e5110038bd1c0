"""The kernel that a worker has at the moment: its processes, how many bytes they hold, its end."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

_GIB = 2**30
_PATIENCE = 5  # seconds for what was killed to be gone


class Kernel:
    """The one kernel that there is at a time: forked by a server, or a child of this process, which
    then has no other children, but adopts (see `orphans`) what a kernel that has ended leaves."""

    def __init__(self) -> None:
        self._made: list[Any] = []

    def manager(self, env: dict[str, str], *, cold: bool) -> type:
        """Return the class of the next kernel's manager, as nbclient wants one; `env` is the whole
        environment of the kernel, and a `cold` one is no fork."""
        from ninefold.running.kernels.manager import managing
        from ninefold.running.kernels.warm import ADDRESS

        self._made = made = []

        class Remembered(managing(os.environ.get(ADDRESS, ""), env, cold=cold)):  # type: ignore[misc]
            def __init__(self, **given: Any) -> None:
                super().__init__(**given)
                made.append(self)

        return Remembered

    @property
    def status(self) -> int | None:
        """The status that the kernel was found to have ended with, negative for a signal."""
        return self._made[-1].provisioner.status if self._made else None

    def resident(self) -> int:
        """Return how many bytes of memory the kernel and all that it started hold; of those over
        1 GiB, pages that they share are counted once where the system tells (Linux)."""
        import psutil

        total = 0
        for process in self._processes():
            with suppress(psutil.Error):  # it ended meanwhile
                memory = process.memory_info().rss
                if memory > _GIB:  # to ask for more takes milliseconds
                    memory = getattr(process.memory_full_info(), "pss", memory)
                total += memory
        return total

    def end(self) -> None:
        """End the kernel and all that it started, at once, and remove its sockets."""
        import psutil

        deadline = time.monotonic() + _PATIENCE
        while killed := [each for each in list(self._processes()) if _kill(each)]:
            psutil.wait_procs(killed, timeout=0.05)  # meanwhile their own fall to this process
            if time.monotonic() > deadline:
                break
        for manager in self._made:
            shutil.rmtree(manager.provisioner.folder, ignore_errors=True)

    def _processes(self) -> "Iterator[psutil.Process]":
        import psutil

        yield from psutil.Process().children(recursive=True)
        for manager in self._made:
            forked = getattr(manager.provisioner, "process", None)
            if forked is not None and forked.poll() is None:
                with suppress(psutil.Error):
                    process = psutil.Process(forked.pid)
                    yield from (process, *process.children(recursive=True))


def _kill(process: "psutil.Process") -> bool:
    """Kill a process; return whether that could be."""
    import psutil

    with suppress(psutil.Error):  # it is gone, or another user's, as sudo starts one
        process.kill()
        return True
    return False
