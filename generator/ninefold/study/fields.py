"""The fields of a text file: encoding, delimiter, quotes; every row as wide as the header."""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ninefold.errors import NinefoldError

EXPECTED = "expected a CSV or Parquet file"
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SIGNATURES = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"SQLite format 3": "a SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
}
_SNIFFED_ROWS = 500


@dataclass(frozen=True)
class Fields:
    """The cells of a text file, column by column, without surrounding blanks."""

    names: list[str]
    columns: list[list[str]]
    encoding: str
    delimiter: str
    notes: list[str]


def read_fields(data: bytes, path: Path) -> Fields:
    """Part the bytes of a file (`path` is for messages) into fields.

    Raises NinefoldError where they are no text, no table, ragged, or wrongly quoted.
    """
    text, encoding = _decode(data, path)
    if not text.strip():
        raise NinefoldError(f"{path} is empty", EXPECTED)
    _refuse_markup(text, path)
    delimiter = _find_delimiter(text, path)
    names, rows = _parse(text, delimiter, path)
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    names, columns, notes = _without_row_numbers(names, columns or [[] for _ in names])
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"The text is encoded as {encoding}.")
    if delimiter != ",":
        notes.append(f"Fields are separated by {_DELIMITERS[delimiter]}.")
    return Fields(names, columns, encoding, delimiter, notes)


def _decode(data: bytes, path: Path) -> tuple[str, str]:
    """Return the text and its encoding: by its byte order mark, else UTF-8, else cp1252."""
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            raise NinefoldError(f"{path} is {kind}", EXPECTED, "save the table as CSV")
    marked = [encoding for mark, encoding in _BOMS.items() if data.startswith(mark)]
    if not marked and b"\0" in data:
        raise NinefoldError(f"{path} holds binary data", EXPECTED, "save the table as CSV in UTF-8")
    for encoding in marked or ("utf-8", "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise NinefoldError(
        f"{path} is in an encoding that cannot be read",
        "expected UTF-8, UTF-16 with a byte order mark, or cp1252",
        "save it as UTF-8",
    )


def _refuse_markup(text: str, path: Path) -> None:
    start = text.lstrip()
    if re.match(r"<(!doctype|html|\?xml|svg)", start, re.IGNORECASE):
        raise NinefoldError(f"{path} is HTML or XML", EXPECTED, "download the file itself")
    if start[:1] in ("{", "["):
        try:
            end = json.JSONDecoder().raw_decode(start)[1]
        except (ValueError, RecursionError):  # a column may well be called "{a}"
            return
        if start[end:].lstrip(" \t\r")[:1] in ("", "\n"):  # one value, or one on each line
            raise NinefoldError(f"{path} is JSON", EXPECTED, "save the table as CSV")


def _find_delimiter(text: str, path: Path) -> str:
    """Return the delimiter that breaks no quotes and under which most rows have as many fields as
    the header, then the one that gives most fields. Raises NinefoldError where each leaves a
    single column."""
    scores: dict[str, tuple[bool, float, int]] = {}
    widest = 1
    for delimiter in _DELIMITERS:
        widths: list[int] = []
        whole = False
        with suppress(csv.Error):  # where all break quotes, `_parse` says where
            widths.extend(len(row) for _, row in islice(_rows(text, delimiter), _SNIFFED_ROWS))
            whole = True
        if not widths:
            continue
        counts = Counter(widths)
        widest = max(widest, counts.most_common(1)[0][0])
        if widths[0] > 1:
            scores[delimiter] = (whole, counts[widths[0]] / len(widths), widths[0])
    if scores:
        return max(scores, key=lambda delimiter: scores[delimiter])
    if widest > 1:
        raise NinefoldError(
            f"{path}: the first line has one field, most others have {widest}",
            "expected column names in the first line",
            "delete what stands above them",
        )
    raise NinefoldError(f"{path} has one column only", "expected fields separated by , ; | or tabs")


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the number of the line it begins on."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    line = 1
    for row in reader:
        if row:
            yield line, row
        line = reader.line_num + 1


def _parse(text: str, delimiter: str, path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows, all of one width."""
    rows: list[list[str]] = []
    line = 0
    try:
        for line, row in _rows(text, delimiter):
            if rows and len(row) != len(rows[0]):
                raise NinefoldError(
                    f"{path}, line {line} has {len(row)} fields",
                    f"expected {len(rows[0])} as in the first line",
                    "quote a field that holds the delimiter, or mend the line",
                )
            rows.append(row)
    except csv.Error as error:
        raise NinefoldError(
            f"{path}, after line {line}: the quotes are broken ({error})",
            'expected each opening " to be closed',
        ) from None
    return [name.strip() for name in rows[0]], rows[1:]


def _without_row_numbers(
    names: list[str], columns: list[list[str]]
) -> tuple[list[str], list[list[str]], list[str]]:
    """Leave out an unnamed first column that counts the rows, as R and pandas write it."""
    count = len(columns[0])
    counted = (list(map(str, range(count))), list(map(str, range(1, count + 1))))
    if names[0] == "" and count and columns[0] in counted:
        return names[1:], columns[1:], ["The unnamed first column, row numbers, is left out."]
    return names, columns, []
