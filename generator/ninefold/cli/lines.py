"""What is said of a run, line by line: of an outcome, of a failure, of a plan."""

import shlex
from collections.abc import Callable

import click

from ninefold.formats import show
from ninefold.running.events import Event, Notice
from ninefold.running.execution import Outcome
from ninefold.running.failures import Failure
from ninefold.running.plan import Step


def tell(say: Callable[[str], None], event: Event) -> None:
    """Say an outcome on one line; what failed goes to stderr, however quiet the rest is."""
    if isinstance(event, Notice):
        say(event.text)
    elif isinstance(event, Outcome):
        if event.failure:
            click.echo("\n".join(failure_lines(event)), err=True)
        else:
            say(_line(event))


def _line(outcome: Outcome) -> str:
    if outcome.state == "ran":
        return f"ran {outcome.section} in {show(outcome.seconds, 'duration')}: {outcome.why}"
    if outcome.state == "kept":
        return f"kept {outcome.section}: {outcome.why}"
    return f"not run: {outcome.section} {outcome.why}"


def failure_lines(outcome: Outcome) -> tuple[str, ...]:
    """Return what is to be said of a section that failed: where, of what, and what to try."""
    failure = outcome.failure
    assert failure
    return (
        f"failed {outcome.section}{where(failure)} after {show(outcome.seconds, 'duration')}",
        *(f"    {line}" for line in failure.lines),
        f"    {failure.summary}",
        *([f"    try: {failure.todo}"] if failure.todo else []),
        f"    what it did is in results/{outcome.section}/failure/; "
        f"mend it, then 'ninefold run {shlex.quote(outcome.section)}'",
    )


def where(failure: Failure) -> str:
    """Return " in cell 3", or "" where no cell is to blame."""
    return f" in cell {failure.cell}" if failure.cell else ""


def planned(step: Step, seconds: float | None) -> str:
    """Return what a run would do with a step whose last run took `seconds`."""
    if step.reason is None:
        return f"would keep {step.section.id}: nothing changed"
    took = "" if seconds is None else f" ({show(seconds, 'duration')} the last time)"
    return f"would run {step.section.id}: {step.reason}{took}"
