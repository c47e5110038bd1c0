"""Making the log ready for a run: begun, mended, merged. Nothing in it is ever hashed anew.

A damaged log is copied first. What goes on are its readable lines, byte by byte, and an entry that
says what is missing.
"""

import re
from collections.abc import Iterator

from ninefold.bounded import LOG
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.history.appending import append, entry_line
from ninefold.history.digests import digest_of_file
from ninefold.history.entries import HISTORY
from ninefold.history.older import no_log, read_old_looks
from ninefold.history.reading import History, kept_name, last_kept, read_history, read_lines
from ninefold.records import RECORD_FILE, read_parts

_OF_A_RUN = re.compile(rf"results/(.+)/{re.escape(RECORD_FILE)}")
_FAILED = "/failure"


def prepare(files: Files) -> str:
    """Begin the log, or mend it, before a run adds to it; return what is to be said of that, ""
    where nothing is.

    Only for who holds the project's lock. Raises NinefoldError for a log of a newer version, and
    NinefoldError or OSError where it cannot be read or written.
    """
    found = read_history(files)
    if not found.is_there:
        _take_over(files)
    said = _mend(files, found) if found.broken else ""
    if found.heads and not found.broken:
        append(files, "mended", _entry(heads=found.heads))
    lost = _unknown(files, read_history(files))
    if lost:
        append(files, "mended", _entry(lost=lost))
        what = f"the log of runs knows nothing of results that are there: {', '.join(lost[:3])}"
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        said = "; ".join(filter(None, (said, f"{what}{more}; the report says so")))
    return said


def _take_over(files: Files) -> None:
    """Begin a log with what older versions left; with nothing where they left nothing."""
    old = read_old_looks(files)
    records = {
        section: digest_of_file(files, f"results/{section}/{RECORD_FILE}")
        for section, mark in _records(files)
        if mark is None
    }
    if old.source or records:
        entry = {"source": old.source, "sha256": old.sha256, "looks": list(old.looks)}
        entry |= {"instead": old.instead} if old.instead else {}
        append(files, "taken", {**entry, "damaged": old.damaged, "records": records})


def _unknown(files: Files, found: History) -> list[str]:
    """Return the sections with a record that a log had listed, but not this one."""
    known = {entry["section"] for entry in found.of("run")} | set(found.lost)
    return [name for name, mark in _records(files) if mark is not None and name not in known]


def _records(files: Files) -> Iterator[tuple[str, str | None]]:
    """Yield each section with a record that can be read, and which head of the log that names;
    None: of a version that kept no log."""
    for name in files.walk("results"):
        match = _OF_A_RUN.fullmatch(name)
        if match and not match[1].endswith(_FAILED) and not match[1].startswith("."):
            try:
                parts = read_parts(files, f"results/{match[1]}", "run")
            except NinefoldError:
                continue  # it cannot be read, which is said elsewhere
            if parts:
                yield match[1], parts["run"].get("log")


def _mend(files: Files, found: History) -> str:
    is_there = files.exists(HISTORY)  # else a run had put it aside, and was stopped
    kept = kept_name(last_kept(files) + is_there)
    instead = no_log(files, HISTORY if is_there else kept)
    if is_there and instead:
        files.move(HISTORY, kept)
    elif is_there:
        files.write(kept, files.read(HISTORY, LOG))
    lines = [link.line for link in found.links]
    rest = read_lines(lines)  # what followed a line that is left out follows nothing now
    now = found.damaged - rest.damaged
    entry = _entry(damaged=now, breaks=rest.breaks, heads=rest.heads, kept=kept)
    entry |= {"instead": instead} if instead else {}
    lines.append(entry_line("mended", entry, rest.head).rstrip(b"\n"))
    files.write(HISTORY, b"".join(line + b"\n" for line in lines))
    return (
        f"the log of runs and looks was damaged: {found.trouble}; "
        f"it is kept as {kept}, and what could be read of it goes on"
    )


def _entry(
    *,
    damaged: int = 0,
    breaks: tuple[str, ...] = (),
    heads: tuple[str, ...] = (),
    lost: list[str] | None = None,
    kept: str = "",
) -> dict[str, object]:
    parts = {"damaged": damaged, "breaks": list(breaks), "heads": list(heads)}
    return {**parts, "lost": lost or [], "kept": kept}
