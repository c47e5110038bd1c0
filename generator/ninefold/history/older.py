"""The log of looks that older versions kept, `results/holdout.jsonl`: read, never written."""

import hashlib
import re
import stat
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ninefold.bounded import LOG, called
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.history.entries import OldLook
from ninefold.plain_json import parse_json

OLD_LOG = "results/holdout.jsonl"
MARK = re.compile(rb"(<{7}|>{7}|\|{7})( .*)?|={7}")  # of a conflict, as git writes them
_KEPT = re.compile(r"holdout-damaged-(\d{1,9})\.jsonl")  # what was damaged, before it went on

_look: TypeAdapter[Any] = TypeAdapter(OldLook)


@dataclass(frozen=True)
class OldLooks:
    """The looks of an older log; `damaged` lines of it cannot be read, now or by an earlier run.
    `instead` is what stands in its place, and can be no log."""

    source: str = ""  # "": there is none
    sha256: str = ""
    looks: tuple[dict[str, Any], ...] = ()
    damaged: int = 0
    instead: str = ""


def read_old_looks(files: Files) -> OldLooks:
    """Return the looks of an older version's log, whatever state it is in. A line that cannot be
    read counts as a look. Raises NinefoldError for one that cannot be read now."""
    numbers = (m for m in map(_KEPT.fullmatch, files.names("results")) if m)
    last = max(numbers, key=lambda match: int(match[1]), default=None)
    stopped = last and not files.exists(OLD_LOG)  # a run had put it aside, and was stopped
    source = f"results/{last[0]}" if last and stopped else OLD_LOG
    if instead := no_log(files, source):
        return OldLooks(source, instead=instead)
    try:
        content = files.read(source, LOG)
    except FileNotFoundError:
        return OldLooks()
    looks: list[dict[str, Any]] = []
    damaged = 0
    for line in content.splitlines():
        if line.strip() and not MARK.fullmatch(line):
            look, count = _read_line(line)
            damaged += count
            looks += [look] if look else []
    return OldLooks(source, hashlib.sha256(content).hexdigest(), tuple(looks), damaged)


def no_log(files: Files, name: str) -> str:
    """Say what stands in the place of a log, and can be none; "" for a file, which may only be out
    of reach for now, and for nothing. Raises OutsideError."""
    if files.leads_out(name):
        return f"a link out of the project in place of {name}"
    try:
        found = files.locate(name).lstat()
    except OSError:
        return ""
    return "" if stat.S_ISREG(found.st_mode) else f"{called(found)} in place of {name}"


def _read_line(line: bytes) -> tuple[dict[str, Any] | None, int]:
    """Return the look in a line, if it holds one, and how many damaged lines it stands for."""
    try:
        content = parse_json(line, OLD_LOG)
        match content:
            case {"damaged": int(count), "kept": str(), "time": str()} if 0 < count <= 10**6:
                return None, count
        return _look.validate_python(content), 0
    except (NinefoldError, ValidationError):
        return None, 1
