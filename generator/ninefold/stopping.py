"""What ends a command from outside: Ctrl-C, `kill`, a terminal that is closed. All end it alike.

The first signal raises `Stopped` where the program just is, so that all it has begun is undone on
the way out. Those after it are not heard, or the undoing would be undone; but a second Ctrl-C, of a
person who will not wait, ends the process at once.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_UNTOUCHED = (signal.SIG_DFL, signal.default_int_handler)
_SHOW_CURSOR = b"\x1b[?25h\r\n"


class Stopped(BaseException):
    """A signal has come; `told` is what the user is to know of it."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number
        self.told = "stopped"

    @property
    def status(self) -> int:
        """Return the exit status that shells give for this signal."""
        return 128 + self.number


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise Stopped within the block at the first signal that somebody else does not handle: what
    ignores one, as `nohup` does, goes on ignoring it."""
    if threading.current_thread() is not threading.main_thread():  # it hears no signal
        yield
        return
    ours = [number for number in _SIGNALS if signal.getsignal(number) in _UNTOUCHED]
    before = {number: signal.signal(number, _stop) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    for other in _SIGNALS:
        if signal.getsignal(other) is _stop:
            signal.signal(other, _end if other == signal.SIGINT else _wait)
    raise Stopped(number)


def _wait(number: int, frame: FrameType | None) -> None:
    """Hear nothing; SIG_IGN would be handed on to whatever is started."""


def _end(number: int, frame: FrameType | None) -> None:
    # What the command started ends when this process is gone, and the next run clears up.
    if os.isatty(1):
        os.write(1, _SHOW_CURSOR)
    os._exit(128 + number)


def end_of(status: int) -> str:
    """Say how a process ended, by the status that Python tells of it."""
    if status >= 0:
        return f"ended itself with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
