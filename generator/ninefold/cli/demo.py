"""`ninefold demo`: a whole study of a built-in dataset, from nothing to its report."""

import re
from pathlib import Path

import click

from ninefold.cli.shell import echo

_EPOCHS = 50
_QUICK = "the demo trains for half the usual epochs, so that it ends sooner"


@click.command(epilog="Example: ninefold demo my-first-study")
@click.argument("dest", type=click.Path(path_type=Path), default="demo")
@click.option("--data", default="builtin:breast_cancer", help="Another builtin:NAME.")
@click.option("--quiet", is_flag=True, help="Say only where the report is.")
def demo(dest: Path, data: str, quiet: bool) -> None:
    """Make, run and report a study of a built-in dataset at DEST (usually ./demo).

    Trains for fewer epochs than a real study; the report says so.
    """
    from ninefold.cli.run import show_progress
    from ninefold.errors import NinefoldError
    from ninefold.project import find_project
    from ninefold.publishing.render import render, write
    from ninefold.running import runner

    root = _quick_project(dest, data)
    project = find_project(root)
    with show_progress(quiet) as listen:
        outcomes = runner.run(project, listen, everything=True)
    write(project, render(project, "github"))
    echo(f"report: {project.report / 'README.md'}")
    if any(outcome.state == "failed" for outcome in outcomes):
        raise NinefoldError("some sections failed; the report shows which")


def _quick_project(destination: Path, data: str) -> Path:
    from ninefold.bounded import SETTINGS
    from ninefold.files import Files
    from ninefold.project import SETTINGS_FILE
    from ninefold.scaffold.project import new_project

    root = new_project({"data": data}, destination, git=False)
    files = Files(root)
    text = files.text(SETTINGS_FILE, SETTINGS)
    text = re.sub(r"^epochs = .*$", f"epochs = {_EPOCHS}", text, flags=re.M)
    files.write(SETTINGS_FILE, text.replace("[harness]", f'[harness]\nquick = "{_QUICK}"'))
    return root
