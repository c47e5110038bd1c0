"""The tables on a terminal: the races, how time grows, the targets, and how figures came about."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from problems import PROBLEMS
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from runs import SERIES

Row = dict[str, Any]

NOTES = (
    "Seconds: the first call in a fresh process; tracing and compiling included, imports not.",
    "All ways train on the same rows: a fold's training rows without ninefold's inner validation "
    "split. ninefold also computes curves, out-of-fold predictions and every metric.",
    "Score: accuracy, or R² for the regression; beside it over the folds that all ways ran.",
    "MiB: the most that the process held (ru_maxrss), imports included, its workers apart.",
    "scikit-learn has neither the regularised network nor convolutions, sequences and callbacks.",
)


def draw(summary: dict[str, Any]) -> Group:
    """Return what `ledger.summarise` found as tables and lines."""
    race = [row for row in summary["rows"] if row["group"] not in SERIES]
    growth = [row for row in summary["rows"] if row["group"] in SERIES]
    parts: list[RenderableType] = []
    if race:
        parts.append(_table(race, "network", "way", "times faster", shared=True))
        parts += [Text(note, style="dim") for note in (*_measured_folds(race), *NOTES)]
    if growth:
        parts.append(_table(growth, "ninefold with", "", "times longer", shared=False))
    if summary.get("notebooks"):
        parts.append(_notebooks(summary["notebooks"]))
    return Group(*parts, *map(_verdict, summary["targets"]))


def _notebooks(rows: Sequence[Row]) -> Table:
    table = Table()
    for words in ("notebooks", "way"):
        table.add_column(words, no_wrap=True)
    for number in ("seconds", "times faster"):
        table.add_column(number, justify="right")
    for name, members in groupby(rows, key=lambda row: row["group"]):
        for number, row in enumerate(members):
            ratio = f"{row['ratio']:.3g}" if "ratio" in row else ""
            title = name if number == 0 else ""
            table.add_row(title, row["label"], f"{row['seconds']:.2f}", ratio)
        table.add_section()
    return table


def _table(rows: Sequence[Row], group: str, label: str, ratio: str, *, shared: bool) -> Table:
    headings = ["seconds", ratio, "score", *(["same folds"] if shared else []), "MiB"]
    table = Table()
    for words in (group, label):
        table.add_column(words, no_wrap=True)
    for number in headings:
        table.add_column(number, justify="right")
    table.add_column("engine", no_wrap=True)
    for name, members in groupby(rows, key=lambda row: row["group"]):
        title = PROBLEMS[name].title if name in PROBLEMS else name
        for row in members:
            cells = ["failed"] if row["failed"] else _cells(row, shared)
            table.add_row(title, row["label"], *cells)
            title = ""
        table.add_section()
    return table


def _cells(row: Row, shared: bool) -> list[str]:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}"
    scores = [row["score"], *([row["shared_score"]] if shared else [])]
    memory = f"{row['peak_bytes'] / 2**20:.0f}"
    return [f"{row['seconds']:.2f}", ratio, *(f"{s:.3f}" for s in scores), memory, row["engine"]]


def _measured_folds(rows: Sequence[Row]) -> Iterator[str]:
    """Say so where `model.fit` ran on some of the folds only."""
    for row in rows:
        fits = row["job"]["folds"] * row["job"]["repeats"]
        if not row["failed"] and len(row["scores"]) < fits:
            yield (
                f"model.fit: measured on {len(row['scores'])} of {fits} folds; the first, which "
                "warms up, counts once, the mean of the others for each fold left."
            )
            return


def _verdict(target: dict[str, Any]) -> Text:
    line = f"{target['claim']}: {target['measured']:.3g}"
    return Text.assemble(line, " ", ("met", "green") if target["met"] else ("not met", "red"))
