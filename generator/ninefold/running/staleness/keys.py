"""A section's key: all that its results depend on, and why they no longer hold.

A key is the mapping that a record keeps as `key`; every leaf is text, so that it survives JSON:

    code        digest of the code cells, in order; prose, outputs and the literal arguments of
                `study.forecast` do not count: no result depends on what was expected
    parameters  name → JSON of the value given
    settings    "table.name" of ninefold.toml, each that was read → JSON of its value
    files       path of each file and folder of the project that was read, the dataset and imported
                modules among them, and each file that the code names in a text, as it is after
                the run → digest, or "absent" where it was looked for in vain
    libraries   name of each distribution that was used → version
    sections    each section whose results were read → digest of their key and evaluations, or
                "absent", as where it is a section no more

Code, parameters and versions are known before a section runs (`Keys.before`), the rest only
afterwards (`completed`), from what its kernel saw (see `trace`); each as it stood when it was
read, so that what changes during a run is stale after it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold.bounded import CODE
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.places import OutsideError
from ninefold.plain_json import digest
from ninefold.project import Project, Section
from ninefold.records import Record
from ninefold.running.failures import FAILURE
from ninefold.running.notebooks import read_notebook, sources
from ninefold.running.parameters import own_values
from ninefold.running.results import NOTEBOOK
from ninefold.running.staleness import libraries
from ninefold.running.staleness.contents import ABSENT, UNREADABLE, digest_of, digest_of_results
from ninefold.running.staleness.forecast_cell import without_forecast
from ninefold.running.staleness.literals import named_files
from ninefold.running.staleness.trace import READS, read_trace
from ninefold.settings import find_setting

if TYPE_CHECKING:
    from ninefold.running.plan import Step

Key = dict[str, Any]

_BROKEN = "its record is broken or of another version"


class Keys:
    """What a project's tasks depend on, everything as it stands when it is first asked for.

    `values` (task id → name → value) are the parameters given.
    """

    def __init__(self, project: Project, values: Mapping[str, Mapping[str, Any]]):
        self.project, self.values = project, values
        self.tasks = {task.id: task for task in project.tasks}
        self._why: dict[str, str | None] = {}
        self._code = cache(lambda path: _code(project, path))
        self._content = cache(lambda name: digest_of(project.files, name))
        self._setting = cache(lambda name: find_setting(project.settings, name))
        self._record = cache(lambda name: _recorded(project, name))
        self._result = cache(lambda name: digest_of_results(project.files, name))

    def _file(self, name: str) -> str:
        """Return the digest of a file, made once however it is spelled."""
        try:
            return self._content(self.project.files.name(name))
        except OutsideError:
            return self._content(name)

    def before(self, task: Section) -> Key:
        """Return the part of a task's key that is known before it runs."""
        given = self.values.get(task.id, {})
        return {
            "code": self._code(task.path),
            "parameters": {name: _text(value) for name, value in given.items()},
            "libraries": libraries.for_all(),
        }

    def now(self, task: Section, then: Key) -> Key:
        """Return what a task's key `then` would be if all that it names were read now."""
        before = self.before(task)
        installed = {name: libraries.installed(name) for name in _named(then, "libraries")}
        installed |= before["libraries"]
        read = {*(read.id for read in self.project.reads(task)), *_named(then, "sections")}
        return {
            **before,
            "settings": {name: self._setting(name) for name in _named(then, "settings")},
            "files": {name: self._file(name) for name in _named(then, "files")},
            "libraries": {name: version for name, version in installed.items() if version},
            "sections": {
                name: self._result(name) if name in self.tasks else ABSENT for name in read
            },
        }

    def reads(self, task: Section) -> tuple[Section, ...]:
        """Return the tasks whose results this one reads: those that the outline names, and those
        that its last run was seen to read."""
        seen = _named(self._record(task.id)[0], "sections")
        names = dict.fromkeys([*(read.id for read in self.project.reads(task)), *seen])
        return tuple(self.tasks[name] for name in names if name in self.tasks)

    def stale(self, task: Section) -> str | None:
        """Return why the task's results do not hold, in a few words; None where they do."""
        path: list[tuple[Section, Iterator[Section]]] = []
        self._visit(task, path)
        while path:  # no recursion: any number of sections may read one another in a row
            last, reads = path[-1]
            read = None if self._why[last.id] else next(reads, None)
            if read is not None:
                self._visit(read, path)
                continue
            path.pop()
            self._why[last.id] = self._why[last.id] or self._cause_of_reads(last)
        return self._why[task.id]

    def _visit(self, task: Section, path: list[tuple[Section, Iterator[Section]]]) -> None:
        if task.id not in self._why:
            self._why[task.id] = self._own_cause(task)  # None, for who reads it in a circle, too
            path.append((task, iter(self.reads(task))))

    def _own_cause(self, task: Section) -> str | None:
        if self._code(task.path) == UNREADABLE:
            return "its notebook cannot be read"
        if self.project.files.exists(f"results/{task.id}/{FAILURE}"):
            return "its last run failed"
        then, trouble = self._record(task.id)
        return trouble or difference(then, self.now(task, then))

    def _cause_of_reads(self, task: Section) -> str | None:
        stale = (read.id for read in self.reads(task) if self._why[read.id])
        return next((f"reads {name}, which is stale" for name in stale), None)


def own_keys(project: Project) -> Keys:
    """Return the keys under the parameters of ninefold.toml."""
    return Keys(project, own_values(project))


def outdated(keys: Keys, section: Section, record: Record) -> str | None:
    """Return why a record does not hold by the project's own files alone, whatever is installed
    here; None where it does, and where it does not say what it depended on."""
    if not record.key:
        return None
    then: Key = dict(record.key)
    now = keys.now(section, then)
    files = keys.project.files
    elsewhere = {name: own for name, own in now["files"].items() if files.is_outside(name)}
    known = {**then.get("files", {}), **elsewhere}
    return difference({**then, "files": known, "libraries": now["libraries"]}, now)


def completed(project: Project, step: "Step", staging: Path) -> Key:
    """Return the whole key of a step whose notebook has just run well into `staging`, and remove
    the trace from there; {}, with which nothing is ever fresh, where that does not tell all."""
    trace = read_trace(staging)
    Files(staging).remove(READS)
    if trace is None:
        return {}
    tasks = {task.id for task in project.tasks}
    left_over = {f"results/{name}/" for name in trace.sections if name not in tasks}
    static = {
        read.id: digest_of_results(project.files, read.id) for read in project.reads(step.section)
    }
    code = list(_sources(project, step, staging, trace.files))
    told = named_files(project.files, code)
    files = {name: own for name, own in told.items() if name not in trace.wrote} | trace.files
    own_modules = {name.removesuffix(".py") for name in project.files.names(".")}
    used = libraries.used(code, trace.modules, own_modules)
    return {
        **step.before,
        "settings": trace.settings,
        "files": files | {name: digest_of(project.files, name) for name in left_over},
        "libraries": {**used, **step.before["libraries"]},
        "sections": static | {name: own for name, own in trace.sections.items() if name in tasks},
    }


def _sources(
    project: Project, step: "Step", staging: Path, files: Mapping[str, str]
) -> Iterator[str]:
    """Yield the code of the notebook that ran, and of the project's modules that it read."""
    made = Files(staging)
    ran = (made, NOTEBOOK) if made.exists(NOTEBOOK) else (project.files, step.section.file)
    yield from sources(read_notebook(*ran), "code")
    for name, found in files.items():
        if name.endswith(".py") and found not in (ABSENT, UNREADABLE):
            with suppress(FileNotFoundError, OutsideError):  # it is gone again, or a library's
                yield project.files.read(name, CODE).decode("utf-8", errors="replace")


def difference(then: Key, now: Key) -> str | None:
    """Return the first cause, in a few words, why two keys differ; None where they are equal."""
    return next(_differences(then, now), None)


def _differences(then: Key, now: Key) -> Iterator[str]:
    if then.keys() != now.keys():
        yield "its record does not say what it depended on"
        return
    if then["code"] != now["code"]:
        yield "the notebook's code changed"
    for part, tell in _CAUSES.items():
        old, new = then[part], now[part]
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield tell(name, old.get(name), new.get(name))
    if then != now:
        yield "its record was edited"


def _tell_parameter(name: str, old: str | None, new: str | None) -> str:
    return f"parameter {name} changed from {old or 'its default'} to {new or 'its default'}"


def _tell_setting(name: str, old: str | None, new: str | None) -> str:
    return f"{name} changed from {_unset(old)} to {_unset(new)}"


def _tell_file(name: str, old: str | None, new: str | None) -> str:
    what = f"what is in {name}" if name.endswith("/") and ABSENT not in (old, new) else name
    return f"{what} {_end(old, new)}"


def _tell_library(name: str, old: str | None, new: str | None) -> str:
    if old and new:
        return f"{name} changed from {old} to {new}"
    return f"{name} {old or new} {_end(old, new)}"


def _tell_section(name: str, old: str | None, new: str | None) -> str:
    return f"reads {name}, which {_end(old, new)}"


def _end(old: str | None, new: str | None) -> str:
    return "is new" if old in (None, ABSENT) else "is gone" if new in (None, ABSENT) else "changed"


def _unset(text: str | None) -> str:
    return "unset" if text in (None, "null", '""') else str(text)


_CAUSES: dict[str, Callable[[str, str | None, str | None], str]] = {
    "parameters": _tell_parameter,
    "settings": _tell_setting,
    "files": _tell_file,
    "libraries": _tell_library,
    "sections": _tell_section,
}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _named(key: Key, part: str) -> list[str]:
    return list(key.get(part, ()))


def _code(project: Project, path: Path) -> str:
    try:
        code = sources(read_notebook(project.files, path), "code")
        return digest([without_forecast(text).rstrip() for text in code])
    except NinefoldError:
        return UNREADABLE


def _recorded(project: Project, section: str) -> tuple[Key, str]:
    """Return the key of a section's results; {} and the reason where there is none."""
    try:
        parts = project.record_parts(section, "key")
    except NinefoldError:
        return {}, _BROKEN
    return ({}, "never run") if parts is None else (parts["key"], "")
