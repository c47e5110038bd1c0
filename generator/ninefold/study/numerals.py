"""How numbers are written in a text file: decimal mark, thousands, codes that only look so."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

_EXPONENT = r"(?:[eE][+-]?\d+)?"
_INFINITE = r"[+-]?[iI]nf(?:inity)?"
_PLAIN = re.compile(rf"[+-]?(?:\d+\.?\d*|\.\d+){_EXPONENT}|{_INFINITE}", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_COMMA = re.compile(
    rf"[+-]?(?:\d{{1,3}}(?:\.\d{{3}})+|\d+)(?:,\d+)?{_EXPONENT}|[+-]?,\d+|{_INFINITE}", re.ASCII
)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_LEADING_ZERO = re.compile(r"0\d+", re.ASCII)
_EXACT = 2**53  # above it a float cannot tell neighbouring integers apart


def decimal_mark(columns: Iterable[Sequence[str]], delimiter: str) -> str:
    """Return "," where the cells show it beyond doubt, else ".".

    "3,14" shows it; "1,234" may be over a thousand, unless semicolons separate the fields: that
    is how spreadsheets write where the comma is the decimal mark. A "3.14" anywhere speaks
    against it.
    """
    comma = False
    for column in columns:
        for cell in column:
            if re.fullmatch(r"[+-]?\d*\.\d+", cell, re.ASCII) and not _may_group(cell):
                return "."
            comma = comma or (
                re.fullmatch(r"[+-]?\d*,\d+", cell, re.ASCII) is not None
                and (delimiter == ";" or not _may_group(cell))
            )
    return "," if comma else "."


def _may_group(cell: str) -> bool:
    """Tell whether the mark in a cell such as "1.234" may part thousands."""
    return re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", cell, re.ASCII) is not None


@dataclass(frozen=True)
class Numerals:
    """The numbers of one file, which has one decimal mark."""

    decimal: str = "."

    def typed(self, cells: Sequence[str | None]) -> pd.Series:
        """Return a column as int64 or float64 where all its cells are numbers, else as text.

        Integers with a leading zero and those too long for a float are codes: text.
        """
        present = [cell for cell in cells if cell is not None]
        if not all(self._is_number(cell) for cell in present) or _are_codes(present):
            return pd.Series(cells, dtype=object)
        numbers = [None if cell is None else self._plain(cell) for cell in cells]
        whole = len(present) == len(cells) and all(map(_INTEGER.fullmatch, present))
        if whole:
            return pd.Series([int(cell) for cell in present], dtype="int64")
        return pd.Series([None if n is None else float(n) for n in numbers], dtype="float64")

    def notes(self, columns: dict[str, list[str | None]]) -> list[str]:
        """Return what a reader should know of the columns, a sentence each."""
        codes, grouped = [], []
        for name, cells in columns.items():
            present = [cell for cell in cells if cell is not None]
            if not present or not all(self._is_number(cell) for cell in present):
                continue
            if _are_codes(present):
                codes.append(f"'{name}'")
            elif self.decimal == "." and any("," in cell for cell in present):
                grouped.append(f"'{name}'")
        notes = []
        if codes:
            notes.append(f"Kept as text, being codes rather than numbers: {', '.join(codes)}.")
        if grouped:
            notes.append(f"Commas are read as parting thousands: {', '.join(grouped)}.")
        return notes

    def _is_number(self, cell: str) -> bool:
        if self.decimal == ",":
            return _COMMA.fullmatch(cell) is not None
        return (_PLAIN.fullmatch(cell) or _THOUSANDS.fullmatch(cell)) is not None

    def _plain(self, cell: str) -> str:
        if self.decimal == ",":
            return cell.replace(".", "").replace(",", ".")
        return cell.replace(",", "")


def _are_codes(cells: Sequence[str]) -> bool:
    if not all(map(_INTEGER.fullmatch, cells)):
        return False
    return any(_LEADING_ZERO.fullmatch(cell) or abs(int(cell)) > _EXACT for cell in cells)
