"""The one exception that ninefold raises on purpose, and how others become one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any


class NinefoldError(Exception):
    """A user's error: what happened, what was expected, what to do.

    Each part is a clause without a final full stop; `str()` joins them into the one line that
    the command line prints. Survives pickling, so that it can cross processes.
    """

    def __init__(self, happened: str, expected: str = "", todo: str = ""):
        super().__init__(happened, expected, todo)
        self.happened, self.expected, self.todo = happened, expected, todo

    def __str__(self) -> str:
        line = "; ".join(part for part in (self.happened, self.expected, self.todo) if part)
        return " ".join(line.split())


def must_be_whole(name: str, value: Any, least: int) -> None:
    """Raise NinefoldError where an argument is no whole number of `least` or more."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise NinefoldError(f"{name}={value!r}", f"expected a whole number of {least} or more")


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Turn whatever fails within into one line that begins with `name`."""
    before = f"{name}: " if name else ""
    try:
        yield
    except NinefoldError as error:
        raise NinefoldError(f"{before}{error.happened}", error.expected, error.todo) from error
    except Exception as error:
        raise NinefoldError(f"{before}{type(error).__name__}: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """Return what an error says in one line, without the stack and the arguments that TensorFlow
    and Keras put into its message."""
    said = re.sub("\x1b\\[[0-9;]*m", "", str(error)).split("Arguments received by")[0]
    said = re.sub(r"^Exception encountered when calling .*\n+", "", said)
    if said.startswith("Graph execution error"):
        lines = [line for line in said.splitlines() if line and not line.startswith((" ", "\t"))]
        said = next((line for line in lines[1:] if not line.startswith("Detected at")), lines[0])
    return " ".join(said.split())


@contextmanager
def naming_others(name: str) -> Iterator[None]:
    """As `naming`, for errors that are none of ninefold's: those have their name."""
    try:
        yield
    except NinefoldError:
        raise
    except Exception:
        with naming(name):
            raise
