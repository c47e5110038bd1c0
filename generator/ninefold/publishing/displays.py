"""What ninefold displays in a notebook is a pointer; here it becomes a block from the record."""

from collections.abc import Callable
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict

from ninefold.bounded import AGAIN
from ninefold.errors import NinefoldError
from ninefold.formats import fill, show
from ninefold.publishing.blocks import (
    Block,
    Fact,
    Figure,
    Forecast,
    Note,
    Table,
    pointer,
    record_file,
)
from ninefold.record_entries import Mean
from ninefold.records import Record, mistakes_of
from ninefold.running.notebooks import Pointer

MIME: Final = "application/vnd.ninefold+json"
SCHEMA = 1
_MOST_CELLS, _FEWEST_ROWS = 10_000, 20  # of a table that are shown
_STRICT = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


def resolve(display: Pointer, section: str, record: Record) -> Block:
    """Return the block that a display of `section`'s notebook points to.

    Raises NinefoldError where the record does not hold it.
    """
    try:
        if display["schema"] != SCHEMA:
            raise NinefoldError(
                f"results/{section} has displays of version {display['schema']}",
                f"this ninefold reads {SCHEMA}",
                _again(section),
            )
        return _SHOWN[display["kind"]](display["name"], section, record)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        what = f"{display['kind']} '{display['name']}'"
        raise NinefoldError(
            f"the notebook in results/{section} shows the {what}",
            "its record does not hold it, or not whole",
            todo=_again(section),
        ) from None


def forecast(section: str, record: Record) -> Forecast | None:
    """Return an experiment's forecast beside its outcome, or None where the record has none."""
    if record.forecast is None:
        return None
    file = record_file(section)
    with mistakes_of(file, AGAIN, "values", "outcome"):
        outcome = _outcome.validate_python(record.values.get("outcome") or {})
    stated, expected = record.forecast["stated"], dict(record.forecast)
    return Forecast(stated, expected, dict(outcome), pointer(file, "forecast"))


@with_config(_STRICT)
class Outcome(TypedDict, total=False):
    """What came of an experiment, as its record's values hold it."""

    winner: str | None
    difference: Mean | float | None
    verdict: str | None


_outcome = TypeAdapter(Outcome)


def figure(name: str, section: str, record: Record) -> Figure:
    """Return the figure `name` of a record. Raises LookupError."""
    found = record.figures[name]
    light = found["files"]["light"]
    dark = found["files"].get("dark") or light
    return Figure(
        name, found["alt"], found["caption"],
        light=f"results/{section}/{light}", dark=f"results/{section}/{dark}",
        source=pointer(record_file(section), "figures", name), data=found["data"],
    )  # fmt: skip


def _table(name: str, section: str, record: Record) -> Table:
    found = record.tables[name]
    source = pointer(record_file(section), "tables", name)
    columns = tuple(found["columns"])
    most = max(_MOST_CELLS // max(len(columns), 1), _FEWEST_ROWS)
    rows = tuple(map(tuple, found["rows"][:most]))
    for row in rows:
        for value, column in zip(row, columns, strict=True):
            show(value, column["format"])  # what cannot be shown is said here, with its place
    return Table(_captioned(found["caption"], len(rows), len(found["rows"])), columns, rows, source)


def _captioned(caption: str, shown: int, rows: int) -> str:
    """Return a table's caption; where not all of it is shown, with how much of it is."""
    if shown == rows:
        return caption
    return f"{caption} The first {shown:,} of {rows:,} rows; all are in the record.".strip()


def _fact(name: str | int, section: str, record: Record) -> Fact:
    found = record.facts[int(name)]
    values = found.get("values") or {}
    fill(found["text"], values)
    return Fact(found["text"], values, pointer(record_file(section), "facts", int(name)))


def _note(name: str | int, section: str, record: Record) -> Note:
    fact = _fact(name, section, record)
    return Note(fact.text, fact.values, fact.source)


_SHOWN: dict[str, Callable[[Any, str, Record], Block]] = {
    "fact": _fact,
    "note": _note,
    "table": _table,
    "figure": figure,
}


def _again(section: str) -> str:
    return f"run it again: 'ninefold run --force {section}'"
