"""One notebook to execute, as a value: what it takes, what comes back, and who can conduct it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ninefold.running.failures import Failure
from ninefold.running.parameters import Values


@dataclass(frozen=True)
class Limits:
    """What a notebook may take; None: as much as it likes."""

    cell: float | None = None  # seconds
    section: float | None = None  # seconds
    memory: float | None = None  # GiB, of its kernel and whatever that starts


@dataclass(frozen=True)
class Task:
    """All that executing one notebook takes.

    root      the project's folder, in which the kernel works
    id        the section's, or the grid point's
    notebook  the file to execute
    output    an empty folder for all it makes: notebook.ipynb, record.json, figures
    values    the parameters given
    cores     how many of the machine's it may use
    """

    root: Path
    id: str
    notebook: Path
    output: Path
    values: Values
    cores: int
    limits: Limits


@dataclass(frozen=True)
class Conducted:
    """How a task ended; `under` are "versions" and "machine" of where it ran (see provenance)."""

    failure: Failure | None = None
    under: dict[str, Any] = field(default_factory=dict)


Tell = Callable[[int, int], None]  # told a code cell's number as it starts, and how many there are
Conduct = Callable[[Task, Tell], Conducted]  # executes a task into its output, and blocks meanwhile
