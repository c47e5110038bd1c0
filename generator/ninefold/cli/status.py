"""`ninefold status`: of each section, whether it is written, and fresh or stale and why."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ninefold.cli.grids import folded, left_over_lines, pruned_lines
from ninefold.cli.lines import unnumbered
from ninefold.cli.shell import console, echo, echo_json, json_option, shown
from ninefold.errors import NinefoldError
from ninefold.formats import show
from ninefold.project import Project, Section, find_project
from ninefold.prompts import unanswered
from ninefold.publishing.pages import read_page
from ninefold.running import results
from ninefold.running.failures import Failure, read_failure
from ninefold.running.lock import locked
from ninefold.running.notebooks import read_notebook, sources
from ninefold.running.parameters import values_of
from ninefold.running.plan import LOOK, say_look
from ninefold.running.staleness.keys import Keys, own_keys


@click.command(epilog="Examples: ninefold status · ninefold status --prune")
@click.option("--prune", is_flag=True, help="Remove results of sections and points that are gone.")
@json_option("Print the same as JSON.")
def status(prune: bool, as_json: bool) -> None:
    """Say of each section whether it is written and fresh.

    A section is written when none of its prompts is left. It is stale when something its results
    depend on has changed since its last run. Section 7 waits until a run names it. Values in
    ninefold.toml that a run would refuse are said after the table; then the command exits 1.

    Results of a notebook that was renamed or deleted, or of a point that its grid has no more, are
    named after the table; --prune removes them, where they are what a run has left, and nothing
    else.
    """
    project = find_project(Path.cwd())
    pruned = _prune(project) if prune else ()
    keys = own_keys(project)
    rows = [
        _row(keys, task)
        for section in project.sections
        for task in (section, *project.points(section))
    ]
    if as_json:
        never = {"left_over": project.left_over, "unnumbered": project.unnumbered}
        echo_json({"sections": rows, **never, **({"pruned": pruned} if prune else {})})
    else:
        _print_table(folded(rows))
        left_over = pruned_lines(project, pruned) if prune else left_over_lines(project)
        for line in (*unnumbered(project), *left_over):
            echo(line)
    values_of(project, (), {})


def _prune(project: Project) -> tuple[str, ...]:
    with locked(project):
        return results.prune(project)


def _row(keys: Keys, section: Section) -> dict[str, Any]:
    prompts = 0 if section.point else _prompts(keys.project, section)
    row = {"section": section.id, "prompts": prompts}
    if not section.is_notebook:
        return {**row, "state": "prose", "why": "", "seconds": None}
    why, state = keys.stale(section), "fresh"
    if why:
        failure = read_failure(keys.project, section.id)
        state = "failed" if failure else "stale"
        if failure:
            why += f": {_of_what(failure)}"
        elif section.number == LOOK:
            never = why == "never run"
            state = "waiting" if never else state
            said = say_look(keys.project) if never else f"{why}; to look again"
            why = f"{said}: {_LOOKING}"
    return {**row, "state": state, "why": why or "", "seconds": _seconds(keys.project, section)}


def _of_what(failure: Failure) -> str:
    # ninefold's own errors are sentences; of others the name is enough in a table
    said = failure.summary if failure.error == "NinefoldError" else failure.error
    return f"{said}{failure.where}"


def _prompts(project: Project, section: Section) -> int | None:
    """Return how many prompts stand unanswered; None where the file cannot be read."""
    try:
        if not section.is_notebook:
            return len(unanswered(read_page(project, section.file)))
        texts = sources(read_notebook(project.files, section.file), "markdown")
    except NinefoldError:
        return None
    return sum(len(unanswered(text)) for text in texts)


def _seconds(project: Project, section: Section) -> float | None:
    try:
        parts = project.record_parts(section.id, "run")
    except NinefoldError:
        return None
    return parts["run"].get("seconds") if parts else None


def _print_table(rows: Iterable[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("section", no_wrap=True)
    table.add_column("written")
    table.add_column("results")
    table.add_column("last run", justify="right", no_wrap=True)
    for row in rows:
        point = row["section"].startswith(" ")  # written with its section
        table.add_row(
            shown(row["section"]),
            "" if point else _written(row["prompts"]),
            shown(_results(row), style=_COLOURS.get(row["state"], "")),
            "" if row["seconds"] is None else show(row["seconds"], "duration"),
        )
    # In a pipe a row is a line, however long.
    console(width=None if sys.stdout.isatty() else 200).print(table)


def _results(row: dict[str, Any]) -> str:
    if "results" in row:
        return row["results"]
    if row["why"]:
        return f"stale: {row['why']}" if row["state"] == "stale" else row["why"]
    return "" if row["state"] == "prose" else row["state"]


_COLOURS = {"fresh": "green", "stale": "yellow", "waiting": "yellow", "failed": "red"}
_LOOKING = "ninefold run 7"


def _written(prompts: int | None) -> str:
    if prompts is None:
        return "unreadable"
    return "yes" if prompts == 0 else f"{prompts} prompt{'s' if prompts > 1 else ''} left"
