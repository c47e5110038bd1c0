"""The lint of a study: what is wrong in it, and what is unfinished. Nothing is executed."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ninefold.errors import NinefoldError
from ninefold.project import SETTINGS_FILE, Project, Section
from ninefold.prompts import unanswered
from ninefold.publishing.blocks import Place
from ninefold.publishing.codes import CODES
from ninefold.publishing.context import Context, build_context
from ninefold.publishing.expressions import mistakes
from ninefold.publishing.github import REPORT
from ninefold.publishing.notebooks import read_failure, texts
from ninefold.publishing.pages import read_page
from ninefold.publishing.render import differences, render
from ninefold.records import Record, digest, read_record

_MEGABYTE = 2**20


@dataclass(frozen=True)
class Finding:
    """Something wrong (an error) or unfinished (a warning), with the place to mend it."""

    code: str
    severity: Literal["error", "warning"]
    where: str
    message: str

    @property
    def todo(self) -> str:
        return CODES[self.code].todo


def check_project(project: Project) -> list[Finding]:
    """Return all findings, errors first, each kind in the order of code and outline."""
    try:
        _ = project.tasks  # by the settings, and what grids they hold
    except NinefoldError as error:
        return [Finding("NF209", "error", SETTINGS_FILE, str(error))]
    found = list(_all(project))
    if not any(finding.code in ("NF203", "NF212") for finding in found):
        found += _report(project)  # else it cannot be rendered, and the reason is said
    return sorted(found, key=lambda finding: (finding.severity, finding.code))


def _all(project: Project) -> Iterator[Finding]:
    records: dict[str, Record] = {}
    yield from _parameters(project)
    for task in project.tasks:
        try:
            record = read_record(project.results_of(task.id))
            records |= {task.id: record} if record else {}
        except NinefoldError as error:
            yield Finding("NF212", "error", f"results/{task.id}", str(error))
            continue
        if not task.point:
            yield from _freshness(project, task)
            yield from _points(project, project.points(task))
    yield from _left_over(project)
    context = build_context(project, records)
    for section in project.sections:
        yield from _prose(project, section, context)
    yield from _data(project)
    yield from _looks(project, records)
    yield from _large_files(project)


def _freshness(project: Project, section: Section) -> Iterator[Finding]:
    """A section without results is an error: the report would have a hole. One whose results are
    out of date is a warning: they are true of what was run."""
    from ninefold.running.staleness.keys import staleness

    where = _name(project, section.path)
    if failure := read_failure(project, section):
        cell = f" in cell {failure.cell}" if failure.cell else ""
        message = f"its last run failed{cell}: {failure.message_lines[0]}"
        yield Finding("NF205", "error", where, message)
    elif why := staleness(project, section):
        yield Finding("NF202", "error" if why == "never run" else "warning", where, why)


def _points(project: Project, points: Sequence[Section]) -> Iterator[Finding]:
    """As `_freshness`, of a section's grid: a finding for each cause, not for each point."""
    found: dict[Finding, list[str]] = {}
    for point in points:
        for finding in _freshness(project, point):
            found.setdefault(finding, []).append(point.id.rpartition("@")[2])
    for finding, names in found.items():
        some = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        said = f"of its grid of {len(points)} points, {some}: {finding.message}"
        yield replace(finding, message=said)


def _parameters(project: Project) -> Iterator[Finding]:
    """What the settings give to notebooks has to be what these declare."""
    from ninefold.running.parameters import values_of

    try:
        values_of(project, (), {})
    except NinefoldError as error:
        yield Finding("NF209", "error", SETTINGS_FILE, str(error))


def _left_over(project: Project) -> Iterator[Finding]:
    for name in project.left_over:
        yield Finding("NF213", "warning", f"results/{name}", "no grid has this point any more")


def _prose(project: Project, section: Section, context: Context) -> Iterator[Finding]:
    for text, place in _markdown(project, section):
        if isinstance(text, NinefoldError):
            yield Finding("NF212", "error", place.file, str(text))
            continue
        for line, question in unanswered(text):
            where = str(Place(place.file, place.line + line - 1, place.cell))
            yield Finding("NF201", "warning", where, f"still to be written: {_short(question)}")
        for where_from, error in mistakes(text, context, place):
            yield Finding("NF203", "error", str(where_from), str(error))


def _markdown(project: Project, section: Section) -> Iterator[tuple[str | NinefoldError, Place]]:
    file = _name(project, section.path)
    try:
        if section.is_notebook:
            yield from texts(project, section)
        else:
            yield read_page(project, section.path), Place(file, 1)
    except NinefoldError as error:
        yield error, Place(file, 1)


def _report(project: Project) -> Iterator[Finding]:
    try:
        different = differences(project, render(project))
    except NinefoldError as error:
        yield Finding("NF212", "error", "report", str(error))
        return
    if not (project.root / REPORT).is_file():
        yield Finding("NF204", "error", REPORT, "the report was never rendered")
    elif different:
        others = f" and {len(different) - 1} more files" if len(different) > 1 else ""
        message = f"differs{others} from what would be rendered now"
        yield Finding("NF204", "error", different[0], message)


def _data(project: Project) -> Iterator[Finding]:
    if not project.settings.data.licence:
        where = f"{SETTINGS_FILE}, data.licence"
        yield Finding("NF211", "warning", where, "no licence is stated")
    source = project.root / "data" / "SOURCE.json"
    if not source.is_file():
        return
    try:
        stated = json.loads(source.read_text("utf-8"))
        name, expected = f"data/{stated['file']}", stated["sha256"]
    except (ValueError, LookupError, TypeError):
        yield Finding("NF212", "error", "data/SOURCE.json", "expected JSON with file and sha256")
        return
    try:
        with (project.root / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        yield Finding("NF206", "error", name, "the file is missing")
        return
    if found != expected:
        message = f"its sha256 is {found[:12]}…, data/SOURCE.json says {str(expected)[:12]}…"
        yield Finding("NF206", "error", name, message)


def _looks(project: Project, records: dict[str, Record]) -> Iterator[Finding]:
    """Read results/holdout.jsonl: a JSON object for each scoring of the hold-out."""
    path = project.results / "holdout.jsonl"
    if not path.is_file():
        return
    name = _name(project, path)
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        counted = [line for line in lines if line["counted"]]
    except (ValueError, LookupError, TypeError):
        yield Finding("NF212", "error", name, "expected a JSON object with 'counted' on each line")
        return
    if len(counted) > 1:
        yield Finding("NF207", "warning", name, f"it was looked at {len(counted)} times")
    changed = _changed_since(counted[0].get("keys") or {}, records) if counted else []
    if changed:
        message = f"changed since the first look: {', '.join(changed)}"
        yield Finding("NF208", "warning", name, message)


def _changed_since(keys: dict[str, Any], records: dict[str, Record]) -> list[str]:
    """Return the sections whose results are not those that stood when `keys` were written."""

    now = {name: digest(r.key) for name, r in records.items() if name.startswith(("5-", "6-"))}
    return [name for name in now if now[name] != keys.get(name)] if keys else []


def _large_files(project: Project) -> Iterator[Finding]:
    for folder, folders, files in os.walk(project.root):
        folders[:] = sorted(name for name in folders if name == ".github" or name[0] != ".")
        for file in sorted(files):
            path = Path(folder, file)
            size = path.stat().st_size / _MEGABYTE if path.exists() else 0
            if size > 50:
                severity: Literal["error", "warning"] = "error" if size > 100 else "warning"
                yield Finding("NF210", severity, _name(project, path), f"it has {size:.0f} MB")


def _name(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix()


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79].rstrip() + "…"
