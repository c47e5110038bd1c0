"""A project on disk: its root, its paths, its sections and which section reads which."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.files import SCRATCH, Files
from ninefold.grid import Point, point_name, points
from ninefold.ownership import refuse_strangers
from ninefold.records import Record, read_parts, read_record
from ninefold.settings import Settings, read_settings
from ninefold.suggestions import did_you_mean

SETTINGS_FILE = "ninefold.toml"

# What a section of each number reads of others: the numbers of the sections before it.
_READS: dict[int, tuple[int, ...]] = {6: (5,), 7: (4, 5, 6)}

# What a run leaves of a section: the name of its record, or of the account of its failure.
_OF_A_RUN = re.compile(r"results/(.+?)(?:/failure)?/(?:record|failure)\.json")


@dataclass(frozen=True)
class Section:
    """One file under `sections/`: a notebook to run, or a page of prose; or, with a `point`, a
    notebook's further run with the values of that point of its grid."""

    id: str  # path under sections/ without its suffix, "/" on every system; then "@" and the point
    path: Path
    point: Point = field(default=(), hash=False)

    @property
    def number(self) -> int:
        """Return its place in the outline, 1 to 9."""
        return int(self.id.split("-", 1)[0])

    @property
    def is_notebook(self) -> bool:
        return self.path.suffix == ".ipynb"

    @property
    def notebook(self) -> str:
        """Return the id of the section whose grid it is a point of; its own, where it is none."""
        return self.id.rpartition("@")[0] if self.point else self.id

    @property
    def file(self) -> str:
        """Return its file's path from the project's root."""
        return f"sections/{self.notebook}{self.path.suffix}"

    @property
    def names(self) -> tuple[str, ...]:
        """Return its id as expressions spell it: "5-experiments/2-batch-size" is
        ("experiments", "batch_size")."""
        parts = [re.sub(r"^\d+-", "", part) for part in self.id.split("/")]
        return tuple(re.sub(r"\W+", "_", part) for part in parts)


@dataclass(frozen=True)
class Project:
    """The folder that holds `ninefold.toml`. Nothing here is read before it is asked for."""

    root: Path

    @cached_property
    def files(self) -> Files:
        """Return the way to its files."""
        return Files(self.root)

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self.files, SETTINGS_FILE)

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def scratch(self) -> Path:
        """Return the folder of what is under way; git ignores it."""
        return self.root / SCRATCH

    @property
    def model(self) -> Path:
        """Return the folder of the final model, as section 7 saved it. Raises OutsideError."""
        return self.files.locate("results/7-final-model/model")

    def results_of(self, section: str) -> Path:
        """Return the folder of what the last good run of a section left."""
        return self.results / section

    def record(self, section: str) -> Record | None:
        """Return what the last good run of a section found, or None where it never ran. Raises
        NinefoldError for a record that is broken or of another version."""
        return read_record(self.files, f"results/{section}")

    def record_parts(self, section: str, *names: str) -> dict[str, Any] | None:
        """Return parts of the same, without taking in the others."""
        return read_parts(self.files, f"results/{section}", *names)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Return all sections in the order of the outline."""
        found = [
            Section(name.removeprefix("sections/").rpartition(".")[0], self.root / name)
            for name in self._pages
            if _is_section(name)
        ]
        _refuse_nested(found)
        return tuple(sorted(found, key=lambda section: _outline_place(section.id)))

    @property
    def unnumbered(self) -> tuple[str, ...]:
        """Return the notebooks under `sections/` that are no sections, by their names."""
        return tuple(n for n in self._pages if n.endswith(".ipynb") and not _is_section(n))

    @cached_property
    def _pages(self) -> tuple[str, ...]:
        found = self.files.walk("sections")
        checkpoints = "/.ipynb_checkpoints/"
        return tuple(n for n in found if n.endswith((".ipynb", ".md")) and checkpoints not in n)

    @cached_property
    def tasks(self) -> tuple[Section, ...]:
        """Return what a run executes: each notebook, then the points of its grid, in order."""
        notebooks = (section for section in self.sections if section.is_notebook)
        return tuple(task for section in notebooks for task in (section, *self.points(section)))

    def points(self, section: Section) -> tuple[Section, ...]:
        """Return the points of a section's grid in order; none where it has no grid, and none of
        section 7, each of which would look at the hold-out: a run refuses its grid."""
        own = self.settings.sections.get(section.id)
        found = points(own.grid) if own and section.number != 7 else ()
        return tuple(Section(f"{section.id}@{point_name(p)}", section.path, p) for p in found)

    @property
    def left_over(self) -> tuple[str, ...]:
        """Return the ids of results of sections that are gone and of points in no grid any more."""
        known = {task.id for task in self.tasks}
        around = {str(folder) for name in known for folder in PurePosixPath(name).parents}
        runs = filter(None, map(_OF_A_RUN.fullmatch, self.files.walk("results")))
        found = {run[1] for run in runs if _is_section(f"results/{run[1]}")}
        return tuple(sorted((found - known - around) | set(self.left_over_points)))

    @property
    def left_over_points(self) -> tuple[str, ...]:
        """Return the ids of the results of points that are in no grid any more."""
        known = {task.id for task in self.tasks}
        folders = {str(PurePosixPath(section.id).parent) for section in self.sections}
        found = (
            str(PurePosixPath(folder, name))
            for folder in sorted(folders)
            for name in self.files.names(f"results/{folder}")
            if "@" in name and self.files.is_folder(f"results/{folder}/{name}")
        )
        return tuple(name for name in found if name not in known)

    def section(self, text: str) -> Section:
        """Return the section of that id; of the nine, the one with the number `text`; or the only
        one whose id holds `text`; a grid's point where `text` holds an "@".

        Raises NinefoldError where none or several do.
        """
        wanted = text.removeprefix("sections/").removesuffix(".ipynb").removesuffix(".md")
        known = [task for task in self.tasks if task.point] if "@" in wanted else self.sections
        ids = [section.id for section in known]
        near = (
            [s for s in known if s.id == wanted]
            or [s for s in known if "/" not in s.id and s.id.partition("-")[0] == wanted]
            or [s for s in known if wanted.casefold() in s.id.casefold()]
            or [s for s in known if _in_any_order(wanted, s.id)]
        )
        if len(near) == 1:
            return near[0]
        if near:
            raise NinefoldError(
                f"'{text}' is part of several sections: {', '.join(s.id for s in near)}",
                todo="write more of its name",
            )
        raise NinefoldError(f"no section '{text}'", did_you_mean(wanted, ids))

    def reads(self, section: Section) -> tuple[Section, ...]:
        """Return the notebooks, and the points of their grids, whose records this section reads."""
        numbers = _READS.get(section.number, ())
        return tuple(task for task in self.tasks if task.number in numbers) if numbers else ()


def find_project(start: Path) -> Project:
    """Return the project that `start` lies in. Raises NinefoldError outside of one, and for one
    that belongs to another user."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if os.path.lexists(folder / SETTINGS_FILE):
            refuse_strangers(folder, SETTINGS_FILE)
            return Project(folder)
    raise NinefoldError(
        f"no {SETTINGS_FILE} in {start} or above it",
        "this command works inside a project",
        "change into one, or make one with 'ninefold new'",
    )


def _is_section(name: str) -> bool:
    """Tell whether the file `name` below `sections/` is one by its name: numbered, as is its
    folder, and one that any system can write down."""
    parts = name.split("/")
    numbered = all(re.match(r"[1-9]\d*-", part) for part in (parts[1], parts[-1]))
    # control characters, and bytes that are no UTF-8
    return numbered and not re.search("[\0-\x1f\x7f\ud800-\udfff]", name)


def _in_any_order(text: str, point: str) -> bool:
    """Whether `text` names a grid's point, but for the order of its values."""
    (section, _, values), (its, _, own) = text.partition("@"), point.partition("@")
    return section.casefold() in its.casefold() and sorted(values.split(",")) == sorted(
        own.split(",")
    )


def _refuse_nested(sections: Iterable[Section]) -> None:
    """Refuse a notebook beside a folder of its name: its results would replace those inside."""
    ids = {section.id for section in sections if section.is_notebook}
    for section in sorted(ids):
        for folder in map(str, PurePosixPath(section).parents):
            if folder in ids:
                raise NinefoldError(
                    f"sections/{folder} is a notebook and a folder of others, such as {section}",
                    "expected names that differ: its results would replace those of the others",
                    "rename one of them",
                )


def _outline_place(section: str) -> list[tuple[int, str]]:
    """Sort numbers as numbers: 10-late after 2-early."""
    parts = (re.match(r"(\d*)-?(.*)", part) for part in section.split("/"))
    return [(int(match[1] or 0), match[2]) for match in parts if match]
