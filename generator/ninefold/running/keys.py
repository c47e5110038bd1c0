"""A section's cache key: all that its results depend on, and why they no longer hold.

A key is the mapping that a record keeps as `key`; every leaf is text, so that it survives JSON:

    code        digest of the code cells, in order; prose and outputs do not count
    parameters  name → JSON of the value given
    settings    "table.name" of ninefold.toml → JSON of its value, where results depend on it
    data        "sha256:…" of the file, or the built-in dataset's name and scikit-learn's version
    models      each Python file of the project's package → digest
    ninefold    version
    reads       each section read → digest of that section's own key
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ninefold import __version__
from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.records import Record, digest, read_record
from ninefold.running.notebooks import read_notebook, sources
from ninefold.running.results import FAILURE

Key = dict[str, Any]

UNREADABLE = "unreadable"
MISSING = "missing"

# Settings that only describe the study: no result depends on them. `package` names the models,
# `sections` the parameters, which are parts of their own.
_DESCRIBING = {
    *("study.title", "study.author", "study.email", "study.github", "study.package"),
    *("data.origin", "data.licence"),
}


class Keys:
    """The keys of a project's sections as the files stand when they are first asked for.

    `values` (section id → name → value) are the parameters given.
    """

    def __init__(self, project: Project, values: Mapping[str, Mapping[str, Any]]):
        self.project, self.values = project, values
        self._known: dict[str, Key] = {}

    def of(self, section: Section) -> Key:
        """Return the section's key."""
        if section.id not in self._known:
            given = self.values.get(section.id, {})
            self._known[section.id] = {
                **self.shared,
                "code": _code(section),
                "parameters": {name: _text(value) for name, value in given.items()},
                "reads": {s.id: digest(self.of(s)) for s in self.project.reads(section)},
            }
        return self._known[section.id]

    @cached_property
    def shared(self) -> Key:
        """Return the parts that all sections have in common."""
        return {
            "settings": dict(_settings(self.project)),
            "data": _data(self.project),
            "models": dict(_models(self.project)),
            "ninefold": __version__,
        }

    def stale(self, section: Section) -> str | None:
        """Return why the section's results do not hold, in a few words; None where they do."""
        now = self.of(section)
        if now["code"] == UNREADABLE:
            return "its notebook cannot be read"
        folder = self.project.results_of(section.id)
        if (folder / FAILURE).is_dir():
            return "its last run failed"
        try:
            record = read_record(folder)
        except NinefoldError:
            return "its record is broken or of another version"
        return "never run" if record is None else difference(record.key, now)


def own_keys(project: Project) -> Keys:
    """Return the keys under the parameters of ninefold.toml."""
    return Keys(project, {name: own.parameters for name, own in project.settings.sections.items()})


def staleness(project: Project, section: Section) -> str | None:
    """Return why the section's results do not hold, in a few words; None where they do."""
    return own_keys(project).stale(section)


def outdated(project: Project, section: Section, record: Record) -> str | None:
    """Return why a record does not hold by the project's own files alone, whatever is installed
    here; None where it does, and where it does not say what it depended on."""
    now = own_keys(project).of(section)
    installed = {"ninefold": now["ninefold"], "reads": now["reads"]}
    if not now["data"].startswith("sha256:"):  # a built-in dataset comes with scikit-learn
        installed["data"] = now["data"]
    return difference({**record.key, **installed}, now) if record.key else None


def difference(then: Key, now: Key) -> str | None:
    """Return the first cause, in a few words, why two keys differ; None where they are equal."""
    return next(_differences(then, now), None)


def _differences(then: Key, now: Key) -> Iterator[str]:
    if then.keys() != now.keys():
        yield "its record does not say what it depended on"
        return
    if then["ninefold"] != now["ninefold"]:
        yield f"ninefold changed from {then['ninefold']} to {now['ninefold']}"
    if then["code"] != now["code"]:
        yield "the notebook's code changed"
    for name, old, new in _changes(then["parameters"], now["parameters"]):
        yield f"parameter {name} changed from {old or 'its default'} to {new or 'its default'}"
    for name, old, new in _changes(then["settings"], now["settings"]):
        yield f"{name} changed from {_unset(old)} to {_unset(new)}"
    if then["data"] != now["data"]:
        yield "the data file is missing" if now["data"] == MISSING else "the data changed"
    for name, old, new in _changes(then["models"], now["models"]):
        yield f"{name} " + ("is new" if old is None else "is gone" if new is None else "changed")
    for name, old, new in _changes(then["reads"], now["reads"]):
        end = "is new" if old is None else "is gone" if new is None else "changed"
        yield f"reads {name}, which {end}"
    if then != now:
        yield "its record was edited"


def _changes(then: Any, now: dict[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield name, old and new value of what differs; None where there is none."""
    then = then if isinstance(then, dict) else {}
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            yield name, then.get(name), now.get(name)


def _unset(text: str | None) -> str:
    return "unset" if text in (None, "null", '""') else str(text)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _code(section: Section) -> str:
    try:
        return digest([text.rstrip() for text in sources(read_notebook(section.path), "code")])
    except NinefoldError:
        return UNREADABLE


def _settings(project: Project) -> Iterator[tuple[str, str]]:
    for table, values in project.settings.model_dump(exclude={"sections"}).items():
        for name, value in values.items():
            if f"{table}.{name}" not in _DESCRIBING:
                yield f"{table}.{name}", _text(value)


def _data(project: Project) -> str:
    source = project.settings.data.source
    if source.startswith("builtin:"):
        try:
            return f"{source} of scikit-learn {version('scikit-learn')}"
        except PackageNotFoundError:
            return MISSING
    try:
        with (project.root / source).open("rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return MISSING


def _models(project: Project) -> Iterator[tuple[str, str]]:
    """Yield path and digest of the package's modules; line ends do not count, git changes them."""
    package = project.root / project.settings.study.package
    for path in sorted(package.rglob("*.py")):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        name = Path(path).relative_to(project.root).as_posix()
        yield name, hashlib.sha256(text).hexdigest()[:16]
