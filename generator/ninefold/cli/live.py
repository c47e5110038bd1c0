"""The live view of a run on a terminal: a line for each section, and one for all of them."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from ninefold.cli.lines import failure_lines
from ninefold.cli.shell import console, say, shown
from ninefold.formats import show
from ninefold.running.events import CellStarted, Event, Listener, Notice, Planned
from ninefold.running.execution import Outcome

_NAME, _TIME = 38, 8  # columns
_MARKS = {
    **{"ran": ("✓", "green"), "failed": ("✗", "red")},
    **{"kept": ("=", "dim"), "skipped": ("–", "yellow")},
}
_BAD = {"failed": "failed", "skipped": "not run"}  # of those done
_NO_TIMES = {"kept": "kept", "skipped": "not run"}  # said instead

_Row = tuple[Text | Spinner, str, str, Text]  # mark, section, time, what is to be said


@contextmanager
def live_display() -> Iterator[Listener]:
    """Show each section on a line of its own: what has ended stays, in the order in which it
    ended; below it what runs and what waits, and how far all of it is."""
    board = _Board(console(lasting=True))
    with Live(
        board,
        console=board.console,
        transient=True,
        refresh_per_second=8,
        redirect_stderr=sys.stderr.isatty(),
    ):
        yield board.listen


@dataclass
class _Board:
    """What a run has told so far, as it is to be seen now."""

    console: Console
    began: float = field(default_factory=time.monotonic)
    expected: dict[str, float | None] = field(default_factory=dict)  # what has not ended
    started: dict[str, float] = field(default_factory=dict)
    cells: dict[str, CellStarted] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)  # state → how many; none that were kept
    slots: int = 1  # sections that ran at once, at most
    spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="cyan"))

    def listen(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, Planned):
            self.expected = dict(event.expected)
        elif isinstance(event, Notice):
            self.console.print(shown(event.text, style="dim"))
        elif isinstance(event, CellStarted):
            self.expected.setdefault(event.section, None)
            self.started.setdefault(event.section, time.monotonic())
            self.cells[event.section] = event
            self.slots = max(self.slots, len(self.started))
        else:
            self._end(event)

    def _end(self, outcome: Outcome) -> None:
        self.started.pop(outcome.section, None)
        self.expected.pop(outcome.section, None)
        self.ended[outcome.state] += outcome.state != "kept"
        mark, style = _MARKS[outcome.state]
        took = _NO_TIMES.get(outcome.state) or show(outcome.seconds, "duration")
        said = f"failed{outcome.failure.where}" if outcome.failure else outcome.why
        row = (shown(mark, style), outcome.section, took, shown(said, "dim"))
        self.console.print(_table([row], self.console.width))
        if outcome.failure:
            here = sys.stderr.isatty()  # then its first line stands just above
            say("\n".join(failure_lines(outcome)[here:]), err=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        waiting = [name for name in self.expected.copy() if name not in self.started]
        room = max(console.height - len(self.started) - 3, 0)
        rows = [*map(self._running, self.started.copy()), *map(self._waiting, waiting[:room])]
        # What wraps, or is cut by a terminal, would stand there again with each redraw.
        yield _table(rows, options.max_width, no_wrap=True)
        if len(waiting) > room:
            yield shown(f"  and {len(waiting) - room} more", "dim")
        if self.expected:
            yield self._total()

    def _running(self, name: str) -> _Row:
        cell, last = self.cells[name], self.expected.get(name)
        where = f"cell {cell.number} of {cell.of}" if cell.number else "starting"
        said = shown(where).append(_last_time(last), "dim")
        return self.spinner, name, _time(time.monotonic() - self.started[name]), said

    def _waiting(self, name: str) -> _Row:
        return shown("·", "dim"), name, "", shown(f"waits{_last_time(self.expected[name])}", "dim")

    def _total(self) -> Text:
        left = self._left()
        ended = self.ended.total()
        parts = (
            f"{ended} of {ended + len(self.expected)} done",
            *(f"{self.ended[state]} {said}" for state, said in _BAD.items() if self.ended[state]),
            _time(time.monotonic() - self.began),
            *([] if left is None else [f"about {_time(left)} left" if left >= 1 else "ends soon"]),
        )
        return shown("  " + " · ".join(parts), "bold", no_wrap=True, overflow="ellipsis")

    def _left(self) -> float | None:
        """Return how many seconds it takes yet, going by the last times; a section that has none
        takes as long as the others on average. None where none has any."""
        known = [seconds for seconds in self.expected.values() if seconds is not None]
        if not known:
            return None
        now, usual = time.monotonic(), sum(known) / len(known)
        left = [
            max((usual if last is None else last) - (now - self.started.get(name, now)), 0)
            for name, last in self.expected.items()
        ]
        return max(sum(left) / self.slots, *left)


def _time(seconds: float) -> str:
    """Return a time that does not flicker: in whole seconds, or minutes with their seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"


def _last_time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", last time {_time(seconds) if seconds >= 1 else 'under 1 s'}"


def _table(rows: Iterable[_Row], width: int, *, no_wrap: bool = False) -> Table:
    table = Table.grid(padding=(0, 1))
    name = max(min(_NAME, width - _TIME - 24), 10)
    table.add_column(width=1)
    table.add_column(width=name, no_wrap=True)
    table.add_column(width=_TIME, justify="right", no_wrap=True)
    overflow: Literal["ellipsis", "fold"] = "ellipsis" if no_wrap else "fold"
    rest = max(width - name - _TIME - 4, 10)
    table.add_column(width=rest, no_wrap=no_wrap, overflow=overflow)
    for mark, section, took, said in rows:
        table.add_row(mark, shown(_short(section, name)), took, said)
    return table


def _short(name: str, width: int) -> str:
    """Return the end of a name that is too long: that is where names differ."""
    return name if len(name) <= width else f"…{name[1 - width :]}"
