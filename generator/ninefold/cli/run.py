"""`ninefold run`: execute what is stale, and say what was done and why."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from ninefold.cli.grids import left_over_note
from ninefold.cli.lines import planned, tell, unnumbered, waiting_lines
from ninefold.cli.shell import echo, echo_json, json_option, say
from ninefold.errors import NinefoldError
from ninefold.project import Project, find_project
from ninefold.running import runner
from ninefold.running.events import Listener
from ninefold.running.parameters import parse_value
from ninefold.running.plan import Step, make_plan, waiting
from ninefold.running.turns import last_seconds
from ninefold.running.workers.crew import Hire, local_crew
from ninefold.stopping import Stopped


def _given(context: click.Context, option: click.Parameter, pairs: tuple[str, ...]) -> dict:
    given = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"'{pair}' is not NAME=VALUE")
        given[name] = parse_value(text)
    return given


@click.command(
    epilog="Examples: ninefold run · ninefold run 2-batch-size -p 'sizes=[16, 64]' · "
    "ninefold run 7, the look at the hold-out"
)
@click.argument("sections", nargs=-1, metavar="[SECTION]...")
@click.option(
    *("-j", "--jobs"),
    type=click.IntRange(min=1),
    metavar="N",
    help="Run N sections at a time; else as many as there are cores, which they share.",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Run them on the workers of a Dask scheduler: tcp://HOST:PORT, or 'local'.",
)
@click.option("--all", "everything", is_flag=True, help="Run all sections, section 7 too.")
@click.option("--force", is_flag=True, help="Run the same sections even if they are fresh.")
@click.option("--dry-run", is_flag=True, help="Only say what would run and why.")
@click.option(
    *("-p", "--parameter", "given"),
    metavar="NAME=VALUE",
    multiple=True,
    callback=_given,
    help="Give a notebook's parameter a value: JSON, TOML or else text; can be repeated.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what failed.")
@json_option("Print what became of each as JSON, at the end.")
def run(
    sections: tuple[str, ...],
    jobs: int | None,
    dask: str | None,
    everything: bool,
    force: bool,
    dry_run: bool,
    given: dict[str, Any],
    quiet: bool,
    as_json: bool,
) -> None:
    """Execute the sections that are stale, in order of need.

    Section 7 looks at the hold-out: it runs only if it is named, or with --all.

    A SECTION is a path under sections/ without its suffix, a unique part of it, or a folder
    there; without one, all but section 7. What a named section reads runs first if it is stale.
    A section's name stands for its grid, too; SECTION@NAME=VALUE,… is a single point of that,
    and -p with one of the grid's names is the notebook itself with that value alone.
    """
    if everything and sections:
        raise click.UsageError("--all takes no SECTION: it runs them all")
    project = find_project(Path.cwd())
    options: dict[str, Any] = {"everything": everything, "force": force, "given": given}
    if dry_run:
        _say_plan(project, make_plan(project, sections, **options), as_json, plain=not sections)
        return
    with show_progress(quiet or as_json) as listen:
        outcomes = runner.run(
            project,
            listen,
            sections,
            **options,
            before=partial(_check_data, project),
            hire=_hire(dask, jobs),
        )
    waits = () if sections or everything else waiting(project)
    if as_json:
        told = {"sections": [asdict(outcome) for outcome in outcomes]}
        echo_json({**told, "waiting": [task.id for task, _ in waits]})
    elif not quiet:
        for line in (
            *unnumbered(project),
            *left_over_note(project),
            *waiting_lines(project, waits),
        ):
            say(line)
    failed = [outcome.section for outcome in outcomes if outcome.state == "failed"]
    if failed:
        raise NinefoldError(
            f"{len(failed)} of {len(outcomes)} sections failed: {', '.join(failed)}",
            todo="mend what the lines above name, then 'ninefold run' again",
        )


def _hire(dask: str | None, jobs: int | None) -> Hire:
    if dask is None:
        return local_crew(jobs)
    from ninefold.running.cluster.crew import dask_crew

    return dask_crew(dask, jobs)


def _check_data(project: Project) -> None:
    """Say what is wrong with data or settings in one line now, rather than in every section."""
    from ninefold.study.split_data import load_split

    load_split(project.root, project.settings)


def _say_plan(project: Project, steps: tuple[Step, ...], as_json: bool, *, plain: bool) -> None:
    planned_ids = {step.section.id for step in steps}
    waits = tuple(w for w in waiting(project) if plain and w[0].id not in planned_ids)
    if as_json:
        states = {True: "kept", False: "would run"}
        plan = [
            {"section": s.section.id, "state": states[s.reason is None], "why": s.reason or ""}
            for s in steps
        ]
        echo_json({"sections": plan, "waiting": [task.id for task, _ in waits]})
        return
    for step in steps:
        echo(planned(step, last_seconds(project, step.section.id)))
    for line in waiting_lines(project, waits):
        echo(line)


@contextmanager
def show_progress(silent: bool) -> Iterator[Listener]:
    """Have the listener that fits: a live view on a terminal, plain lines in a pipe."""
    try:
        with _listener(silent) as listen:
            yield listen
    except Stopped as stopped:
        stopped.told = "stopped; what was finished is kept, and so are older results"
        raise


def _listener(silent: bool) -> AbstractContextManager[Listener]:
    if silent:
        return nullcontext(partial(tell, True))
    if sys.stdout.isatty():
        from ninefold.cli.live import live_display

        return live_display()
    return nullcontext(partial(tell, False))
