"""What is said of a run, line by line: of an outcome, of a failure, of a plan."""

import shlex
from collections.abc import Iterable

from ninefold.cli.shell import say
from ninefold.formats import show
from ninefold.project import Project, Section
from ninefold.running.events import Event, Notice
from ninefold.running.execution import Outcome
from ninefold.running.plan import Step, say_look
from ninefold.visible import visible_line


def tell(quiet: bool, event: Event) -> None:
    """Say an outcome on one line; what failed goes to stderr, however quiet the rest is."""
    if isinstance(event, Outcome) and event.failure:
        say("\n".join(failure_lines(event)), err=True)
    elif isinstance(event, Outcome | Notice) and not quiet:
        say(event.text if isinstance(event, Notice) else _line(event))


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
    is_point = "@" in outcome.section
    instead = "; or take its values out of the grid in ninefold.toml" if is_point else ""
    return (
        f"failed {outcome.section}{failure.where} after {show(outcome.seconds, 'duration')}",
        *(f"    {line}" for line in failure.lines),
        f"    {failure.summary}",
        *([f"    try: {failure.todo}"] if failure.todo else []),
        f"    {f'what it did is in {outcome.folder}/; ' if outcome.folder else ''}"
        f"mend it, then: ninefold run {shlex.quote(outcome.section)}{instead}",
    )


def unnumbered(project: Project) -> tuple[str, ...]:
    """Return a line about notebooks that never run because of their names; none without such."""
    names = project.unnumbered
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    said = (
        "no section, and never run: names of sections and of their folders begin as 1- or 12-, and "
        "are one line of UTF-8"
    )
    return (f"{visible_line(names[0])}{more}: {said}",) if names else ()


def planned(step: Step, seconds: float | None) -> str:
    """Return what a run would do with a step whose last run took `seconds`."""
    if step.reason is None:
        return f"would keep {step.section.id}: nothing changed"
    took = "" if seconds is None else f" ({show(seconds, 'duration')} the last time)"
    return f"would run {step.section.id}: {step.reason}{took}"


def waiting_lines(project: Project, waits: Iterable[tuple[Section, str]]) -> list[str]:
    """Say of sections that look at the hold-out that they wait, why, and how to look."""
    return [
        f"{task.id} waits, because it looks at the hold-out ({_not_looked(project, why)}): "
        f"'ninefold run {task.id.partition('-')[0]}' when your choice is made"
        for task, why in waits
    ]


def _not_looked(project: Project, why: str) -> str:
    return say_look(project) if why == "never run" else f"stale: {why}"
