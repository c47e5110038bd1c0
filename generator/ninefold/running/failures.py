"""What went wrong in a section, as `failure.json` keeps it and people read it."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from ninefold.bounded import FAILURE as ACCOUNT
from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import mistakes_of
from ninefold.visible import visible

FAILURE = "failure"  # the folder in a section's results that tells of its last run's failure

_NOISE = (
    (re.compile(r" \(\d+\.py, line \d+\)$"), ""),  # a cell's file, which only the kernel knows
    (re.compile(r"^Command 'b['\"].*['\"]' (?=returned |died )", re.DOTALL), "the script "),
)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"Cell In\s?\[\d+\], line (\d+)|<ipython-input[^>]*>:(\d+)")
_TIMED_LINE = re.compile(r"<(?:timed exec|timed eval|unknown)>:(\d+)")  # without "%%time" itself
_AROUND = 2  # lines shown before and after the one that failed
_MOST_KEPT = 100_000  # characters of a message
_MOST_SHOWN, _MOST_WIDE = 12, 1_000  # lines of a message, characters of each


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
    cell: Annotated[int, Field(ge=1)] | None = None
    lines: tuple[str, ...] = ()
    todo: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the content of `failure.json`."""
        return asdict(replace(self, message=self.message[:_MOST_KEPT]))

    def cleaned(self, clean: Callable[[str], str]) -> "Failure":
        """Return the same with each text passed through `clean`."""
        lines = tuple(map(clean, self.lines))
        return replace(self, message=clean(self.message), lines=lines, todo=clean(self.todo))

    def adding(self, more: str) -> "Failure":
        """Return the same with one thing more to say."""
        return replace(self, message=f"{self.message}; {more}")

    @property
    def where(self) -> str:
        """Return " in cell 3", or "" where no cell is to blame."""
        return f" in cell {self.cell}" if self.cell else ""

    @property
    def message_lines(self) -> tuple[str, ...]:
        """Return error and message in lines, of a long one the first few; at least one."""
        said = visible(told(self.error, self.message.strip()))
        lines = [line.rstrip()[:_MOST_WIDE] for line in said.splitlines()] or [""]
        cut = [] if len(lines) <= _MOST_SHOWN else ["…"]
        return (*lines[:_MOST_SHOWN], *cut)

    @property
    def summary(self) -> str:
        """Return error and message on one line."""
        first = next((line for line in self.message.splitlines() if line.strip()), "").strip()
        shown = first if len(first) <= 300 else first[:299] + "…"
        return told(self.error, shown)


def read_failure(project: Project, section: str) -> Failure | None:
    """Return how a section's last run failed, or None where it did not. An account that cannot be
    read is a failure of its own, until the next run."""
    name = f"results/{section}/{FAILURE}/failure.json"
    try:
        content = project.files.json(name, ACCOUNT)
        with mistakes_of(name, ACCOUNT.todo):
            return replace(_schema.validate_python(content), section=section)
    except FileNotFoundError:
        return None
    except NinefoldError as error:
        return Failure(section, "NinefoldError", str(error))


_schema = TypeAdapter(Failure)


def told(error: str, message: str) -> str:
    """Return error and message as people read them: of ninefold's own errors, which are sentences,
    the name of the class adds nothing."""
    names = () if error == "NinefoldError" else (error,)
    return ": ".join(filter(None, (*names, message))) or error


def readable(message: str, stderr: str = "") -> str:
    """Return an exception's message without what means nothing to people; where a cell is a script
    (`%%bash`), with the last line of its `stderr` instead of its text."""
    for noise, instead in _NOISE:
        message = noise.sub(instead, message)
    said = stderr.strip().rpartition("\n")[2]
    is_script = said and message.startswith("the script ")
    return f"{message.rstrip('.')}: {said}" if is_script else message


def failing_line(traceback: list[str], source: str) -> int | None:
    """Return the line of the cell `source` in which IPython's traceback begins, from 1."""
    text, lines = _ANSI.sub("", "\n".join(traceback)), source.splitlines()
    begin = _blank(lines)  # IPython drops the empty lines that come first, and does not count them
    timed = lines and lines[begin].split()[:1] == ["%%time"]
    if timed and (found := _TIMED_LINE.search(text)):
        begin += 1
        return begin + _blank(lines[begin:]) + int(found[1])
    found = _LINE.search(text)
    return begin + int(found[1] or found[2]) if found else None


def _blank(lines: list[str]) -> int:
    return next((number for number, line in enumerate(lines) if line.strip()), 0)


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
