"""`ninefold run`: execute what is stale, and say what was done and why."""

import json
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from ninefold.errors import NinefoldError
from ninefold.formats import show
from ninefold.project import find_project
from ninefold.running import runner
from ninefold.running.execution import Outcome
from ninefold.running.parameters import parse_value


def _given(context: click.Context, option: click.Parameter, pairs: tuple[str, ...]) -> dict:
    given = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"'{pair}' is not NAME=VALUE")
        given[name] = parse_value(text)
    return given


@click.command(
    epilog="Examples: ninefold run · ninefold run baseline -p epochs=20 · ninefold run --force 7"
)
@click.argument("sections", nargs=-1, metavar="[SECTION]...")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, help="Sections at a time.")
@click.option("--force", is_flag=True, help="Run also what is fresh.")
@click.option(
    *("-p", "--parameter", "given"),
    metavar="NAME=VALUE",
    multiple=True,
    callback=_given,
    help="A value for a notebook's parameter, as JSON or TOML; else it is text.",
)
@click.option("--quiet", is_flag=True, help="Say nothing but what failed.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def run(
    sections: tuple[str, ...],
    jobs: int,
    force: bool,
    given: dict[str, Any],
    quiet: bool,
    as_json: bool,
) -> None:
    """Execute the sections that are stale, in order of need.

    A SECTION is a path under sections/ without its suffix, a unique part of it, or a folder
    there; without one, all of them. What a named section reads runs first where it is stale.
    """
    from ninefold.study.split_data import load_split

    project = find_project(Path.cwd())
    if jobs > 1:
        click.echo("sections run one after another in this version", err=True)
    # One line about the data or the settings now, rather than a traceback in every section.
    before = partial(load_split, project.root, project.settings)
    try:
        with show_progress(quiet or as_json) as listen:
            outcomes = runner.run(
                project, listen, sections, force=force, given=given, before=before
            )
    except KeyboardInterrupt:
        click.echo("stopped; what was finished is kept, and so are older results", err=True)
        sys.exit(130)
    if as_json:
        content = {"sections": [asdict(outcome) for outcome in outcomes]}
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
    failed = [outcome.section for outcome in outcomes if outcome.state == "failed"]
    if failed:
        raise NinefoldError(
            f"{len(failed)} of {len(outcomes)} sections failed: {', '.join(failed)}",
            todo="mend what the lines above name, then 'ninefold run' again",
        )


def show_progress(silent: bool) -> AbstractContextManager[runner.Listener]:
    """Return the listener that fits: a live line on a terminal, plain lines in a pipe."""
    if silent:
        return nullcontext(partial(_told, lambda line: None))
    if sys.stdout.isatty():
        from ninefold.cli.live import live_display

        return live_display(_told)
    return nullcontext(partial(_told, click.echo))


def _told(say: Callable[[str], None], event: runner.Event) -> None:
    """Say an outcome on one line; what failed goes to stderr, however quiet the rest is."""
    if isinstance(event, Outcome) and event.failure:
        click.echo(_failure_text(event), err=True)
    elif isinstance(event, Outcome):
        say(_line(event))


def _line(outcome: Outcome) -> str:
    if outcome.state == "ran":
        return f"ran {outcome.section} in {show(outcome.seconds, 'duration')}: {outcome.why}"
    if outcome.state == "kept":
        return f"kept {outcome.section}: {outcome.why}"
    return f"not run: {outcome.section} {outcome.why}"


def _failure_text(outcome: Outcome) -> str:
    failure = outcome.failure
    assert failure
    where = f" in cell {failure.cell}" if failure.cell else ""
    return "\n".join(
        (
            f"failed {outcome.section}{where} after {show(outcome.seconds, 'duration')}",
            *(f"    {line}" for line in failure.lines),
            f"    {failure.summary}",
            f"    what it did is in results/{outcome.section}/failure/; "
            f"mend it, then 'ninefold run {shlex.quote(outcome.section)}'",
        )
    )
