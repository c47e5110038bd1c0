"""Forecasts that are called "stated before the first result", and were not: by the log, by git."""

from collections.abc import Iterator
from typing import Any

from ninefold.bounded import NOTEBOOK
from ninefold.errors import NinefoldError
from ninefold.history import History
from ninefold.history.reading import Link
from ninefold.project import Project
from ninefold.publishing.blocks import record_file
from ninefold.publishing.commits import find_lateness, has_history
from ninefold.publishing.placed import older_results
from ninefold.records import Record
from ninefold.running.staleness.forecast_cell import NAMES

Late = tuple[str, str, str]  # where, message, sentence


def late_forecasts(
    project: Project, records: dict[str, Record], history: History
) -> Iterator[Late]:
    """Yield the forecasts that follow their results, or that may."""
    stated = {
        section: dict(record.forecast)
        for section, record in records.items()
        if record.forecast and record.forecast["stated"] == "before" and "@" not in section
    }
    in_git = bool(stated) and has_history(project.root)
    taken = [section for entry in history.of("taken") for section in entry["records"]]
    older = {name.partition("@")[0] for name in (*taken, *older_results(history, records))}
    for section, forecast in stated.items():
        how = "" if section in older else _by_log(history, section, forecast)
        if not how and in_git:
            how = _by_git(project, section, forecast)
        message = f"its forecast follows its first result: {how}" if how else ""
        if not how and section in older:
            message = "its first result is older than the log, which cannot tell of the forecast"
        if message:
            yield record_file(section), message, f"{section}: {message}."


def _by_log(history: History, section: str, forecast: dict[str, Any]) -> str:
    """Say which result of a section no such forecast precedes; "" for none.

    One precedes a result if the chain leads back to it: where it stands in the file tells nothing,
    for lines can be inserted.
    """
    told: dict[str, bool] = {}  # digest of an entry → whether a forecast stands there or before
    passed = False  # whether a forecast has been
    for link in history.links:
        entry = link.entry
        told[link.digest] = any(told.get(parent) for parent in link.parents)
        if not _is_of(link, section):
            continue
        if entry["kind"] == "forecast" and all(entry[n] == forecast[n] for n in NAMES):
            before = entry["stated"] == "before"
            told[link.digest] |= before
            passed |= before
        elif entry["kind"] != "forecast" and entry["evaluations"] and not told[link.digest]:
            where = "does not follow it" if passed else "comes first"
            return f"in the log, a result of {entry.get('time', 'before')} {where}"
    return ""


def _is_of(link: Link, section: str) -> bool:
    """Tell whether an entry is of a forecast or a result of a notebook, or of a point of it."""
    entry = link.entry
    is_one = entry["kind"] in ("run", "failed", "forecast")
    return is_one and entry["section"].partition("@")[0] == section


def _by_git(project: Project, name: str, forecast: dict[str, Any]) -> str:
    section = project.section(name)
    try:
        current = project.files.read(section.file, NOTEBOOK)
    except (FileNotFoundError, NinefoldError):
        return ""
    late = find_lateness(project.root, section, forecast, current)
    if late is None:
        return ""
    own = f"the commit {late.forecast[:10]} first holds it" if late.forecast else "no commit has it"
    return f"{own}, the result came with {late.result[:10]}"
