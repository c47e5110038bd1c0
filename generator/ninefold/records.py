"""What a run leaves behind: one `record.json` for each section, readable, diffable, atomic.

Schema version 1. The kernel writes what the notebook found (`evaluations`, `values`, `facts`,
`tables`, `figures`, `forecast`); the runner adds what it knows of the run (`key`, `run`). A record
is checked down to its leaves when it is read: what comes after may rely on every type of its parts
(`record_entries`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    JsonValue,
    TypeAdapter,
    ValidationError,
)

from ninefold.bounded import AGAIN, RECORD, must_fit, write_whole
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.plain_json import parse_json, pretty
from ninefold.record_entries import (
    Count,
    EvaluationEntry,
    FactEntry,
    FigureEntry,
    ForecastEntry,
    KeptFile,
    KeyEntry,
    NoForecast,
    PredictionsFile,
    RunEntry,
    TableEntry,
)

SCHEMA = 1
RECORD_FILE = "record.json"


def _with_its_metric(entry: EvaluationEntry) -> EvaluationEntry:
    if entry["metric"] not in entry["summary"] or entry["metric"] not in entry["scores"]:
        raise ValueError("has no score in the metric that decides")
    return entry


class Record(BaseModel):
    """What one run of one section found.

    evaluations  name → an evaluation
    values       what expressions can quote: name → number, text, or a nested mapping of them
    facts        computed one-line statements in order
    tables       name → table
    figures      name → figure
    predictions  file beside the record → what it holds
    forecast     of a grid's point, only kept: its section's own run is where it is judged
    fits         how many models were trained
    key          the runner's: part of the cache key → digest or version
    run          the runner's: when and how long, versions, machine, commit
    """

    # deferred: who reads only parts of records (`read_parts`) needs no schema of the whole
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    record_schema: int = SCHEMA
    section: str
    evaluations: dict[str, Annotated[EvaluationEntry, AfterValidator(_with_its_metric)]] = {}
    values: dict[str, JsonValue] = {}
    facts: list[FactEntry] = []
    tables: dict[str, TableEntry] = {}
    figures: dict[str, FigureEntry] = {}
    predictions: dict[PredictionsFile, KeptFile] = {}
    forecast: ForecastEntry | NoForecast | None = None
    fits: Count = 0
    key: KeyEntry = {}
    run: RunEntry = {}


def read_record(files: Files, folder: str = ".") -> Record | None:
    """Return the record in a folder of results, or None where it has none.

    Raises NinefoldError where it is broken or of another version.
    """
    name = f"{folder}/{RECORD_FILE}".removeprefix("./")
    try:
        content = files.json(name, RECORD)
    except FileNotFoundError:
        return None
    found = content.get("record_schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise NinefoldError(
            f"{name} has the record version {str(found)[:20]}",
            f"this ninefold reads {SCHEMA}",
            AGAIN,
        )
    with mistakes_of(name, AGAIN):
        return Record.model_validate(content)


def read_parts(files: Files, folder: str, *names: str) -> dict[str, Any] | None:
    """Return those parts of the record in a folder of results, or None where it has none.

    Of a record as `write_record` leaves it nothing else is taken in, which for a thousand records
    is what makes it quick. Raises NinefoldError as `read_record` does.
    """
    name = f"{folder}/{RECORD_FILE}"
    try:
        content = files.read(name, RECORD)
    except FileNotFoundError:
        return None
    parts = {part: _part(content, part) for part in ("record_schema", *names)}
    if None in parts.values() or parts["record_schema"] != SCHEMA:
        record = read_record(files, folder)
        return None if record is None else {part: getattr(record, part) for part in names}
    for part in names:
        with mistakes_of(name, AGAIN, part):
            parts[part] = _adapter(part).validate_python(parts[part])
    return parts


def _part(content: bytes, name: str) -> Any:
    """Return one part of a record, found by how `pretty` indents; None where that fails."""
    start = content.find(f'\n "{name}": '.encode())
    end = content.find(b'\n "', start + 1)
    if start < 0 or not content.endswith(b"\n}\n"):
        return None
    value = content[start + len(name) + 5 : end if end > 0 else -3]
    try:
        return parse_json(value.rstrip(b","), name)
    except NinefoldError:
        return None


@cache
def _adapter(part: str) -> TypeAdapter[Any]:
    return TypeAdapter(Record.__annotations__[part])


@contextmanager
def mistakes_of(name: str, todo: str = "", *within: str) -> Iterator[None]:
    """Turn what pydantic finds wrong in the file `name` into NinefoldError: the first mistake, and
    where it is."""
    try:
        yield
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, (*within, *mistake["loc"])))
        shown = where if len(where) <= _LONGEST else f"{where[:_LONGEST]}…"
        raise NinefoldError(f"{name}: '{shown}': {mistake['msg']}", todo=todo) from None


_LONGEST = 120  # characters of a place that an error names


def write_record(folder: Path, record: Record) -> None:
    """Write a section's record into `folder`, whole or not at all. Raises NinefoldError, for one
    that would be too large to be read, too."""
    content = pretty(dict(record)).encode()
    must_fit(RECORD_FILE, len(content), RECORD, "record less of what no report shows")
    write_whole(folder / RECORD_FILE, content)
