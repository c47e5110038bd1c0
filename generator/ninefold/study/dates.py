"""Recognising dates in a column, however they are written."""

from datetime import datetime
from itertools import product

import pandas as pd
from pandas.api import types

_DAYS = [
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%d.%m.%Y", "%d.%m.%y", "%d-%m-%Y"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y"),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
]
_CLOCKS = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"]
_ISO = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f"]
_ZONED = [f"{iso}%z" for iso in [*_ISO, "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]]
_FORMATS = [*(day + clock for day, clock in product(_DAYS, _CLOCKS)), *_ISO, *_ZONED]


def parse_dates(values: pd.Series) -> pd.Series | None:
    """Return values (none missing) as datetime64 in UTC, NaT where one is no date, or None where
    no format fits any.

    Of several formats the one that fits most values is taken, the day before the month where
    both fit. Whole numbers are dates where all read as YYYYMMDD from 1900 to 2100.
    """
    if types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True).dt.tz_localize(None)
    if types.is_numeric_dtype(values):
        return _parse_numbers(values)
    text = values.astype(str)
    probes = text.drop_duplicates().head(5)
    fitting = [form for form in _FORMATS if any(_fits(probe, form) for probe in probes)]
    parsed = [pd.to_datetime(text, format=f, errors="coerce", utc=True) for f in fitting]
    if not parsed:
        return None
    return max(parsed, key=lambda dates: dates.notna().sum()).dt.tz_localize(None)


def _parse_numbers(values: pd.Series) -> pd.Series | None:
    if not ((values == values.round()) & values.between(19000101, 21001231)).all():
        return None
    text = values.astype("int64").astype(str)
    parsed = pd.to_datetime(text, format="%Y%m%d", errors="coerce")
    return parsed if parsed.notna().all() else None


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True
