"""`ninefold new`: a project from a dataset, with a short wizard on a terminal."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ninefold.cli.shell import console, echo, shown
from ninefold.errors import NinefoldError

if TYPE_CHECKING:
    from ninefold.scaffold.dataset import Shipment
    from ninefold.scaffold.wizard import Preview

_COLUMNS_ACROSS, _COLUMNS_DOWN, _CLASSES = 8, 40, 12


@click.command(
    epilog="Example: ninefold new penguins --data penguins.csv --target species author='Ada L.'"
)
@click.argument("arguments", nargs=-1, metavar="[DEST] [KEY=VALUE …]")
@click.option("--data", metavar="SPEC", help="A CSV or Parquet file, or builtin:NAME.")
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option("--no-input", is_flag=True, help="Ask nothing; take the defaults.")
@click.option("--no-git", is_flag=True, help="Make no git repository.")
def new(
    arguments: tuple[str, ...], data: str | None, target: str | None, no_input: bool, no_git: bool
) -> None:
    """Make a project from a dataset.

    DEST is a folder that does not exist yet; without it, one named after the title. KEY is a
    prompt of the template: title, slug, package, author, email, github, origin, data_licence,
    problem, metric, drop, categorical, group, time, licence, python_version, ninefold_source.
    Columns in a list are separated by ";".
    """
    from ninefold.scaffold.answers import parse_answers
    from ninefold.scaffold.project import check_destination, new_project

    destination = _destination(arguments)
    answers = parse_answers(argument for argument in arguments if "=" in argument)
    answers |= {"data": data} if data is not None else {}
    answers |= {"target": target} if target is not None else {}
    if destination:
        check_destination(destination)
    if not no_input and sys.stdin.isatty() and sys.stdout.isatty():
        answers = converse(answers)
    made = new_project(answers, destination, git=not no_git, tell=echo)
    echo(f"Made {made}. Next: cd {shlex.quote(str(made))} && make setup && make study")


def _destination(arguments: tuple[str, ...]) -> Path | None:
    """Return DEST: the only argument that is no KEY=VALUE."""
    places = [argument for argument in arguments if "=" not in argument]
    if len(places) > 1:
        raise click.UsageError(f"expected one DEST, not {len(places)}: {', '.join(places)}")
    return Path(places[0]) if places else None


def converse(answers: dict[str, str]) -> dict[str, str]:
    """Ask for what is not answered yet; return all answers. Each is validated where it is given,
    and asked again where it is wrong."""
    from ninefold.scaffold import wizard
    from ninefold.scaffold.answers import prompts

    spec, shipment = _ask_for_data(answers)
    answers = {**answers, "data": shipment.name}
    target = answers.get("target") or wizard.propose("target", answers, shipment)
    _show(wizard.preview(shipment, target))
    for question in wizard.QUESTIONS:
        if question == "problem":  # what each column is has been settled
            _show_classes(answers, shipment)
        if question in answers:
            wizard.check(question, answers[question], answers, shipment)
            continue
        proposal = wizard.propose(question, answers, shipment)
        answers[question] = _ask(prompts()[question], proposal, question, answers, shipment)
    return {**answers, "data": spec}


def _ask_for_data(answers: dict[str, str]) -> tuple[str, "Shipment"]:
    from ninefold.scaffold.dataset import open_data

    if "data" in answers:
        return answers["data"], open_data(answers["data"])
    while True:
        spec = click.prompt("Data: a CSV or Parquet file", default="builtin:breast_cancer")
        try:
            return spec, open_data(spec)
        except NinefoldError as error:
            echo(f"  {error}")


def _ask(prompt, proposal: str, question: str, answers: dict[str, str], shipment) -> str:
    from ninefold.scaffold.wizard import check

    text = prompt.text + (f" ({', '.join(prompt.choices)})" if prompt.choices else "")
    while True:
        answer = click.prompt(text, default=proposal, show_default=bool(proposal))
        try:
            check(question, answer, answers, shipment)
            return answer
        except NinefoldError as error:
            echo(f"  {error}")


def _show(preview: "Preview") -> None:
    """Print the first rows, then what each column is taken for."""
    from rich.table import Table

    *others, target = sorted(preview.columns, key=lambda column: column.role == "target")
    across = [column.name for column in (*others[: _COLUMNS_ACROSS - 1], target)]
    more = len(preview.columns) - len(across)
    title = f"The first rows, without {more} of their columns" if more else "The first rows"
    rows = Table(title=title)
    for name in across:
        rows.add_column(shown(name))
    for row in preview.first[across].itertuples(index=False):
        rows.add_row(*(shown(_cell(value)) for value in row))
    console().print(rows)
    columns = Table("column", "type", "role", "missing", "values", "", title="The columns")
    for column in preview.columns[:_COLUMNS_DOWN]:
        counts = (str(column.missing or ""), str(column.distinct))
        cells = (column.name, preview.types[column.name], column.role, *counts, column.reason)
        columns.add_row(*(shown(cell) for cell in cells))
    console().print(columns)
    if len(preview.columns) > _COLUMNS_DOWN:
        echo(f"… and {len(preview.columns) - _COLUMNS_DOWN} more columns.")
    echo(f"{preview.rows} rows, {preview.repeated} of them repeat an earlier one.")
    for note in preview.notes:
        echo(note)


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _show_classes(answers: dict[str, str], shipment: "Shipment") -> None:
    """Print the rows left out, and in a classification the rows of each class."""
    from rich.table import Table

    from ninefold.scaffold.dataset import check_against_data
    from ninefold.scaffold.wizard import class_balance

    dataset = check_against_data(answers, shipment)
    for note in dataset.row_notes:
        echo(note)
    balance = class_balance(dataset)
    if not balance:
        return
    table = Table("class", "rows", "share", title=f"{len(balance)} classes")
    for label, count in balance[:_CLASSES]:
        table.add_row(shown(label), str(count), f"{100 * count / len(dataset):.1f} %")
    console().print(table)
