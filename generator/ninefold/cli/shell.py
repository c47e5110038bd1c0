"""What a shell may do to a command: close its streams, read them no more, interrupt it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import FrameType
from typing import Any

INTERRUPTED = 130  # what shells say of a command ended by SIGINT
_SHOW_CURSOR = b"\x1b[?25h\r\n"


@contextmanager
def open_streams() -> Iterator[None]:
    """Let prints go nowhere where the shell closed a stream (`>&-`): there Python has None."""
    with (
        os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8") as nowhere,
        redirect_stdout(sys.stdout or nowhere),
        redirect_stderr(sys.stderr or nowhere),
    ):
        yield


def say(text: str, *, err: bool = False) -> None:
    """Print a line of a run; where nobody reads any more (`| head -1`, a terminal that is closed)
    or a disk is full, go on without: hours of training do not hang on a reader of their lines."""
    try:
        print(text, file=sys.stderr if err else sys.stdout, flush=True)
    except OSError:
        go_unread(err=err)


class LastingStdout:
    """What rich writes a live view to: stdout as it is now, going on as `say` does."""

    def __init__(self) -> None:
        self._stdout = sys.stdout

    def write(self, text: str) -> None:
        """Write to stdout, or else go unread."""
        try:
            self._stdout.write(text)
        except OSError:
            go_unread()

    def flush(self) -> None:
        """Flush stdout, or else go unread."""
        try:
            self._stdout.flush()
        except OSError:
            go_unread()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stdout, name)


def go_unread(*, err: bool = False) -> None:
    """Let all that is printed from now on go nowhere, what Python still holds of it too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (sys.stderr if err else sys.stdout).fileno())
    os.close(nowhere)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first Ctrl-C, and end this process at once at a second."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # a job in the background: Ctrl-C is not for it
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _end)
    raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> None:
    # What the run started ends when this process is gone, and the next run clears up.
    if os.isatty(1):
        os.write(1, _SHOW_CURSOR)
    os._exit(INTERRUPTED)
