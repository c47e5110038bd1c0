"""Reading a table from a file, and saying how it was written or what is wrong with it."""

import hashlib
import io
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ninefold.bounded import DATA, read_given
from ninefold.errors import NinefoldError
from ninefold.study.fields import EXPECTED, read_fields
from ninefold.study.numerals import Numerals, decimal_mark

MISSING_MARKS = {
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "null", "NULL", "Null", "None"),
    *("missing", "Missing", "MISSING", "?", "-", "--", "."),
}
_PLAIN_MARKS = {"", "NA", "NaN", "nan"}  # nobody needs to be told


@dataclass(frozen=True)
class Reading:
    """A table as it was read, and how it was written.

    `encoding`, `delimiter` and `decimal` are empty where the file has none (Parquet, built-in).
    `notes` says the unusual only, a sentence each. `sha256` is that of the file, or of a built-in
    dataset as CSV.
    """

    frame: pd.DataFrame
    encoding: str = ""
    delimiter: str = ""
    decimal: str = ""
    missing_marks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sha256: str = ""


def read_source(source: str, root: Path) -> Reading:
    """Read "builtin:NAME", or the table at the path `source`, relative to `root`."""
    if source.startswith("builtin:"):
        from ninefold.study.builtin import load_builtin

        frame = load_builtin(source.removeprefix("builtin:"))
        return Reading(frame, sha256=_sha256(frame.to_csv(index=False).encode()))
    # A run takes note of it wherever it lies, and however it is read.
    sys.audit("ninefold.file", source)
    return read_table(root / source)


def read_table(path: Path, *, least: int = 2) -> Reading:
    """Read a CSV or Parquet file of at least `least` rows.

    Numbers become int64 or float64, everything else text (dtype object, None where missing).
    Raises NinefoldError, one clear line, for whatever is not such a table.
    """
    if path.is_dir():
        raise NinefoldError(f"{path} is a folder", EXPECTED)
    try:
        data = read_given(path, DATA)
    except FileNotFoundError:
        raise NinefoldError(f"no such file: {path}", EXPECTED, "check the path") from None
    reading = _read_parquet(data, path) if data[:4] == b"PAR1" else _read_text(data, path)
    rows = len(reading.frame)
    if rows < least:
        found = f"only {rows} row{'s' * (rows != 1)}" if rows else "a header and no rows"
        raise NinefoldError(f"{path} holds {found}", f"expected {least} or more")
    return replace(reading, sha256=_sha256(data))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read_parquet(data: bytes, path: Path) -> Reading:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(io.BytesIO(data)).read()
    except (arrow.ArrowException, OSError) as error:
        raise NinefoldError(f"{path} is a broken Parquet file ({error})", EXPECTED) from None
    _check_names(table.column_names, path)
    for field in table.schema:
        if arrow.types.is_nested(field.type) or arrow.types.is_binary(field.type):
            raise NinefoldError(
                f"{path}: column '{field.name}' holds {field.type} values",
                "expected numbers, text or dates",
            )
    frame = table.to_pandas(ignore_metadata=True, date_as_object=False)
    frame.columns = [str(name).strip() for name in frame.columns]
    for name, field in zip(frame.columns, table.schema, strict=True):
        if arrow.types.is_decimal(field.type):
            frame[name] = frame[name].astype("float64")
        elif not (
            pd.api.types.is_numeric_dtype(frame[name])
            or pd.api.types.is_datetime64_any_dtype(frame[name])
            or pd.api.types.is_timedelta64_dtype(frame[name])
        ):
            values = frame[name].astype(object)
            frame[name] = values.where(values.notna(), None)
    frame, notes = _without_infinities(frame)
    return Reading(frame, notes=notes)


def _read_text(data: bytes, path: Path) -> Reading:
    fields = read_fields(data, path)
    _check_names(list(fields.names), path)
    marks = {cell for column in fields.columns for cell in column} & MISSING_MARKS
    decimal = decimal_mark(fields.columns, fields.delimiter)
    numerals = Numerals(decimal)
    cells = {
        name: [None if cell in MISSING_MARKS else cell for cell in column]
        for name, column in zip(fields.names, fields.columns, strict=True)
    }
    typed = {name: numerals.typed(column) for name, column in cells.items()}
    frame, infinities = _without_infinities(pd.DataFrame(typed))

    notes = list(fields.notes)
    if decimal == ",":
        notes.append("Numbers are written with a decimal comma.")
    unusual = [f"'{mark}'" for mark in sorted(marks - _PLAIN_MARKS)]
    if unusual:
        notes.append(f"Read as missing: {', '.join(unusual)}.")
    return Reading(
        frame,
        fields.encoding,
        fields.delimiter,
        decimal,
        tuple(sorted(marks)),
        (*notes, *numerals.notes(cells), *infinities),
    )


def _check_names(names: list[str], path: Path) -> None:
    names = [str(name).strip() for name in names]
    if "" in names:
        raise NinefoldError(
            f"{path}: column {names.index('') + 1} has no name",
            "expected a name for every column",
            "name it in the first line",
        )
    twice = [f"'{name}'" for name, count in Counter(names).items() if count > 1]
    if twice:
        raise NinefoldError(
            f"{path}: several columns are named {', '.join(twice)}",
            "expected different names",
            "rename them",
        )
    if len(names) < 2:
        raise NinefoldError(f"{path} has one column only", "expected a target and its inputs")


def _without_infinities(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    floats = frame.select_dtypes("float")
    infinite = [str(name) for name in floats if np.isinf(floats[name]).any()]
    if not infinite:
        return frame, ()
    names = ", ".join(f"'{name}'" for name in infinite)
    frame = frame.assign(**{n: frame[n].replace([np.inf, -np.inf], np.nan) for n in infinite})
    return frame, (f"Infinite values are read as missing: {names}.",)
