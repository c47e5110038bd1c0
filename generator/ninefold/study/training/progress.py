"""How far a long training is, on a stream: one line that changes on a terminal, few elsewhere."""

import time
from typing import TextIO

_WIDTH = 79


class Progress:
    """Shows which networks train, and about how long the rest takes.

    networks  how many are trained in all
    stream    where it is shown; None: nowhere. On a terminal a line is written over, five times a
              second at most, and cleared in the end; elsewhere, as in the output of a notebook, a
              line is added every ten seconds
    """

    def __init__(self, networks: int = 0, stream: TextIO | None = None):
        self._networks, self._stream, self._trained = networks, stream, 0
        self._over = stream is not None and stream.isatty()
        self._pause = 0.2 if self._over else 10.0
        self._start = self._last = time.monotonic()

    def tell(self, what: str, share: float, networks: int = 1) -> None:
        """Show what trains now: so many networks, of whose epochs a share is done."""
        now = time.monotonic()
        if self._stream is None or now - self._last < self._pause:
            return
        self._last = now
        done = (self._trained + share * networks) / self._networks
        left = (now - self._start) * (1 - done) / done
        first, last = self._trained + 1, self._trained + networks
        place = f"{first} to {last}" if last > first else f"{first}"
        line = f"{place} of {self._networks} · {what} · about {left:.0f} s left"[:_WIDTH]
        self._write(f"\r{line:{_WIDTH}}" if self._over else f"{line}\n")

    def finish(self, networks: int = 1) -> None:
        """Count networks as trained."""
        self._trained += networks

    def close(self) -> None:
        """Take the line away from a terminal."""
        if self._over:
            self._write(f"\r{'':{_WIDTH}}\r")

    def _write(self, text: str) -> None:
        assert self._stream is not None
        self._stream.write(text)
        self._stream.flush()
