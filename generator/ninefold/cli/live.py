"""The live line of a run on a terminal: which section, which of its cells, for how long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from ninefold.running.runner import CellStarted, Event, Listener


@contextmanager
def live_display(tell: Callable[[Callable[[str], None], Event], None]) -> Iterator[Listener]:
    """Show what runs on a line that lasts while it does; what is done is told above it.

    `tell` gets a function that prints a line, and each event.
    """
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def say(line: str) -> None:
            console.print(Text(line), soft_wrap=True)

        def listen(event: Event) -> None:
            if isinstance(event, CellStarted):
                where = f"cell {event.number} of {event.of}" if event.number else "starting"
                line = f"{event.section}  {where}"
                if event.section in tasks:
                    progress.update(tasks[event.section], description=line)
                else:
                    tasks[event.section] = progress.add_task(line, total=None)
                return
            if event.section in tasks:
                progress.remove_task(tasks.pop(event.section))
            tell(say, event)

        yield listen
