"""What a run adds to the log: each section's results and forecast, before they are put in place.

The entry comes first. A kill between it and the renaming leaves the results of the run before, and
an entry of results that never were there: the next run finds them where they were made, and adds
that they were not put in place.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.history import append, digest_of_file, digest_of_try, digests_of, read_history
from ninefold.history.appending import head_of
from ninefold.plain_json import digest
from ninefold.project import Project, Section
from ninefold.records import RECORD_FILE, Record, read_record
from ninefold.study.since_look import holds_candidates

_STATED = ("stated", "winner", "difference", "confidence")


class RunLog:
    """The log of a project as a run adds to it, from several threads."""

    def __init__(self, project: Project) -> None:
        files, self._settings = project.files, project.settings
        self._files, self._lock = files, threading.Lock()
        known = read_history(files).of("forecast")
        self._forecasts = {entry["section"]: _stated(entry) for entry in known}

    @property
    def head(self) -> str:
        """Return the digest of the last entry."""
        return head_of(self._files)

    @contextmanager
    def installing(self, section: Section, staging: Path) -> Iterator[None]:
        """Log the results in `staging`, which the block puts in place; where it fails, that it
        did. Raises NinefoldError."""
        made = Files(staging)
        record = read_record(made)
        if record is not None:
            self._log_forecast(section, record)
        key = digest(record.key if record else {})
        entry = {"section": section.id, "key": key, "files": digests_of(made), **_tried(record)}
        rule = {"final": self._settings.final.model_dump()} if holds_candidates(section.id) else {}
        append(self._files, "run", entry | rule)
        try:
            yield
        except BaseException:
            with suppress(NinefoldError):  # the disk is full: what was raised says so
                append(self._files, "undone", {"section": section.id})
            raise

    def failed(self, section: Section, staging: Path) -> None:
        """Log that a section failed, if it had evaluated something, which its author may have seen;
        before it the forecast, which may have come first."""
        try:
            record = read_record(Files(staging))
        except NinefoldError:
            return
        if record is not None and record.evaluations:
            self._log_forecast(section, record)
            append(self._files, "failed", {"section": section.id, **_tried(record)})

    def _log_forecast(self, section: Section, record: Record) -> None:
        """Log a forecast that is another than the last one of the notebook."""
        forecast: dict[str, Any] = dict(record.forecast or {"stated": "never"})
        for stated in (forecast, {"stated": "after", **forecast.get("later", {})}):
            own = _stated(stated)
            with self._lock:
                if "winner" not in stated or self._forecasts.get(section.notebook) == own:
                    continue
                append(self._files, "forecast", {"section": section.notebook, **own})
                self._forecasts[section.notebook] = own


def _tried(record: Record | None) -> dict[str, Any]:
    found = record.evaluations.values() if record else ()
    return {"evaluations": len(found), "tried": sorted({digest_of_try(entry) for entry in found})}


def _stated(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in _STATED if name in entry}


def log_undone(files: Files, folders: Iterable[str]) -> None:
    """Log of results that a killed run had logged, and not put in place, that they are not there.

    folders  those in which it was making them, each below its section's name
    """
    last = {entry["section"]: entry for entry in read_history(files).of("run", "undone")}
    for folder in folders:
        for section, entry in last.items():
            name = f"{folder}/{section}/{RECORD_FILE}"
            if entry["kind"] == "run" and files.exists(name):
                with suppress(NinefoldError):  # it was killed while it wrote this, too
                    if digest_of_file(files, name) == entry["files"].get(RECORD_FILE):
                        append(files, "undone", {"section": section})
