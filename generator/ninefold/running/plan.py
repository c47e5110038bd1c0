"""Which sections run, in which order and why; which are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.running.keys import MISSING, Key, Keys
from ninefold.running.parameters import Values, values_of


@dataclass(frozen=True)
class Step:
    """One section of a run: all that executing it takes, as a value."""

    section: Section
    reason: str | None  # why it runs; None: its results hold and are kept
    key: Key
    values: Values  # parameters given
    reads: tuple[str, ...]  # ids of the sections it reads


def make_plan(
    project: Project,
    names: Iterable[str] = (),
    *,
    force: bool = False,
    given: Mapping[str, Any] | None = None,
) -> tuple[Step, ...]:
    """Return the steps in the order in which they can run: all notebooks, or those named with the
    stale ones among the sections that they read.

    `force` runs the named ones whatever their state; `given` are parameters for the named ones.
    Keys are taken now, before anything runs: what changes meanwhile is stale afterwards. Raises
    NinefoldError for names, parameters and data that do not exist.
    """
    named = _named(project, tuple(names))
    keys = Keys(project, values_of(project, named, given or {}))
    chosen = set(named)
    for section in reversed(project.sections):  # what is read comes before what reads it
        if section in chosen:
            chosen |= {read for read in project.reads(section) if keys.stale(read)}
    steps = tuple(
        Step(
            section,
            "forced" if force and section in named else keys.stale(section),
            keys.of(section),
            dict(keys.values.get(section.id, {})),
            tuple(read.id for read in project.reads(section)),
        )
        for section in project.sections
        if section in chosen
    )
    if keys.shared["data"] == MISSING and any(step.reason for step in steps):
        source = project.settings.data.source
        raise NinefoldError(
            f"the dataset {source} is missing",
            f"ninefold.toml names it as data.source, a path from {project.root.name}/",
            "put the file there, or name the one that is",
        )
    return steps


def _named(project: Project, names: tuple[str, ...]) -> tuple[Section, ...]:
    """Return the notebooks named, by id, unique part of it or folder; all where none is."""
    notebooks = tuple(section for section in project.sections if section.is_notebook)
    if not names:
        return notebooks
    found: list[Section] = []
    for name in names:
        folder = name.removeprefix("sections/").rstrip("/") + "/"
        inside = [section for section in notebooks if section.id.startswith(folder)]
        found += inside or [_notebook(project.section(name))]
    return tuple(found)


def _notebook(section: Section) -> Section:
    if not section.is_notebook:
        raise NinefoldError(
            f"{section.id} is a page of prose", "only notebooks run", "'ninefold report' renders it"
        )
    return section
