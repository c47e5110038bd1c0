"""The lint of a study: what is wrong in it, and what is unfinished. Nothing is executed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ninefold.bounded import LOCK, PAGE
from ninefold.errors import NinefoldError
from ninefold.history import HISTORY, read_history
from ninefold.places import OutsideError
from ninefold.project import SETTINGS_FILE, Project, Section
from ninefold.prompts import unanswered
from ninefold.publishing.blocks import Place
from ninefold.publishing.codes import CODES
from ninefold.publishing.context import Context, build_context
from ninefold.publishing.expressions import mistakes
from ninefold.publishing.github import REPORT
from ninefold.publishing.integrity import find_doubts
from ninefold.publishing.notebooks import texts
from ninefold.publishing.pages import read_page
from ninefold.publishing.render import differences, render
from ninefold.records import Record, mistakes_of
from ninefold.running.failures import read_failure
from ninefold.running.plan import LOOK, say_look
from ninefold.running.staleness.keys import Keys, own_keys
from ninefold.running.staleness.libraries import canonical

_SOURCE, _LOCK = "data/SOURCE.json", "requirements.lock"
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
        _ = project.tasks, project.left_over  # by the settings, and what grids they hold
    except OutsideError as error:
        return [_unreadable(".", error)]
    except NinefoldError as error:
        return [Finding("NF209", "error", SETTINGS_FILE, str(error))]
    found = list(_all(project))
    if not any(finding.code in ("NF203", "NF212") for finding in found):
        found += _report(project)  # else it cannot be rendered, and the reason is said
    return sorted(found, key=lambda finding: (finding.severity, finding.code))


def _all(project: Project) -> Iterator[Finding]:
    records: dict[str, Record] = {}
    yield from _parameters(project)
    keys = own_keys(project)
    for task in project.tasks:
        try:
            record = project.record(task.id)
            records |= {task.id: record} if record else {}
        except NinefoldError as error:
            yield _unreadable(f"results/{task.id}", error)
            continue
        if not task.point:
            yield from _freshness(keys, task)
            yield from _points(keys, project.points(task))
    yield from _left_over(project)
    context = build_context(project, records)
    for section in project.sections:
        yield from _prose(project, section, context)
    yield from _data(project)
    yield from _integrity(project, records)
    yield from _lock(project, records)
    yield from _files(project)


def _unreadable(where: str, error: NinefoldError) -> Finding:
    return Finding(
        "NF215" if isinstance(error, OutsideError) else "NF212", "error", where, str(error)
    )


def _freshness(keys: Keys, section: Section) -> Iterator[Finding]:
    """A section without results is an error: the report would have a hole; but for section 7, which
    waits to be named. One whose results are out of date is a warning: they are true of what was
    run."""
    if failure := read_failure(keys.project, section.id):
        message = f"its last run failed{failure.where}: {failure.message_lines[0]}"
        yield Finding("NF205", "error", section.file, message)
    elif why := keys.stale(section):
        never = why == "never run"
        waits = never and section.number == LOOK
        said = f"the hold-out was {say_look(keys.project)}: ninefold run 7" if waits else why
        yield Finding("NF202", "error" if never and not waits else "warning", section.file, said)


def _points(keys: Keys, points: Sequence[Section]) -> Iterator[Finding]:
    """As `_freshness`, of a section's grid: a finding for each cause, not for each point."""
    found: dict[Finding, list[str]] = {}
    for point in points:
        for finding in _freshness(keys, point):
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
        what = "grid has this point" if "@" in name else "section has this name"
        yield Finding("NF213", "warning", f"results/{name}", f"no {what} any more")


def _prose(project: Project, section: Section, context: Context) -> Iterator[Finding]:
    for text, place in _markdown(project, section):
        if isinstance(text, NinefoldError):
            yield _unreadable(place.file, text)
            continue
        for line, question in unanswered(text):
            where = str(Place(place.file, place.line + line - 1, place.cell))
            yield Finding("NF201", "warning", where, f"still to be written: {_short(question)}")
        for where_from, error in mistakes(text, context, place):
            yield Finding("NF203", "error", str(where_from), str(error))


def _markdown(project: Project, section: Section) -> Iterator[tuple[str | NinefoldError, Place]]:
    try:
        if section.is_notebook:
            yield from texts(project, section)
        else:
            yield read_page(project, section.file), Place(section.file, 1)
    except NinefoldError as error:
        yield error, Place(section.file, 1)


def _report(project: Project) -> Iterator[Finding]:
    try:
        different = differences(project, render(project))
    except NinefoldError as error:
        yield _unreadable("report", error)
        return
    if not project.files.exists(REPORT):
        yield Finding("NF204", "error", REPORT, "the report was never rendered")
    elif different:
        others = len(different) - 1
        more = f" and {others} other file{'s' if others > 1 else ''} are" if others else " is"
        message = f"{different[0]}{more} out of date"
        yield Finding("NF204", "error", different[0], message)


def _data(project: Project) -> Iterator[Finding]:
    if not project.settings.data.licence:
        where = f"{SETTINGS_FILE}, data.licence"
        yield Finding("NF211", "warning", where, "no licence is stated")
    try:
        with mistakes_of(_SOURCE):
            stated = Source.model_validate(project.files.json(_SOURCE, PAGE))
    except FileNotFoundError:
        return
    except NinefoldError as error:
        yield _unreadable(_SOURCE, error)
        return
    name = f"data/{stated.file}"
    try:
        found = project.files.digest(name).hexdigest()
    except FileNotFoundError:
        yield Finding("NF206", "error", name, "the file is missing")
    except NinefoldError as error:
        yield Finding("NF206", "error", name, str(error))
    else:
        if found != stated.sha256:
            yield Finding("NF206", "error", name, f"its SHA-256 is not the one in {_SOURCE}")


class Source(BaseModel):
    """What is looked at of data/SOURCE.json, which says what the dataset was when it came here."""

    model_config = ConfigDict(strict=True)

    file: str = Field(pattern=r"^[^/\\\x00]+$")
    sha256: str


def _integrity(project: Project, records: dict[str, Record]) -> Iterator[Finding]:
    try:
        history = read_history(project.files)
    except NinefoldError as error:  # of a newer version
        yield _unreadable(HISTORY, error)
        return
    for doubt in find_doubts(project, records, history):
        yield Finding(doubt.code, doubt.severity, doubt.where, doubt.message)


def _lock(project: Project, records: dict[str, Record]) -> Iterator[Finding]:
    """A lock may hold a library in several versions, for other systems."""
    try:
        text = project.files.text(_LOCK, LOCK)
    except FileNotFoundError:
        return
    except NinefoldError as error:
        yield _unreadable(_LOCK, error)
        return
    locked: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[.*?\])? *== *([^\s;\\]+)", text, re.MULTILINE):
        locked.setdefault(canonical(name), set()).add(version)
    used = {item for record in records.values() for item in record.run.get("versions", {}).items()}
    for name, version in sorted(used):
        pinned = locked.get(canonical(name), {version})
        if version not in pinned:
            message = f"it has {name} {min(pinned)}, results were made with {version}"
            yield Finding("NF216", "warning", _LOCK, message)


def _files(project: Project) -> Iterator[Finding]:
    """What git and GitHub make of the project's files, whatever they hold."""
    files = project.files
    for name in files.walk(enters=lambda folder: folder == ".github" or folder[0] != "."):
        size = files.size(name) / _MEGABYTE
        if size > 50:
            severity: Literal["error", "warning"] = "error" if size > 100 else "warning"
            yield Finding("NF210", severity, name, f"it has {size:.0f} MB")
        elif size == 0 and files.leads_out(name):
            yield Finding("NF215", "warning", name, "it is a link that leads out of the project")


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79].rstrip() + "…"
