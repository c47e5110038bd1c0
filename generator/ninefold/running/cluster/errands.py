"""What travels between a run and its workers: a task, and what came of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.running.parameters import Values
from ninefold.running.task import Conducted, Limits, Task


@dataclass(frozen=True)
class Errand:
    """A task as it travels: no path of the machine it comes from."""

    project: str  # the name of its folder
    id: str
    notebook: str  # path from the project's root
    values: Values
    limits: Limits

    @classmethod
    def of(cls, task: Task) -> "Errand":
        """Return a task as it travels."""
        notebook = task.notebook.relative_to(task.root).as_posix()
        return cls(task.root.name, task.id, notebook, task.values, task.limits)

    def task(self, root: Path, output: Path, cores: int) -> Task:
        """Return the task as it is in a copy of its project at `root`."""
        return Task(root, self.id, root / self.notebook, output, self.values, cores, self.limits)


@dataclass(frozen=True)
class Returned:
    """What comes back of a task.

    files      what it made, by path from its output
    entries    what it added to the log of runs and looks, the one file beside its own results that
               a section writes to
    libraries  name → version here of those it used
    remarks    what is to be said about how it was executed
    """

    conducted: Conducted
    files: dict[str, bytes]
    entries: tuple[dict[str, Any], ...]
    libraries: dict[str, str]
    remarks: tuple[str, ...]
