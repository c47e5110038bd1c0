"""What a run tells whoever listens, as it happens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ninefold.running.execution import Outcome


@dataclass(frozen=True)
class Planned:
    """Notebooks are to be executed: each → the seconds that its last run took, None where that is
    not known."""

    expected: Mapping[str, float | None]


@dataclass(frozen=True)
class CellStarted:
    """A section's code cell `number` of `of` starts; 0 while its kernel does."""

    section: str
    number: int
    of: int


@dataclass(frozen=True)
class Notice:
    """Something about the whole run, said once."""

    text: str


Event = Planned | CellStarted | Notice | Outcome
Listener = Callable[[Event], None]
