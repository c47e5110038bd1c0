"""`ninefold report`: render what the runs found, or say where the committed report differs."""

import sys
from pathlib import Path

import click

from ninefold.cli.shell import echo, echo_json, json_option
from ninefold.project import find_project
from ninefold.publishing.render import (
    FORMATS,
    Rendering,
    differences,
    foreign,
    render,
    write,
)


@click.command(epilog="Examples: ninefold report · ninefold report --format github --check")
@click.option(
    *("--format", "formats"),
    metavar="NAME",
    multiple=True,
    help=f"What to render: {', '.join(FORMATS)} (the first unless said); can be repeated.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where the report differs.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what is wrong.")
@json_option("Print the outcome as JSON.")
def report(formats: tuple[str, ...], check: bool, quiet: bool, as_json: bool) -> None:
    """Render the report from what the runs found. Executes nothing.

    Writes report/README.md with its figures, and the part of README.md between its markers.
    """
    project = find_project(Path.cwd())
    # All are rendered before anything is written: a mistake leaves what was there.
    renderings = [render(project, name) for name in dict.fromkeys(formats or ("github",))]
    act = differences if check else write
    changed = sorted({name for rendering in renderings for name in act(project, rendering)})
    left = sorted({name for rendering in renderings for name in foreign(project, rendering)})
    if as_json:
        key = "different" if check else "written"
        echo_json({"report": _entry(renderings), key: changed, "left": left})
    elif not quiet or (check and changed):
        echo(_said(renderings, changed, check))
        for name in left:
            echo(f"left {name}: ninefold did not write it, or not so")
    if check and changed:
        sys.exit(1)


def _said(renderings: list[Rendering], changed: list[str], check: bool) -> str:
    entry = _entry(renderings)
    if check and changed:
        lines = [f"  {name}" for name in changed]
        return "\n".join(["not what would be rendered now: 'ninefold report' writes it", *lines])
    if check or not changed:
        return f"{entry} is what would be rendered"
    return f"rendered {entry} ({len(changed)} file{'s' if len(changed) > 1 else ''} changed)"


def _entry(renderings: list[Rendering]) -> str:
    return next(iter(renderings[0].files))
