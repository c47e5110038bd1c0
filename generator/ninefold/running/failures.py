"""What went wrong in a section, as `failure.json` keeps it and people read it."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_AROUND = 2  # lines shown before and after the one that failed


@dataclass(frozen=True)
class Failure:
    """A section that did not end well.

    `cell` counts the code cells that are not empty, from 1, as Jupyter does after "Run all";
    None where no cell is to blame. `lines` are the cell's lines around the error, numbered, the
    one that failed marked with an arrow. `todo` is what to try, where that is known.
    """

    section: str
    error: str
    message: str
    cell: int | None = None
    lines: tuple[str, ...] = ()
    todo: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the content of `failure.json`."""
        return asdict(self)

    def cleaned(self, clean: Callable[[str], str]) -> "Failure":
        """Return the same with each text passed through `clean`."""
        lines = tuple(map(clean, self.lines))
        return replace(self, message=clean(self.message), lines=lines, todo=clean(self.todo))

    def adding(self, more: str) -> "Failure":
        """Return the same with one thing more to say."""
        return replace(self, message=f"{self.message}; {more}")

    @property
    def summary(self) -> str:
        """Return error and message on one line."""
        first = next((line for line in self.message.splitlines() if line.strip()), "").strip()
        shown = first if len(first) <= 300 else first[:299] + "…"
        # ninefold's own errors are sentences; the name of their class adds nothing.
        return shown if self.error == "NinefoldError" else f"{self.error}: {shown}"


def failing_line(traceback: list[str]) -> int | None:
    """Return the line of its own cell in which IPython's traceback begins, from 1."""
    text = _ANSI.sub("", "\n".join(traceback))
    found = re.search(r"Cell In\s?\[\d+\], line (\d+)|<ipython-input[^>]*>:(\d+)", text)
    return int(found[1] or found[2]) if found else None


def excerpt(source: str, line: int | None) -> tuple[str, ...]:
    """Return the lines of a cell around `line`, numbered; the first few where it is None."""
    lines = source.rstrip().splitlines()
    middle = line if line and line <= len(lines) else None
    first = max((middle or 1) - _AROUND, 1)
    last = min((middle or 1 + _AROUND) + _AROUND, len(lines))
    return tuple(
        f"{'→' if number == middle else ' '} {number:>3}  {lines[number - 1]}".rstrip()
        for number in range(first, last + 1)
    )
