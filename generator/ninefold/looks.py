"""The log of looks at the hold-out, `results/holdout.jsonl`: a line of JSON for each scoring.

A line that cannot be read counts as a look: a log is never shorter for having been damaged. Before
the next look a run keeps a copy of the damaged log, and replaces it by one that says so. The marks
of a conflict of git's are no looks, and the looks of both its sides count.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from ninefold.bounded import LOG
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.plain_json import parse_json

LOOKS = "results/holdout.jsonl"
_MARK = re.compile(rb"(<{7}|>{7}|\|{7})( .*)?|={7}")  # of a conflict, as git writes them
_STRICT = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


@with_config(_STRICT)
class Look(TypedDict):
    """One scoring of the hold-out."""

    counted: bool  # whether configuration and content were a new pair
    configuration: NotRequired[str]
    content: NotRequired[str]
    variant: NotRequired[str]
    metric: NotRequired[str]
    score: NotRequired[float | None]
    time: NotRequired[str]
    keys: NotRequired[dict[str, str]]  # of sections 5 and 6, as they stood then


@with_config(_STRICT)
class Damage(TypedDict):
    """That lines of an earlier log could not be read, and in which file that log is kept."""

    damaged: Annotated[int, Field(ge=1)]
    kept: str
    time: str


@dataclass(frozen=True)
class Looks:
    """A log as it was read: `damaged` lines could not be, now or by an earlier run."""

    looks: tuple[Look, ...] = ()
    damaged: int = 0
    broken: bool = False  # the log itself, now
    conflict: bool = False  # git left one in it

    @property
    def count(self) -> int:
        """Return how often the hold-out was looked at, at most."""
        return sum(look["counted"] for look in self.looks) + self.damaged

    @property
    def trouble(self) -> str:
        """Return what is wrong with the log and what that counts for, "" where nothing is."""
        conflict = "git left a conflict in it, and the looks of both sides count"
        lines = (
            "1 line cannot be read and counts as a look"
            if self.damaged == 1
            else f"{self.damaged} lines cannot be read and count as looks"
        )
        said = ((conflict, self.conflict), (lines, self.damaged))
        return "; ".join(text for text, is_so in said if is_so)


_look, _damage = TypeAdapter(Look), TypeAdapter(Damage)


def read_looks(files: Files) -> Looks:
    """Return the log of a project, whatever state it is in."""
    last = _last_kept(files)
    moved = last > 0 and not files.exists(LOOKS)  # a run was stopped before it had begun another
    try:
        lines = files.read(_aside(last) if moved else LOOKS, LOG).splitlines()
    except FileNotFoundError:
        return Looks()
    except NinefoldError:
        return Looks(damaged=1, broken=True)
    looks: list[Look] = []
    earlier = now = 0
    written = [line for line in lines if not _MARK.fullmatch(line)]
    conflict = len(written) < len(lines)
    for line in written:
        entry = _entry(line)
        if entry is None:
            now += bool(line.strip())
        elif "damaged" in entry:
            earlier += entry["damaged"]
        else:
            looks.append(entry)
    return Looks(tuple(looks), earlier + now, moved or conflict or now > 0, conflict)


def _entry(line: bytes) -> Any:
    """Return what a line says; None where that cannot be told."""
    try:
        content = parse_json(line, LOOKS)
        is_damage = isinstance(content, dict) and "damaged" in content
        return (_damage if is_damage else _look).validate_python(content)
    except (NinefoldError, ValidationError):
        return None


def log_look(files: Files, look: Mapping[str, Any]) -> None:
    """Add a look to the log. Raises NinefoldError."""
    files.append(LOOKS, json.dumps(look, sort_keys=True, allow_nan=False))


def mend_looks(files: Files) -> str:
    """Keep a log with lines that are no looks, and replace it by one of those that are, and of how
    many cannot be read; return what is to be said of that, "" where the log is whole.

    Raises NinefoldError or OSError where that cannot be written.
    """
    found = read_looks(files)
    if not found.broken:
        return ""
    last = _last_kept(files)
    kept = _aside(last)
    if files.exists(LOOKS):
        kept = _aside(last + 1)
        try:
            content = files.read(LOOKS, LOG)
        except NinefoldError:  # it is no file that can be copied
            files.move(LOOKS, kept)
        else:
            files.write(kept, content)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    damage = {"damaged": found.damaged, "kept": kept, "time": now}
    entries = (*found.looks, *([damage] if found.damaged else []))
    lines = (json.dumps(entry, sort_keys=True) for entry in entries)
    files.write(LOOKS, "".join(f"{line}\n" for line in lines))
    return (
        f"the log of looks at the hold-out was damaged: {found.trouble}; "
        f"it is kept as {kept}, and what could be read of it goes on"
    )


def _last_kept(files: Files) -> int:
    """Return the number of the damaged log that was kept last; 0 where there is none."""
    pattern = re.compile(r"holdout-damaged-(\d{1,9})\.jsonl")
    return max((int(m[1]) for m in map(pattern.fullmatch, files.names("results")) if m), default=0)


def _aside(number: int) -> str:
    return f"results/holdout-damaged-{number}.jsonl"
