"""The limits of a task, watched in its worker: where one is passed, the kernel is ended."""

import math
import threading
import time
from dataclasses import dataclass

from ninefold.running.task import Limits
from ninefold.running.workers import machine
from ninefold.running.workers.kernel import Kernel

_EVERY = 0.5  # seconds
_SHARE = 0.9  # of the machine's memory, where no limit is set
_GIB = 2**30


@dataclass(frozen=True)
class Passed:
    """A limit that was passed: an error as people read it."""

    error: str
    message: str
    todo: str


class Watch:
    """A thread that measures a running task, as a context; `passed` is the limit that it passed."""

    def __init__(self, limits: Limits, kernel: Kernel) -> None:
        self._limits, self._kernel = limits, kernel
        self._memory = limits.memory or _SHARE * machine.memory() / _GIB
        self._began, self._cell_began = time.monotonic(), math.inf  # no cell runs yet
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self.passed: Passed | None = None

    def cell_starts(self) -> None:
        """Start the clock of the next cell."""
        self._cell_began = time.monotonic()

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _measure(self) -> None:
        while not self._done.wait(_EVERY):
            self.passed = self.passed or self._time() or self._space()
            if self.passed:
                self._kernel.end()  # again and again: a kernel may have started something meanwhile

    def _time(self) -> Passed | None:
        now = time.monotonic()
        clocks = (
            ("cell", self._limits.cell, self._cell_began),
            ("section", self._limits.section, self._began),
        )
        for what, limit, began in clocks:
            if limit and now - began > limit:
                return Passed(
                    f"{what.title()}Timeout",
                    f"the {what} took longer than its limit of {limit:g} seconds and was ended",
                    f"make it faster, or raise {what}_timeout under [run] in ninefold.toml",
                )
        return None

    def _space(self) -> Passed | None:
        used = self._kernel.resident()
        if used <= self._memory * _GIB:
            return None
        whose = "the limit" if self._limits.memory else "90 % of what this machine has"
        return Passed(
            "MemoryLimit",
            f"the notebook held {used / _GIB:.1f} GiB of memory, over {whose} "
            f"({self._memory:.1f} GiB), and was ended",
            "take fewer rows or smaller batches, or raise memory (GiB) under [run] in "
            "ninefold.toml",
        )
