"""Which sections run, in which order and why; which are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.formats import times
from ninefold.history import read_history
from ninefold.project import Project, Section
from ninefold.running.parameters import Values, values_of
from ninefold.running.staleness.keys import Key, Keys

LOOK = 7  # the section that looks at the hold-out


@dataclass(frozen=True)
class Step:
    """One section of a run: all that executing it takes, as a value."""

    section: Section
    reason: str | None  # why it runs; None: its results hold and are kept
    before: Key  # the part of its key that is known before it runs
    values: Values  # parameters given
    reads: tuple[str, ...]  # ids of the sections that it waits for


def make_plan(
    project: Project,
    names: Iterable[str] = (),
    *,
    everything: bool = False,
    force: bool = False,
    given: Mapping[str, Any] | None = None,
) -> tuple[Step, ...]:
    """Return the steps in the order in which they can run: those named with the stale ones among
    the sections that they read; without names all notebooks but section 7, or `everything`.

    Section 7 looks at the hold-out, and so never runs because another section reads it.

    `force` runs the named ones whatever their state; `given` are parameters for the named ones.
    What is known of keys is taken now, before anything runs: what changes meanwhile is stale
    afterwards. Raises NinefoldError for names, parameters and data that do not exist.
    """
    named = _named(project, tuple(names), given or {}, everything=everything)
    keys = Keys(project, values_of(project, named, given or {}))
    order = _order(keys)
    place = {task: number for number, task in enumerate(order)}
    chosen = set(named)
    for task in reversed(order):
        if task in chosen:
            chosen |= {r for r in keys.reads(task) if r.number != LOOK and keys.stale(r)}
    steps = tuple(
        Step(
            task,
            "forced" if force and task in named else keys.stale(task),
            keys.before(task),
            dict(keys.values.get(task.id, {})),
            # in a circle, one has to come first
            tuple(read.id for read in keys.reads(task) if place[read] < place[task]),
        )
        for task in order
        if task in chosen
    )
    if any(step.reason for step in steps):
        _must_have_data(project)
    return steps


def _order(keys: Keys) -> tuple[Section, ...]:
    """Return all tasks as the outline has them, but each after what it reads."""
    placed: dict[Section, None] = {}
    for first in keys.project.tasks:
        asked, path = {first}, [first]
        while path:
            waits = [read for read in keys.reads(path[-1]) if not (read in placed or read in asked)]
            if waits:
                asked.add(waits[0])
                path.append(waits[0])
            else:
                placed[path.pop()] = None
    return tuple(placed)


def _must_have_data(project: Project) -> None:
    source = project.settings.data.source
    if not source.startswith("builtin:") and not (project.root / source).is_file():
        raise NinefoldError(
            f"the dataset {source} is missing",
            f"ninefold.toml names it as data.source, a path from {project.root.name}/",
            "put the file there, or name the one that is",
        )


def waiting(project: Project) -> tuple[tuple[Section, str], ...]:
    """Return the sections that look at the hold-out and have yet to, each with the reason: it never
    has, or its results are stale. A run without names leaves them."""
    looking = [task for task in project.tasks if task.number == LOOK]
    if not looking:
        return ()
    keys = Keys(project, values_of(project, (), {}))
    return tuple((task, why) for task in looking if (why := keys.stale(task)))


def say_look(project: Project) -> str:
    """Say of a hold-out without a result whether it was looked at all the same, by the log."""
    try:
        looks = read_history(project.files).count
    except NinefoldError:  # a log of a newer version, of which `ninefold check` says so
        looks = 0
    if not looks:
        return "not looked at yet"
    return f"looked at {times(looks)}, but there is no result of it here"


def _named(
    project: Project, names: tuple[str, ...], given: Mapping[str, Any], *, everything: bool
) -> tuple[Section, ...]:
    """Return the tasks named, by id, unique part of it or folder; where none is, all that do not
    look at the hold-out, or `everything`.

    A notebook's name stands for its grid, too; but not where one of the grid's own names is
    `given`: then that value is all that is asked for.
    """
    tasks = [task for task in project.tasks if not given.keys() & dict(task.point).keys()]
    if not names:
        return tuple(task for task in tasks if everything or task.number != LOOK)
    found: list[Section] = []
    for name in names:
        folder = name.removeprefix("sections/").rstrip("/") + "/"
        inside = [task for task in tasks if task.id.startswith(folder)]
        if not inside:
            section = _notebook(project.section(name))
            points = [task for task in tasks if task.point and task.notebook == section.id]
            inside = [section, *points]
        found += inside
    return tuple(found)


def _notebook(section: Section) -> Section:
    if not section.is_notebook:
        raise NinefoldError(
            f"{section.id} is a page of prose", "only notebooks run", "'ninefold report' renders it"
        )
    return section
