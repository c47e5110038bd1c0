"""Forecasts that are called "stated before the first result", and were not: by the log, by git."""

from collections.abc import Iterator
from typing import Any

from ninefold.bounded import NOTEBOOK
from ninefold.errors import NinefoldError
from ninefold.history import History
from ninefold.project import Project
from ninefold.publishing.blocks import record_file
from ninefold.publishing.commits import find_lateness, has_history
from ninefold.records import Record
from ninefold.running.staleness.forecast_cell import NAMES

Late = tuple[str, str, str]  # where, message, sentence


def late_forecasts(
    project: Project, records: dict[str, Record], history: History
) -> Iterator[Late]:
    """Yield the forecasts that follow their results."""
    stated = {
        section: dict(record.forecast)
        for section, record in records.items()
        if record.forecast and record.forecast["stated"] == "before" and "@" not in section
    }
    in_git = bool(stated) and has_history(project.root)
    logged = _logged(history)
    for section, forecast in stated.items():
        how = _by_log(forecast, logged.get(section, []))
        if not how and in_git:
            how = _by_git(project, section, forecast)
        if how:
            message = f"its forecast follows its first result: {how}"
            yield record_file(section), message, f"{section}: {message}."


def _logged(history: History) -> dict[str, list[dict[str, Any]]]:
    """Return notebook → its results and forecasts in the log, in order; nothing of those that an
    older version ran, of which the log cannot know the order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in history.of("run", "failed", "forecast"):
        found.setdefault(entry["section"].partition("@")[0], []).append(entry)
    older = {section for entry in history.of("taken") for section in entry["records"]}
    return {section: entries for section, entries in found.items() if section not in older}


def _by_log(forecast: dict[str, Any], entries: list[dict[str, Any]]) -> str:
    """Say what the log has before the forecast; "" for no result."""
    for entry in entries:
        if entry["kind"] == "forecast" and all(entry[n] == forecast[n] for n in NAMES):
            return "" if entry["stated"] == "before" else "the log calls it stated after"
        if entry["kind"] != "forecast" and entry["evaluations"]:
            return f"in the log, a result of {entry.get('time', 'before')} comes first"
    return ""


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
