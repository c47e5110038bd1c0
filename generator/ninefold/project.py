"""A project on disk: its root, its paths, its sections and which section reads which."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ninefold.errors import NinefoldError
from ninefold.settings import Settings, read_settings
from ninefold.suggestions import did_you_mean

SETTINGS_FILE = "ninefold.toml"

# What a section of each number reads of others: the numbers of the sections before it.
_READS: dict[int, tuple[int, ...]] = {6: (5,), 7: (4, 5, 6)}


@dataclass(frozen=True)
class Section:
    """One file under `sections/`: a notebook to run, or a page of prose."""

    id: str  # path under sections/ without its suffix, "/" on every system
    path: Path

    @property
    def number(self) -> int:
        """Return its place in the outline, 1 to 9."""
        return int(self.id.split("-", 1)[0])

    @property
    def is_notebook(self) -> bool:
        return self.path.suffix == ".ipynb"

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
    def settings(self) -> Settings:
        return read_settings(self.root / SETTINGS_FILE)

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def scratch(self) -> Path:
        """Return the folder of what is under way; git ignores it."""
        return self.root / ".ninefold"

    @property
    def model(self) -> Path:
        """Return the folder of the final model, as section 7 saved it."""
        return self.results / "7-final-model" / "model"

    def results_of(self, section: str) -> Path:
        """Return the folder of what the last good run of a section left."""
        return self.results / section

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Return all sections in the order of the outline."""
        folder = self.root / "sections"
        found = [
            Section(path.relative_to(folder).with_suffix("").as_posix(), path)
            for path in folder.rglob("*")
            if path.suffix in (".ipynb", ".md")
            and re.match(r"[1-9]\d*-", path.name)
            and ".ipynb_checkpoints" not in path.parts
        ]
        return tuple(sorted(found, key=lambda section: _outline_place(section.id)))

    def section(self, text: str) -> Section:
        """Return the section of that id, or the only one whose id holds `text`.

        Raises NinefoldError where none or several do.
        """
        wanted = text.removeprefix("sections/").removesuffix(".ipynb").removesuffix(".md")
        ids = [section.id for section in self.sections]
        near = [s for s in self.sections if s.id == wanted] or [
            s for s in self.sections if wanted.casefold() in s.id.casefold()
        ]
        if len(near) == 1:
            return near[0]
        if near:
            raise NinefoldError(
                f"'{text}' is part of several sections: {', '.join(s.id for s in near)}",
                todo="write more of its name",
            )
        raise NinefoldError(f"no section '{text}'", did_you_mean(wanted, ids))

    def reads(self, section: Section) -> tuple[Section, ...]:
        """Return the notebooks whose records this section reads."""
        numbers = _READS.get(section.number, ())
        return tuple(s for s in self.sections if s.is_notebook and s.number in numbers)


def find_project(start: Path) -> Project:
    """Return the project that `start` lies in. Raises NinefoldError outside of one."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return Project(folder)
    raise NinefoldError(
        f"no {SETTINGS_FILE} in {start} or above it",
        "this command works inside a project",
        "change into one, or make one with 'ninefold new'",
    )


def _outline_place(section: str) -> list[tuple[int, str]]:
    """Sort numbers as numbers: 10-late after 2-early."""
    parts = (re.match(r"(\d*)-?(.*)", part) for part in section.split("/"))
    return [(int(match[1] or 0), match[2]) for match in parts if match]
